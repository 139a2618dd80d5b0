# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.

output "manifest" {
  description = "What was applied."
  value       = terraform_data.applied.output
}
