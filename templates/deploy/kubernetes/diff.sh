# shellcheck shell=bash
changed=0
kubectl --namespace "$NAMESPACE" diff --server-side --field-manager=pipelinegen --force-conflicts \
  --filename "$MANIFESTS" || changed=$?
# 1 says that there are differences, more is an error.
if [ "$changed" -gt 1 ]; then
  exit "$changed"
fi
