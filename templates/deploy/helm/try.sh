# shellcheck shell=bash
helm lint "$CHART" --strict --quiet --namespace "$NAMESPACE" --values "$MANIFESTS"
kubectl --namespace "$NAMESPACE" apply --server-side --field-manager=pipelinegen --force-conflicts \
  --dry-run=server --validate=strict --filename "$TEMPORARY/pipelinegen-after.yaml"
