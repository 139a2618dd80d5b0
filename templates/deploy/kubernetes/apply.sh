# shellcheck shell=bash
revision='{.metadata.annotations.deployment\.kubernetes\.io/revision}'
kubectl --namespace "$NAMESPACE" get deployments --selector "app.kubernetes.io/part-of=$PROJECT" \
  --output 'jsonpath={range .items[*]}{.metadata.name}{" "}'"$revision"'{"\n"}{end}' \
  > "$TEMPORARY/pipelinegen-revisions"
# What a person has changed by hand is taken back: the repository says what is wanted.
kubectl --namespace "$NAMESPACE" apply --server-side --field-manager=pipelinegen --force-conflicts \
  --validate=strict --filename "$MANIFESTS"
