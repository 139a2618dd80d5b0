# shellcheck shell=bash
# Every workload says in an annotation which reference it was deployed with.
running="$TEMPORARY/pipelinegen-running"
deployed='{.spec.template.metadata.annotations.pipelinegen\.dev/image}'
kubectl --namespace "$NAMESPACE" get deployments --selector "app.kubernetes.io/part-of=$PROJECT" \
  --output 'jsonpath={range .items[*]}'"$deployed"'{"\n"}{end}' |
  sed '/^$/d' | sort --unique > "$running"
if [ -s "$running" ]; then
  mapfile -t references < "$running"
  pipelinegen bump --repo . --deliver worktree --path "$IMAGES" --only-tag unset --allow-missing --quiet \
    -- "${references[@]}"
else
  echo "Nothing of $PROJECT runs in $NAMESPACE yet."
fi
