# shellcheck shell=bash
drifted=0
kubectl --namespace "$NAMESPACE" diff --server-side --field-manager=pipelinegen --force-conflicts \
  --filename "$MANIFESTS" || drifted=$?
if [ "$drifted" -gt 1 ]; then
  exit "$drifted"
fi
kubectl --namespace "$NAMESPACE" apply --server-side --field-manager=pipelinegen --force-conflicts \
  --dry-run=server --output name --filename "$MANIFESTS" | sort > "$TEMPORARY/pipelinegen-wanted"
kubectl --namespace "$NAMESPACE" get deployments.apps,services,poddisruptionbudgets.policy --output name \
  --selector "app.kubernetes.io/part-of=$PROJECT,app.kubernetes.io/managed-by=pipelinegen" |
  sort > "$TEMPORARY/pipelinegen-found"
strange=$(comm -13 "$TEMPORARY/pipelinegen-wanted" "$TEMPORARY/pipelinegen-found")
if [ -n "$strange" ]; then
  printf 'In the cluster, but not in the repository:\n%s\n' "$strange" >&2
  drifted=1
fi
if [ "$drifted" -ne 0 ] || [ -n "$by_hand" ]; then
  echo "The namespace $NAMESPACE is not as it was deployed." >&2
  exit 1
fi
echo "The namespace $NAMESPACE is as it was deployed."
