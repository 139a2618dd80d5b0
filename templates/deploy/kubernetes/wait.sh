# shellcheck shell=bash
read -r -a deployments <<< "$WORKLOADS"
end=$((SECONDS + PATIENCE))
for deployment in "${deployments[@]}"; do
  left=$((end > SECONDS ? end - SECONDS : 1))
  if ! kubectl --namespace "$NAMESPACE" rollout status "deployment/$deployment" --timeout="${left}s"; then
    kubectl --namespace "$NAMESPACE" get "deployment/$deployment" \
      --output 'jsonpath={range .status.conditions[*]}{.type}={.status}: {.message}{"\n"}{end}' >&2
    exit 1
  fi
done
