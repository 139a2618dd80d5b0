# shellcheck shell=bash
# Helm refuses a release that another run works on, and takes one that was killed for such a run. There is
# none: this job is alone with the environment.
pending=$(helm list --namespace "$NAMESPACE" --pending --short --filter "^$RELEASE\$")
if [ -n "$pending" ]; then
  good=$(
    helm history "$RELEASE" --namespace "$NAMESPACE" --output json |
      python3 -c 'import json, sys
found = [each for each in json.load(sys.stdin) if each["status"] in ("deployed", "superseded")]
print(max((each["revision"] for each in found), default=""))'
  )
  if [ -n "$good" ]; then
    helm rollback "$RELEASE" "$good" --namespace "$NAMESPACE" --wait --timeout "${PATIENCE}s"
  else
    helm uninstall "$RELEASE" --namespace "$NAMESPACE" --wait --timeout "${PATIENCE}s"
  fi
fi
