"""The images that a Dockerfile is built from, by the names in it once its variables have their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelinegen.images.dockerfile import Dockerfile, Stage
from pipelinegen.images.dockerfile.needed import SCRATCH, Asked, Needed, needed

_ALONE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::?-[^}]*)?\}|([A-Za-z_]\w*))", re.ASCII)


class Base(NamedTuple):
    """An image that is built upon or copied from. `variable`: the ARG that alone stands for it, as in FROM ${NAME}."""

    reference: str
    variable: str | None = None


def bases_of(dockerfile: Dockerfile, asked: Asked) -> tuple[Base, ...]:
    """The images that the target needs, each once; named contexts stand in place of images. Raises Malformed."""
    names = {stage.name for stage in dockerfile.stages}
    contexts = {SCRATCH, *(name.lower() for name in asked.contexts)}
    found: dict[str, Base] = {}
    waiting, seen = [asked], set[str | None]()
    while waiting:
        target = waiting.pop()
        seen.add(target.target)
        for each in needed(dockerfile, target):
            mounted = [name for name in _mounted(each.stage) if name.lower() not in contexts]
            # Needed by RUN alone, which is of no matter to who builds without RUN.
            stages = {name.lower() for name in mounted if name.lower() in names or name.isdigit()} - seen
            waiting += [asked._replace(target=name) for name in sorted(filter(None, stages))]
            images = [name for name in mounted if name.lower() not in names and not name.isdigit()]
            for base in _of_stage(each, images):
                if base.reference != SCRATCH and (base.variable or base.reference not in found):
                    found[base.reference] = base
    return tuple(found.values())


def _of_stage(each: Needed, mounted: Iterable[str]) -> Iterator[Base]:
    if each.base.image:
        yield Base(each.base.image, _variable(each.stage))
    yield from (Base(origin.image) for origin in each.sources.values() if origin.image)
    yield from map(Base, mounted)


def _variable(stage: Stage) -> str | None:
    alone = _ALONE.fullmatch(stage.base.text)
    return alone[1] or alone[2] if alone else None


def _mounted(stage: Stage) -> Iterator[str]:
    """RUN --mount=from=IMAGE, a stage or a context; its variables cannot be known here."""
    for instruction in stage.instructions:
        for mount in instruction.flags.get("mount", ()):
            names = [field.removeprefix("from=") for field in mount.text.split(",") if field.startswith("from=")]
            yield from (name for name in names if name and "$" not in name)
