# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.
# Where the state is kept. This one needs no further credential: it is a Secret in a namespace of its own, and a
# Lease locks it. For another, name it in the block and put its settings into environments/*/backend.hcl. Its
# credentials come by its own variables of the environment, never by a file: a saved plan would hold them.

terraform {
  # pipelinegen:begin backend
  backend "kubernetes" {}
  # pipelinegen:end
}
