"""Which images a build makes, bases and all: the images of the configuration that another one is built from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelinegen.commands.building.asked import BuildOptions, Wanted, asked_names, check_options, wanted_image
from pipelinegen.errors import InputError
from pipelinegen.images import platforms
from pipelinegen.images.bases import Base, bases_of
from pipelinegen.images.dockerfile import Malformed, parse
from pipelinegen.images.dockerfile.needed import Asked
from pipelinegen.images.reference import InvalidReference
from pipelinegen.images.reference import parse as parse_reference

if TYPE_CHECKING:
    from pipelinegen.config import Config
    from pipelinegen.config.images import Image


def wanted_images(options: BuildOptions, config: Config) -> list[Wanted]:
    """The images that are asked for, and those of the configuration that they are built from. Raises InputError."""
    check_options(options)
    images = _images(options, config)
    ours = {repository_of(image.repository): name for name, image in images.items()}
    found: dict[str, Wanted] = {}
    waiting = list(reversed(asked_names(options, images, config)))
    while waiting:
        name = waiting.pop()
        if name not in images:
            above = ", ".join(each.name for each in found.values() if name in each.bases.values())
            what = f"{above} is built from target:{name}, which is no image with a repository"
            raise InputError(what, id="bad-config", where=config.where("build"), next=f"give it one: images.{name}")
        if name not in found:
            found[name] = wanted_image(name, images[name], options, config)
            waiting += [*found[name].bases.values(), *(base for _, base in _base_args(found[name], ours))]
    return list(found.values())


def _images(options: BuildOptions, config: Config) -> Mapping[str, Image]:
    if not config.build.bake and not config.build.compose:
        return config.images
    from pipelinegen.commands.building.buildfiles import images_of

    return images_of(config, options.images)


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
