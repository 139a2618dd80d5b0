# shellcheck shell=bash
terraform -chdir="$ROOT" init -no-color -reconfigure -backend-config="environments/$ENVIRONMENT/backend.hcl"
terraform -chdir="$ROOT" output -no-color -json > "$TEMPORARY/pipelinegen-outputs.json"
for name in manifests references repair; do
  python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], {}).get("value", ""), end="")' "$name" \
    < "$TEMPORARY/pipelinegen-outputs.json" > "$TEMPORARY/pipelinegen-$name"
done
if [ -s "$TEMPORARY/pipelinegen-references" ]; then
  mapfile -t references < "$TEMPORARY/pipelinegen-references"
  pipelinegen bump --repo . --deliver worktree --path "$IMAGES" --only-tag unset --allow-missing --quiet -- "${references[@]}"
fi
# What was applied, against what runs: Terraform sees no difference that it did not make.
if [ -s "$TEMPORARY/pipelinegen-manifests" ]; then
  drifted=0
  kubectl --namespace "$NAMESPACE" diff --server-side --field-manager=pipelinegen --force-conflicts \
    --filename - < "$TEMPORARY/pipelinegen-manifests" || drifted=$?
  if [ "$drifted" -gt 1 ]; then
    exit "$drifted"
  elif [ "$drifted" -eq 1 ]; then
    date -u +%Y-%m-%dT%H:%M:%SZ > "$TEMPORARY/pipelinegen-repair"
  fi
fi
