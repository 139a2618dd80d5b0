# shellcheck shell=bash
# A plan of this commit and of these images is the one that people have agreed to. Any other is a leftover.
if [ -f "$ROOT/$ENVIRONMENT.tfplan" ]; then
  terraform -chdir="$ROOT" show -no-color -json "$ENVIRONMENT.tfplan" \
    > "$TEMPORARY/pipelinegen-planned.json"
  if ! python3 -c 'import json, sys
planned, wanted = (json.load(open(path)) for path in sys.argv[1:3])
given = {name: each["value"] for name, each in planned["variables"].items()}
sys.exit(given["commit"] != sys.argv[3] or given["images"] != wanted["images"])' \
    "$TEMPORARY/pipelinegen-planned.json" "$ROOT/environments/$ENVIRONMENT/images.tfvars.json" \
    "$COMMIT"; then
    echo "$ENVIRONMENT.tfplan was made for something else: planning again."
    rm "$ROOT/$ENVIRONMENT.tfplan"
  fi
fi
if [ ! -f "$ROOT/$ENVIRONMENT.tfplan" ]; then
  TF_VAR_repair=$(cat "$TEMPORARY/pipelinegen-repair")
  export TF_VAR_repair
  terraform -chdir="$ROOT" plan -no-color -lock-timeout=5m -out="$ENVIRONMENT.tfplan" "${values[@]}"
fi
