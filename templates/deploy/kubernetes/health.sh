# shellcheck shell=bash
read -r -a deployments <<< "$WORKLOADS"
kubectl --namespace "$NAMESPACE" wait --for=condition=Available --timeout="${PATIENCE}s" \
  "${deployments[@]/#/deployment/}"
