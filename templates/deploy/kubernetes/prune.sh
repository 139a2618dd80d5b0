# shellcheck shell=bash
# Only kinds that pipelinegen writes, and of those only what carries its labels.
kubectl --namespace "$NAMESPACE" get --output name --filename "$MANIFESTS" |
  sort > "$TEMPORARY/pipelinegen-wanted"
kubectl --namespace "$NAMESPACE" get deployments.apps,services,poddisruptionbudgets.policy --output name \
  --selector "app.kubernetes.io/part-of=$PROJECT,app.kubernetes.io/managed-by=pipelinegen" |
  sort > "$TEMPORARY/pipelinegen-found"
comm -13 "$TEMPORARY/pipelinegen-wanted" "$TEMPORARY/pipelinegen-found" > "$TEMPORARY/pipelinegen-strange"
if [ -s "$TEMPORARY/pipelinegen-strange" ]; then
  mapfile -t strange < "$TEMPORARY/pipelinegen-strange"
  kubectl --namespace "$NAMESPACE" delete --wait=false "${strange[@]}"
fi
