# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.
# The values come from environments/, in JSON, which has no comments to say that pipelinegen wrote it.

terraform {
  required_version = ">= 1.9.0, < 2.0.0"

  # No provider is used but the built-in one: "terraform init" asks no registry, and there is no lock file to keep.
  # terraform_data calls the kubectl that the pipeline has installed by checksum, and the pipeline tells in
  # var.repair that what runs is not what was applied, so that "plan" shows it.
  # To use hashicorp/kubernetes instead: name it here in required_providers, let its resources stand in
  # modules/workload/main.tf for terraform_data, and commit the .terraform.lock.hcl that
  # "terraform providers lock -platform=linux_amd64 -platform=linux_arm64" writes.

  # pipelinegen:begin terraform
  # pipelinegen:end
}

module "workload" {
  source   = "./modules/workload"
  for_each = var.workloads

  name        = each.key
  project     = var.project
  namespace   = var.namespace
  image       = var.images[each.key]
  replicas    = each.value.replicas
  port        = each.value.port
  health_path = each.value.health_path
  repair      = var.repair

  # pipelinegen:begin workload
  # pipelinegen:end
}

# pipelinegen:begin main
# pipelinegen:end
