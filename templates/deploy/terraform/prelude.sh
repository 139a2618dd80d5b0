# shellcheck shell=bash
export TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1 TF_DATA_DIR="$TEMPORARY/pipelinegen-terraform"
export TF_VAR_commit="$COMMIT" KUBE_CONFIG_PATH="$KUBECONFIG"
