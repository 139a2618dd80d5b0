# shellcheck shell=bash
# What was applied, against what runs: Terraform sees no difference that it did not make.
if [ -s "$TEMPORARY/pipelinegen-manifests" ]; then
  drifted=0
  kubectl --namespace "$NAMESPACE" diff --server-side --field-manager=pipelinegen --force-conflicts \
    --filename - < "$TEMPORARY/pipelinegen-manifests" || drifted=$?
  if [ "$drifted" -gt 1 ]; then
    exit "$drifted"
  elif [ "$drifted" -eq 1 ] || [ -n "$by_hand" ]; then
    date -u +%Y-%m-%dT%H:%M:%SZ > "$TEMPORARY/pipelinegen-repair"
  fi
fi
