# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.
# Where the state of staging is kept: the settings of ../../backend.tf.

# pipelinegen:begin backend
namespace     = "shop-staging-terraform"
secret_suffix = "shop-staging"
# pipelinegen:end
