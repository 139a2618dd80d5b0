# shellcheck shell=bash
# A digest of zeros is no version: neither this run nor the cluster knows one for that image.
if grep --recursive --line-number "$UNSET" "$MANIFESTS" >&2; then
  echo "These images have no version: name one for each, REPOSITORY:TAG@DIGEST, in a run that is started by hand." >&2
  exit 1
fi
