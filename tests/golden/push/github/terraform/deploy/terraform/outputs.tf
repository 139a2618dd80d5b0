# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.

# The pipeline compares them with the cluster, and keeps what a run does not set.

output "manifests" {
  description = "What was applied."
  value       = join("---\n", [for each in module.workload : each.manifest])
}

output "references" {
  description = "The images that were deployed, one a line."
  value       = join("\n", values(var.images))
}

output "repair" {
  description = "The last value of var.repair."
  value       = var.repair
}
