"""What a build is asked for: the options, and what they and the configuration say of one image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipelinegen.config.rules import platform_problem, suggestion, tag_rule_problem, variable_problem
from pipelinegen.errors import InputError
from pipelinegen.images.reference import ImageReference, parse

if TYPE_CHECKING:
    from pipelinegen.config import Config
    from pipelinegen.config.images import Image

METADATA_FILE = "build-metadata.json"


class BuildOptions(NamedTuple):
    """The options of `build`, as the command line gives them."""

    directory: str = "."
    images: tuple[str, ...] = ()
    engine: str | None = None
    push: bool | None = None
    test: bool | None = None
    dry_run: bool = False
    platform: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    build_arg: tuple[str, ...] = ()
    jobs: int | None = None
    no_cache: bool = False
    metadata_file: str | None = None
    junit: str | None = None
    source_revision: str | None = None
    source_url: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image to build. `place` is where the configuration speaks of it; `bases` are the images of the same
    configuration that it is built from, by the name under which its Dockerfile knows each."""

    name: str
    image: Image
    repository: ImageReference
    mirrors: tuple[ImageReference, ...]
    context: Path
    dockerfile: Path
    platforms: tuple[str, ...]
    tags: tuple[str, ...]
    build_args: Mapping[str, str]
    place: str

    @property
    def repositories(self) -> tuple[ImageReference, ...]:
        """Where it is pushed: its own repository first, then the mirrors."""
        return (self.repository, *self.mirrors)

    @property
    def bases(self) -> dict[str, str]:
        """Context name to image name, of the images of this configuration that it names as contexts."""
        named = self.image.contexts.items()
        return {key: value.removeprefix("target:") for key, value in named if value.startswith("target:")}

    def read_dockerfile(self) -> bytes:
        """Raises InputError."""
        return read_bytes(self.dockerfile)


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", id="bad-path", where=str(path)) from None


def configuration(directory: str) -> Config:
    """The configuration, without which there is nothing to build."""
    from pipelinegen.config import find, load

    path = find(directory)
    if path is None:
        raise InputError(
            "there is no pipelinegen.yaml here, which says what is built",
            id="bad-config",
            where=directory,
            next="write one (`pipelinegen schema` prints what it may hold), or name the application's folder with -C",
        )
    return load(path)


def asked_names(options: BuildOptions, images: Mapping[str, Image], config: Config) -> list[str]:
    """The names of the images that are asked for: all of them where none is named. Raises InputError."""
    names = list(dict.fromkeys(options.images)) or list(images)
    for name in names:
        if name not in images:
            shown = name if name.isprintable() and len(name) < 100 else ascii(name[:100])
            raise InputError(
                f"pipelinegen.yaml has no image {shown}{suggestion(name, tuple(images))}",
                id="bad-image",
                where=config.where("images"),
            )
    if not names:
        raise InputError("no image is configured", id="bad-config", where=config.where("images"))
    return names


def check_options(options: BuildOptions) -> None:
    """The values that the configuration would have been asked for, by its own rules."""
    problems = [
        *(("--platform", platform_problem(each)) for each in options.platform),
        *(("--tag", tag_rule_problem(each)) for each in options.tag),
        *(("--build-arg", variable_problem(each.partition("=")[0])) for each in options.build_arg),
    ]
    for option, problem in problems:
        if problem is not None:
            raise InputError(problem, id="bad-tag" if option == "--tag" else "bad-config", where=option)


def wanted_image(name: str, image: Image, options: BuildOptions, config: Config) -> Wanted:
    """What is wanted of one image. Raises InputError."""
    place = f"images.{name}"
    context = config.folder / image.context
    if not context.is_dir():
        raise InputError("there is no such folder", id="bad-path", where=config.where(f"{place}.context"))
    dockerfile = context / image.dockerfile
    if not dockerfile.is_file():
        raise InputError(
            f"there is no file {os.path.normpath(os.path.join(image.context, image.dockerfile))}",
            id="bad-path",
            where=config.where(f"{place}.dockerfile"),
            next="`dockerfile` is a path from `context`",
        )
    return Wanted(
        name=name,
        image=image,
        repository=parse(image.repository),
        mirrors=tuple(map(parse, image.mirrors)),
        context=context,
        dockerfile=dockerfile,
        platforms=options.platform or image.platforms,
        tags=options.tag or image.tags,
        build_args={**image.build_args, **_build_args(options.build_arg)},
        place=config.where(f"{place}.tags") if image.tags else config.where(place),
    )


def _build_args(given: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE, or NAME alone for the value of the variable, as docker takes them."""
    pairs = (text.partition("=") for text in given)
    return {
        name: value if equals else os.environ[name] for name, equals, value in pairs if equals or name in os.environ
    }
