# shellcheck shell=bash
TF_VAR_repair=$(cat "$TEMPORARY/pipelinegen-repair")
export TF_VAR_repair
if [ -s "$TEMPORARY/pipelinegen-manifests" ]; then
  changed=0
  terraform -chdir="$ROOT" plan -no-color -lock-timeout=5m -detailed-exitcode "${values[@]}" || changed=$?
  # 2 says that there are differences, 1 is an error.
  if [ "$changed" -eq 2 ]; then
    echo "$ENVIRONMENT is not as it was deployed." >&2
  fi
  if [ "$changed" -ne 0 ]; then
    exit 1
  fi
else
  echo "Nothing has been deployed to $ENVIRONMENT yet."
fi
