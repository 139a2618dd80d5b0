# shellcheck shell=bash
helm list --namespace "$NAMESPACE" --deployed --filter "^$RELEASE\$" --output json |
  python3 -c 'import json, sys; print(*(each["revision"] for each in json.load(sys.stdin)))' \
    > "$TEMPORARY/pipelinegen-revision"
helm upgrade "$RELEASE" "$CHART" --install --namespace "$NAMESPACE" --values "$MANIFESTS" --history-max 10 \
  --wait --timeout "${PATIENCE}s" --rollback-on-failure --force-conflicts
touch "$TEMPORARY/pipelinegen-upgraded"
