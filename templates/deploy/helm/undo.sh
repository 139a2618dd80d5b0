# shellcheck shell=bash
# The upgrade goes back by itself where it fails. This is for what has failed after it, such as a health
# check.
if [ -f "$TEMPORARY/pipelinegen-upgraded" ]; then
  revision=$(cat "$TEMPORARY/pipelinegen-revision")
  if [ -n "$revision" ]; then
    helm rollback "$RELEASE" "$revision" --namespace "$NAMESPACE" --wait --timeout "${PATIENCE}s" \
      --force-conflicts
  else
    echo "$RELEASE was not there before: there is nothing to go back to."
  fi
fi
