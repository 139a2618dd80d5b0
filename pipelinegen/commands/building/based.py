"""Which images a build makes, bases and all: the images of the configuration that another one is built from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pipelinegen.commands.building.asked import BuildOptions, Wanted, asked_names, check_options, wanted_image
from pipelinegen.images import platforms
from pipelinegen.images.bases import Base, bases_of
from pipelinegen.images.dockerfile import Malformed, parse
from pipelinegen.images.dockerfile.needed import Asked
from pipelinegen.images.reference import InvalidReference
from pipelinegen.images.reference import parse as parse_reference

if TYPE_CHECKING:
    from pipelinegen.config import Config


def wanted_images(options: BuildOptions, config: Config) -> list[Wanted]:
    """The images that are asked for, and those of the configuration that they are built from. Raises InputError."""
    check_options(options)
    ours = {repository_of(image.repository): name for name, image in config.images.items()}
    found: dict[str, Wanted] = {}
    waiting = list(reversed(asked_names(options, config)))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = wanted_image(name, options, config)
            waiting += [*found[name].bases.values(), *(base for _, base in _base_args(found[name], ours))]
    return list(found.values())


def needs_of(images: Sequence[Wanted]) -> dict[str, frozenset[str]]:
    """For each image those of the others that are built before it: its contexts, and what FROM $NAME stands for."""
    return {
        image.name: frozenset([*image.bases.values(), *(name for _, name in base_args(image, images))])
        for image in images
    }


def base_args(wanted: Wanted, images: Iterable[Wanted]) -> Iterator[tuple[str, str]]:
    """(ARG, name) of each image of ours that FROM $ARG stands for, by its repository."""
    return _base_args(wanted, {image.repository.repository: image.name for image in images})


def _base_args(wanted: Wanted, ours: dict[str, str]) -> Iterator[tuple[str, str]]:
    for base in bases_in(wanted):
        name = ours.get(repository_of(base.reference))
        if base.variable is not None and name not in (None, wanted.name):
            yield base.variable, name


def bases_in(wanted: Wanted) -> tuple[Base, ...]:
    """Those that its Dockerfile names. A file that is not understood here is the engine's to judge: it names none."""
    platform = platforms.normalise(wanted.platforms[0] if wanted.platforms else "") or platforms.host()
    asked = Asked(platform, platforms.host(), wanted.build_args, wanted.image.contexts, wanted.image.target)
    try:
        return bases_of(parse(wanted.read_dockerfile().decode("utf-8", "replace")), asked)
    except Malformed:
        return ()


def repository_of(reference: str) -> str:
    """The repository of a reference in its one spelling; empty for what is no reference."""
    try:
        return parse_reference(reference).repository
    except InvalidReference:
        return ""
