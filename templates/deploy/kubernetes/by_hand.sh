# shellcheck shell=bash
# Server-side apply leaves alone what a person has added, such as a variable. The server knows who has set
# each field; "kubectl rollout restart" and "undo" are no drift.
fields='{range .metadata.managedFields[?(@.operation=="Update")]}'
fields+='{.manager}{"\t"}{.subresource}{"\t"}{.fieldsV1.f:spec}{"\n"}{end}'
by_hand=$(
  kubectl --namespace "$NAMESPACE" get deployments --selector "app.kubernetes.io/part-of=$PROJECT" \
    --show-managed-fields --output 'jsonpath={range .items[*]}{.metadata.name}{"\n"}'"$fields"'{end}' |
    awk -F '\t' 'NF == 1 {name = $1}
      $1 ~ /^kubectl-/ && $1 != "kubectl-rollout" && $2 == "" && $3 != "" {print name ", by " $1 ": " $3}'
)
if [ -n "$by_hand" ]; then
  echo "Set by hand. A deployment takes back only what the repository says otherwise:" >&2
  printf '%s\n' "$by_hand" >&2
fi
