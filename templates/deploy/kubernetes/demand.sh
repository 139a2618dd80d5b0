# shellcheck shell=bash
# A digest of zeros is no version: neither this run nor the cluster knows one for that image.
if grep --recursive --line-number "$UNSET" "$MANIFESTS" >&2; then
  echo "These images have no version." >&2
  echo "In a run that is started by hand, name one for each, REPOSITORY:TAG@DIGEST." >&2
  exit 1
fi
