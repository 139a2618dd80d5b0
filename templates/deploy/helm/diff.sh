# shellcheck shell=bash
# Never a Secret: many can read a log.
public='BEGIN {RS = ORS = "---\n"} NF && !/(^|\n)kind: Secret\n/'
# "helm get" says of a release that is not there the same as of a cluster that is not there.
known=$(helm list --namespace "$NAMESPACE" --short --filter "^$RELEASE\$")
: > "$TEMPORARY/pipelinegen-before.yaml"
if [ -n "$known" ]; then
  helm get manifest "$RELEASE" --namespace "$NAMESPACE" |
    awk "$public" > "$TEMPORARY/pipelinegen-before.yaml"
fi
helm template "$RELEASE" "$CHART" --namespace "$NAMESPACE" --values "$MANIFESTS" |
  awk "$public" > "$TEMPORARY/pipelinegen-after.yaml"
changed=0
diff --unified --ignore-blank-lines "$TEMPORARY/pipelinegen-before.yaml" \
  "$TEMPORARY/pipelinegen-after.yaml" || changed=$?
# 1 says that there are differences, more is an error.
if [ "$changed" -gt 1 ]; then
  exit "$changed"
fi
