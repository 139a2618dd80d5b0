# shellcheck shell=bash
kubectl --namespace "$NAMESPACE" apply --server-side --field-manager=pipelinegen --force-conflicts \
  --dry-run=server --validate=strict --filename "$MANIFESTS"
