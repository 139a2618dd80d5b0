# shellcheck shell=bash
# Only what this run has changed goes back: to the revision that it had before.
before="$TEMPORARY/pipelinegen-revisions"
touch "$before"
read -r -a deployments <<< "$WORKLOADS"
for deployment in "${deployments[@]}"; do
  was=$(sed -n "s/^$deployment //p" "$before")
  is=$(kubectl --namespace "$NAMESPACE" get deployment "$deployment" --ignore-not-found \
    --output 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}')
  if [ -z "$was" ] || [ "$was" = "$is" ]; then
    echo "deployment/$deployment: there is nothing to go back to."
  else
    kubectl --namespace "$NAMESPACE" rollout undo "deployment/$deployment" --to-revision="$was"
    kubectl --namespace "$NAMESPACE" rollout status "deployment/$deployment" --timeout="${PATIENCE}s"
  fi
done
