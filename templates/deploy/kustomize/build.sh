# shellcheck shell=bash
MANIFESTS="$TEMPORARY/pipelinegen-manifests.yaml"
kubectl kustomize "$OVERLAY" > "$MANIFESTS"
