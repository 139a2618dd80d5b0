# shellcheck shell=bash
helm upgrade "$RELEASE" "$CHART" --install --namespace "$NAMESPACE" --values "$MANIFESTS" --history-max 10 \
  --wait --timeout "${PATIENCE}s" --rollback-on-failure --force-conflicts
