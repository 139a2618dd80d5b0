# shellcheck shell=bash
drifted=0
kubectl --namespace "$NAMESPACE" diff --server-side --field-manager=pipelinegen --force-conflicts \
  --filename "$MANIFESTS" || drifted=$?
if [ "$drifted" -gt 1 ]; then
  exit "$drifted"
fi
read -r -a deployments <<< "$WORKLOADS"
printf 'deployment.apps/%s\n' "${deployments[@]}" | sort > "$TEMPORARY/pipelinegen-wanted"
kubectl --namespace "$NAMESPACE" get deployments --selector "app.kubernetes.io/part-of=$PROJECT" --output name |
  sort > "$TEMPORARY/pipelinegen-found"
strange=$(comm -13 "$TEMPORARY/pipelinegen-wanted" "$TEMPORARY/pipelinegen-found")
if [ -n "$strange" ]; then
  printf 'In the cluster, but not in the repository:\n%s\n' "$strange" >&2
  drifted=1
fi
if [ "$drifted" -ne 0 ]; then
  echo "The namespace $NAMESPACE is not as it was deployed. The next deployment takes the differences back." >&2
  exit 1
fi
echo "The namespace $NAMESPACE is as it was deployed."
