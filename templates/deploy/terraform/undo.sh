# shellcheck shell=bash
if [ -f "$TEMPORARY/pipelinegen-applied" ] && [ -s "$TEMPORARY/pipelinegen-references" ]; then
  mapfile -t references < "$TEMPORARY/pipelinegen-references"
  pipelinegen bump --repo . --deliver worktree --path "$IMAGES" --allow-downgrade --quiet \
    -- "${references[@]}"
  TF_VAR_repair=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  export TF_VAR_repair
  terraform -chdir="$ROOT" apply -no-color -lock-timeout=5m -auto-approve "${values[@]}"
else
  echo "There is nothing to go back to, and nothing to wait for."
  WORKLOADS=
fi
