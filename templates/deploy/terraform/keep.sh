# shellcheck shell=bash
terraform -chdir="$ROOT" init -no-color -reconfigure -backend-config="environments/$ENVIRONMENT/backend.hcl"
terraform -chdir="$ROOT" output -no-color -json > "$TEMPORARY/pipelinegen-outputs.json"
for name in manifests references repair; do
  python3 -c 'import json, sys
print(json.load(sys.stdin).get(sys.argv[1], {}).get("value", ""), end="")' "$name" \
    < "$TEMPORARY/pipelinegen-outputs.json" > "$TEMPORARY/pipelinegen-$name"
done
if [ -s "$TEMPORARY/pipelinegen-references" ]; then
  mapfile -t references < "$TEMPORARY/pipelinegen-references"
  pipelinegen bump --repo . --deliver worktree --path "$IMAGES" --only-tag unset --allow-missing --quiet \
    -- "${references[@]}"
fi
