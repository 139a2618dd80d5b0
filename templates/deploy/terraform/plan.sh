# shellcheck shell=bash
TF_VAR_repair=$(cat "$TEMPORARY/pipelinegen-repair")
export TF_VAR_repair
terraform -chdir="$ROOT" plan -no-color -lock-timeout=5m -out="$ENVIRONMENT.tfplan" "${values[@]}"
