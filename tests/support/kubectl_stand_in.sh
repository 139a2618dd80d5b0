#!/usr/bin/env bash
# Stands in for kubectl where a test asks which calls a script makes, and what it does with their answers. It notes
# each call in $RECORD/calls, and what it was given in $RECORD/given.NAME.*; it answers from files beside them: NAME is
# put out, NAME.code is the exit code, and NAME.once.code that of the next call alone. The real kubectl on a real API
# server: tests/heavy.
set -u
printf '%s\n' "$*" >> "$RECORD/calls"
case " $* " in
  *" diff "*) name="diff" ;;
  *" --dry-run=server "*) name=tried ;;
  *" apply "*) name=apply ;;
  *" kustomize "*) name=built ;;
  *" rollout status "*) name=status ;;
  *" rollout undo "*) name=undo ;;
  *" delete "*) name=delete ;;
  *" wait "*) name="wait" ;;
  *" --show-managed-fields "*) name=managers ;;
  *"pipelinegen\\.dev/image"*) name=running ;;
  *" --ignore-not-found "*) name="revision.$5" ;;
  *"deployment\\.kubernetes\\.io/revision"*) name=revisions ;;
  *" --output name --filename "*) name=applied ;;
  *" --output name "*) name=found ;;
  *) name=other ;;
esac
case " $* " in
  *" --filename - "*) cat > "$RECORD/given.$name.$$" ;;
esac
if [ -f "$RECORD/$name" ]; then
  cat "$RECORD/$name"
fi
code=0
for answer in "$RECORD/$name.once.code" "$RECORD/$name.code"; do
  if [ -f "$answer" ]; then
    code=$(cat "$answer")
    case "$answer" in *.once.code) rm "$answer" ;; esac
    break
  fi
done
exit "$code"
