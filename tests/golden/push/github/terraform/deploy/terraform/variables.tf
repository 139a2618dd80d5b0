# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.

variable "project" {
  description = "The application that the workloads are parts of."
  type        = string
  nullable    = false
}

variable "namespace" {
  description = "The namespace of this environment. It exists already."
  type        = string
  nullable    = false
}

variable "workloads" {
  description = "What runs, by name."
  type = map(object({
    replicas    = number
    port        = optional(number)
    health_path = optional(string)
  }))
  nullable = false
}

variable "images" {
  description = "What each workload runs: REPOSITORY:TAG@DIGEST."
  type        = map(string)
  nullable    = false

  validation {
    condition = alltrue([
      for reference in values(var.images) : can(regex("^[a-z0-9][^@[:space:]]*@sha256:[0-9a-f]{64}$", reference))
    ])
    error_message = "Every image is named by its digest: REPOSITORY:TAG@sha256:... with 64 small hexadecimal digits."
  }

  validation {
    condition     = length(setsubtract(keys(var.workloads), keys(var.images))) == 0
    error_message = "Every workload needs an image."
  }
}

variable "repair" {
  description = "Another text where what runs is not what was applied: then all is applied again."
  type        = string
  default     = ""
  nullable    = false
}

# tflint-ignore: terraform_unused_declarations
variable "commit" {
  description = "The commit that is deployed. No resource depends on it: it tells whose a saved plan is."
  type        = string
  default     = ""
  nullable    = false
}

# pipelinegen:begin variables
# pipelinegen:end
