"""A step as it stands in a workflow: an action with its inputs, a script, or a block of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from pipelinegen.errors import Defect
from pipelinegen.pipelines import pins
from pipelinegen.pipelines.rendering.github.scalars import literally, plain, scalar

# What these actions keep in the cache of GitHub by themselves, a job of a branch could find as a pull request left it.
_UNCACHED = MappingProxyType({"setup-buildx-action": "cache-binary", "setup-qemu-action": "cache-image"})
# Of what belongs to a key of `env` or `with`.
WIDTH = 12

Entries = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A step whose values are YAML already. block: the whole text of a block of the user's own, else ""."""

    name: str = ""
    comment: str = ""
    id: str = ""
    condition: str = ""
    uses: str = ""
    inputs: Entries = ()
    env: Entries = ()
    line: str = ""  # a script of one line that may stand behind its key
    lines: tuple[str, ...] = ()
    block: str = ""


def used(name: str, key: str, inputs: Entries, *, condition: str = "", id: str = "") -> Written:
    """A step that is an action by its key in actions.lock, with inputs that it knows."""
    if unknown := pins.action(key).unknown(name for name, _ in inputs):
        raise Defect(f"{pins.action(key).name} has no input {', '.join(unknown)}", id="unknown-input")
    uncached = ((_UNCACHED[key], "false"),) if key in _UNCACHED else ()
    inputs = (*inputs, *uncached)
    return Written(scalar(literally(name)), id=id, condition=condition, uses=_third_party(key), inputs=inputs)


def scripted(
    name: str, lines: tuple[str, ...], env: Entries = (), *, comment: str = "", condition: str = "", id: str = ""
) -> Written:
    """A step that is a script, in which no value stands."""
    if not lines or lines[0][:1].isspace() or any("${{" in line or "\n" in line for line in lines):
        raise Defect(f"the script of the step {name!r} cannot stand in a workflow as it is", id="script")
    alone = lines[0] if len(lines) == 1 and plain(lines[0]) and len(lines[0]) < 100 else ""
    return Written(
        scalar(literally(name)),
        comment=comment,
        id=id,
        condition=condition,
        env=env,
        line=alone,
        lines=() if alone else lines,
    )


def text(text: str) -> str:
    """A text behind a key of `env` or `with`."""
    return scalar(literally(text), WIDTH)


def _third_party(key: str) -> str:
    """An action by its commit, and its tag for people and for the tools that update it."""
    action = pins.action(key)
    return f"{action.name}@{action.commit}  # {action.tag}"
