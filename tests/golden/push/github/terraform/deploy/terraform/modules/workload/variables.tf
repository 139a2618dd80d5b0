# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.

variable "name" {
  description = "The name of its objects."
  type        = string
  nullable    = false
}

variable "project" {
  description = "The application that it is a part of."
  type        = string
  nullable    = false
}

variable "namespace" {
  description = "The namespace of its objects."
  type        = string
  nullable    = false
}

variable "image" {
  description = "What it runs: REPOSITORY:TAG@DIGEST."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "The image is named by its digest."
  }
}

variable "replicas" {
  description = "How many of it run."
  type        = number
  nullable    = false
}

variable "port" {
  description = "Where it answers; null where it does not."
  type        = number
  default     = null
}

variable "health_path" {
  description = "The path at which it says that it is well; null where it has none."
  type        = string
  default     = null
}

variable "repair" {
  description = "Another text to apply it again."
  type        = string
  default     = ""
  nullable    = false
}

# pipelinegen:begin variables
# pipelinegen:end
