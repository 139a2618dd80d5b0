"""What of a Dockerfile the built-in engine cannot do, since it runs nothing and reaches no host but registries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipelinegen.edge.engines.builtin.reading import Source
from pipelinegen.errors import WorldError
from pipelinegen.images.dockerfile import Instruction, Place, Problem
from pipelinegen.images.dockerfile.needed import Needed
from pipelinegen.images.reference import InvalidReference, parse

WAYS_OUT = (
    "install and start one of: docker (https://docs.docker.com/engine/install), buildah (apt-get install buildah), "
    "podman (apt-get install podman)"
)
_REMOTE = re.compile(r"(?:https?|git|ssh|ftp)://|git@|github\.com/", re.IGNORECASE)
# Frontends that read what is read here.
_FRONTENDS = frozenset({"docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream"})


def refuse(source: Source, stages: Iterable[Needed]) -> None:
    """Stop with all that cannot be done, each at its place, and the three ways out."""
    problems = list(refused(source, stages))
    if not problems:
        return
    told = source.wrong(problems)
    raise WorldError(
        told.what, id="engine-missing", where=told.where, state="nothing was built", next=WAYS_OUT, details=told.details
    )


def refused(source: Source, stages: Iterable[Needed]) -> Iterator[Problem]:
    if source.dockerfile.syntax is not None and not _is_known(source.dockerfile.syntax):
        yield Problem(Place(1, 1), f"the built-in engine does not know the syntax {source.dockerfile.syntax}")
    for each in stages:
        for instruction in each.stage.instructions:
            yield from _refused(instruction)


def _refused(instruction: Instruction) -> Iterator[Problem]:
    name = instruction.name
    if name == "RUN":
        yield Problem(instruction.place, "RUN needs an engine that runs containers, and none works here")
    elif name == "ONBUILD":
        yield Problem(instruction.place, "ONBUILD is for builds by other engines; the built-in one does not write it")
    for flag in ("parents", "exclude", "checksum", "keep-git-dir"):
        word = instruction.flag(flag)
        if word is not None and word.text != "false":
            yield Problem(word.place, f"the built-in engine does not know {name} --{flag}")
    if name in ("ADD", "COPY"):
        for word in instruction.words[:-1]:
            if _REMOTE.match(word.text):
                yield Problem(word.place, f"the built-in engine fetches nothing: {word.text} has to be in the context")


def _is_known(syntax: str) -> bool:
    try:
        return parse(syntax.split(maxsplit=1)[0]).repository in _FRONTENDS
    except InvalidReference:
        return False
