# shellcheck shell=bash
touch "$TEMPORARY/pipelinegen-applied"
applied=0
terraform -chdir="$ROOT" apply -no-color -lock-timeout=5m "$ENVIRONMENT.tfplan" || applied=$?
rm "$ROOT/$ENVIRONMENT.tfplan"
if [ "$applied" -ne 0 ]; then
  exit "$applied"
fi
