#!/bin/sh
# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, not this file.
#
# Keeps one container of this host at one image. It gets the variables of /etc/pipelinegen/NAME.env, if that is there.
#
#   container.sh status NAME [IMAGE]              exit 0: it runs from IMAGE, or from the one released last; 1: it does not
#   container.sh replace NAME IMAGE [PORT [PATH]] run it from IMAGE; where it does not come up, the one before goes on
#   container.sh forget NAME                      a deployment begins: what was before the last one is not needed any more
#   container.sh undo NAME                        bring back the one before, where this deployment has replaced it
#   container.sh released NAME                    the image of the last `replace` that went well
set -eu

engine=${CONTAINER_ENGINE:-docker}
settings=${CONTAINER_SETTINGS:-/etc/pipelinegen}
state=${CONTAINER_STATE:-/var/lib/pipelinegen}
network=${CONTAINER_NETWORK:-bridge}
patience=${CONTAINER_PATIENCE:-60}
label=pipelinegen.image

exists() {
  "$engine" container inspect "$1" >/dev/null 2>&1
}

seen() {
  "$engine" container inspect --format "{{.State.Running}} {{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null || :
}

# An engine starts a container that has ended again and again, so that it may well be seen to run.
restarted() {
  [ "$("$engine" container inspect --format '{{.RestartCount}}' "$1" 2>/dev/null || :)" != 0 ]
}

start() {
  name=$1 image=$2 port=$3
  set -- --detach --name "$name" --restart unless-stopped --label "$label=$image" --network "$network"
  if [ -n "$port" ] && [ "$network" != host ]; then set -- "$@" --publish "$port:$port"; fi
  if [ -e "$settings/$name.env" ]; then set -- "$@" --env-file "$settings/$name.env"; fi
  "$engine" run "$@" "$image" >/dev/null
}

answers() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --max-time 5 --output /dev/null "http://127.0.0.1:$1$2"
  else
    wget -q -T 5 -O /dev/null "http://127.0.0.1:$1$2"
  fi
}

# Without a path to ask, a container that has run for five looks in a row has come up.
came_up() {
  name=$1 image=$2 port=$3 path=$4
  looks=0 steady=0
  while [ "$looks" -lt "$patience" ]; do
    if restarted "$name" || [ "$(seen "$name")" != "true $image" ]; then return 1; fi
    if [ -n "$port" ] && [ -n "$path" ]; then
      if answers "$port" "$path" 2>/dev/null; then return 0; fi
    else
      steady=$((steady + 1))
      if [ "$steady" -ge 5 ]; then return 0; fi
    fi
    looks=$((looks + 1))
    sleep 1
  done
  return 1
}

remember() {
  mkdir -p "$state"
  printf '%s\n' "$2" >"$state/$1.new"
  mv "$state/$1.new" "$state/$1"
}

bring_back() {
  if exists "$1"; then "$engine" rm --force "$1" >/dev/null; fi
  if exists "$1-previous"; then
    "$engine" rename "$1-previous" "$1"
    "$engine" start "$1" >/dev/null
  fi
}

replace() {
  name=$1 image=$2 port=${3:-} path=${4:-}
  "$engine" pull --quiet "$image" >/dev/null
  if exists "$name"; then
    forget "$name"
    "$engine" stop "$name" >/dev/null
    "$engine" rename "$name" "$name-previous"
  fi
  if start "$name" "$image" "$port" && came_up "$name" "$image" "$port" "$path"; then
    remember "$name" "$image"
    return 0
  fi
  echo "container.sh: $name did not come up from $image; the last lines of its log:" >&2
  "$engine" logs --tail 20 "$name" >&2 || :
  bring_back "$name"
  return 1
}

forget() {
  if exists "$1-previous"; then "$engine" rm --force "$1-previous" >/dev/null; fi
}

undo() {
  exists "$1-previous" || return 0
  bring_back "$1"
  seen "$1" | {
    read -r _ image
    remember "$1" "$image"
  }
}

released() {
  if [ -e "$state/$1" ]; then cat "$state/$1"; fi
}

verb=${1:-}
case "$verb:$#" in
status:2) [ "$(seen "$2")" = "true $(released "$2")" ] ;;
status:3) [ "$(seen "$2")" = "true $3" ] ;;
replace:3 | replace:4 | replace:5) shift && replace "$@" ;;
forget:2 | undo:2 | released:2) "$@" ;;
*)
  sed -n 's/^#   //p' "$0" >&2
  exit 64
  ;;
esac
