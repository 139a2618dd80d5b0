# shellcheck shell=bash
# "helm get" says of a release that is not there the same as of a cluster that is not there.
known=$(helm list --namespace "$NAMESPACE" --short --filter "^$RELEASE\$")
drifted=0
if [ -n "$known" ]; then
  helm get manifest "$RELEASE" --namespace "$NAMESPACE" > "$TEMPORARY/pipelinegen-before.yaml"
  kubectl --namespace "$NAMESPACE" diff --server-side --field-manager=pipelinegen --force-conflicts \
    --filename "$TEMPORARY/pipelinegen-before.yaml" || drifted=$?
  if [ "$drifted" -gt 1 ]; then
    exit "$drifted"
  fi
  if [ -z "$(helm list --namespace "$NAMESPACE" --deployed --short --filter "^$RELEASE\$")" ]; then
    helm status "$RELEASE" --namespace "$NAMESPACE" >&2
    drifted=1
  fi
fi
if [ "$drifted" -ne 0 ] || [ -n "$by_hand" ]; then
  echo "The release $RELEASE in $NAMESPACE is not as it was deployed." >&2
  exit 1
fi
echo "The namespace $NAMESPACE holds of $RELEASE what was deployed."
