"""What each instruction of a Dockerfile asks of its flags and arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from pipelinegen.images.dockerfile.lines import Wrong, announced_by
from pipelinegen.images.dockerfile.model import Instruction, Problem

VALUE, SWITCH, MANY = "value", "switch", "many"
_COPYING = {"chown": VALUE, "chmod": VALUE, "link": SWITCH, "exclude": MANY}
_TIMES = {"interval": VALUE, "timeout": VALUE, "start-period": VALUE, "start-interval": VALUE, "retries": VALUE}
# The flags that each instruction knows, and whether one has a value, is on or off, or may come several times.
FLAGS: Mapping[str, Mapping[str, str]] = {
    "ADD": {**_COPYING, "keep-git-dir": SWITCH, "checksum": VALUE, "unpack": SWITCH},
    "COPY": {**_COPYING, "from": VALUE, "parents": SWITCH},
    "FROM": {"platform": VALUE},
    "HEALTHCHECK": _TIMES,
    "RUN": {"mount": MANY, "network": VALUE, "security": VALUE, "device": MANY},
}
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_ONE_ARGUMENT = frozenset({"MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"})
_SOME_ARGUMENTS = frozenset({"EXPOSE", "VOLUME", "ONBUILD", "HEALTHCHECK", "SHELL"})
_PAIRS = frozenset({"ENV", "LABEL", "ARG"})


def check(found: Instruction) -> str | None:
    """What is wrong with the arguments as a whole; raises Wrong where it is one of them."""
    name, count = found.name, len(found.words)
    if name in _ONE_ARGUMENT and count != 1:
        return f"{name} takes one argument"
    if name in _SOME_ARGUMENTS and not count:
        return f"{name} takes at least one argument"
    if name in _PAIRS:
        return _check_pairs(found)
    further = _FURTHER.get(name)
    return further(found) if further is not None else None


def did_you_mean(name: str, known: Iterable[str], mark: str = "") -> str:
    import difflib

    near = difflib.get_close_matches(name, list(known), 1)
    return f": did you mean {mark}{near[0]}?" if near else ""


def _check_pairs(found: Instruction) -> str | None:
    if not found.pairs:
        return f"{found.name} takes at least one NAME{'' if found.name == 'ARG' else '=VALUE'}"
    nameless = next((pair for pair in found.pairs if not pair.name), None)
    if nameless is not None:
        raise Wrong(Problem(nameless.place, "the name before the = is missing"))
    return None


def _check_from(found: Instruction) -> str | None:
    if len(found.words) == 3 and found.words[1].text.lower() == "as":
        name = found.words[2]
        if not _STAGE_NAME.fullmatch(name.text.lower()):
            what = "the name of a stage is a letter, then letters, digits, _, . or -"
            raise Wrong(Problem(name.place, what))
        return None
    return None if len(found.words) == 1 else "FROM IMAGE, or FROM IMAGE AS NAME"


def _check_copy(found: Instruction) -> str | None:
    if len(found.words) < 2:
        return f"{found.name} SOURCE... TARGET: one of the two is missing"
    if announced_by(found.words[-1].text) is not None:
        raise Wrong(Problem(found.words[-1].place, "a here-document is a source, not a target"))
    return None


def _check_onbuild(found: Instruction) -> str | None:
    trigger = found.words[0]
    if trigger.text.upper() in ("ONBUILD", "FROM", "MAINTAINER"):
        raise Wrong(Problem(trigger.place, f"{trigger.text.upper()} cannot be put off by ONBUILD"))
    return None


def _check_shell(found: Instruction) -> str | None:
    return None if found.is_json else 'SHELL takes a JSON array: SHELL ["/bin/sh", "-c"]'


def _check_volume(found: Instruction) -> str | None:
    return None if all(word.text.strip() for word in found.words) else "the path of a VOLUME is empty"


def _check_health(found: Instruction) -> str | None:
    kind = found.words[0].text.upper()
    if kind == "NONE":
        return "HEALTHCHECK NONE takes nothing more" if len(found.words) > 1 else None
    if kind != "CMD":
        raise Wrong(Problem(found.words[0].place, "HEALTHCHECK CMD COMMAND, or HEALTHCHECK NONE"))
    return None if len(found.words) > 1 else "the command of HEALTHCHECK CMD is missing"


_FURTHER: dict[str, Callable[[Instruction], str | None]] = {
    "ADD": _check_copy,
    "COPY": _check_copy,
    "FROM": _check_from,
    "HEALTHCHECK": _check_health,
    "ONBUILD": _check_onbuild,
    "SHELL": _check_shell,
    "VOLUME": _check_volume,
}
