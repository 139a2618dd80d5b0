"""Images of bake and compose files: read by their own tools, and completed by what pipelinegen.yaml says of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.buildfiles import Target, Unfit, bake_targets, compose_services, unfit_references

if TYPE_CHECKING:
    from pipelinegen.config import Config
    from pipelinegen.config.images import Image

TOOL_SECONDS = 60.0
OUTPUT_LIMIT = 16 * 1024 * 1024
SHOWN_LINES = 10
# How docker says that it has no such plugin.
_NO_PLUGIN = ("is not a docker command", "unknown command: docker", "unknown flag: --file")


class _Tool(NamedTuple):
    """A kind of file: by which command it is printed as JSON, and what that means."""

    key: str
    called: str
    command: Sequence[str]
    targets: Callable[[Mapping[str, Any], str], list[Target]]
    install: str

    def words(self, files: Sequence[str], names: Sequence[str]) -> list[str]:
        if self.key == "bake":
            return [*self.command, *(f"--file={file}" for file in files), "--print", *names]
        return [*self.command, *(f"--file={file}" for file in files), "config", "--format=json"]


_BAKE = _Tool(
    "bake",
    "docker buildx bake",
    ("docker", "buildx", "bake"),
    bake_targets,
    "install docker's plugin buildx, or write the images into pipelinegen.yaml",
)
_COMPOSE = _Tool(
    "compose",
    "docker compose",
    ("docker", "compose"),
    compose_services,
    "install docker's plugin compose, or write the images into pipelinegen.yaml",
)


def images_of(config: Config, asked: Sequence[str]) -> Mapping[str, Image]:
    """All images: those of pipelinegen.yaml, with what bake and compose files say beside it, and those of the files
    alone. asked: names of the command line, which may be targets outside of bake's default group."""
    images = dict(config.images)
    build = config.build
    # Of two files nobody can tell in which a name is looked for.
    named = [] if build.bake and build.compose else [name for name in asked if name not in images]
    for tool, files in ((_BAKE, build.bake), (_COMPOSE, build.compose)):
        for target in _targets(tool, files, ["default", *named] if named else (), config) if files else ():
            found = _image(target, images.get(target.name), tool, config)
            if found is not None:
                images[target.name] = found
    return images


def _targets(tool: _Tool, files: Sequence[str], names: Sequence[str], config: Config) -> list[Target]:
    where = config.where(f"build.{tool.key}")
    printed = _printed(tool, files, names, config)
    try:
        return tool.targets(printed, str(config.folder))
    except Unfit as error:
        raise InputError(f"{', '.join(files)}: {error}", id="bad-config", where=where) from None
    except (AttributeError, KeyError, TypeError):
        what = f"{tool.called} prints something else of {', '.join(files)} than is known here"
        raise WorldError(what, id="engine-missing", where=where, next=tool.install) from None


def _printed(tool: _Tool, files: Sequence[str], names: Sequence[str], config: Config) -> Mapping[str, Any]:
    from pipelinegen.commands.building.hooks import others_environment
    from pipelinegen.edge.process import capture

    where = config.where(f"build.{tool.key}")
    missing = WorldError(
        f"{', '.join(files)} is read by {tool.called}, which is not here", id="engine-missing", where=where
    )
    missing.next = tool.install
    command = tool.words(files, names)
    try:
        done = capture(
            command, cwd=str(config.folder), env=others_environment(), timeout=TOOL_SECONDS, limit=OUTPUT_LIMIT
        )
    except WorldError as error:
        raise missing if error.id == "program-missing" else error from None
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode != 0:
        if any(words in said for words in _NO_PLUGIN):
            raise missing
        lines = [line for line in said.splitlines() if line.strip()]
        raise InputError(
            f"{tool.called} cannot read {', '.join(files)}", id="bad-config", where=where, details=lines[-SHOWN_LINES:]
        )
    try:
        content = json.loads(done.stdout)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}


def _image(target: Target, own: Image | None, tool: _Tool, config: Config) -> Image | None:
    """The image of a target; None for one that has no name to be pushed under, such as a linter's."""
    from pydantic import ValidationError

    from pipelinegen.config.images import Image

    where = config.where(f"build.{tool.key}")
    problem = unfit_references(target.references)
    if problem is not None:
        raise InputError(f"the target {target.name} has a name that is none: {problem}", id="bad-config", where=where)
    keys = dict(target.keys)
    if own is not None:
        keys["repository"] = own.repository
    elif target.repositories:
        keys["repository"], *mirrors = target.repositories
        keys |= {"mirrors": mirrors, "tags": target.tags}
    else:
        return None
    try:
        made = Image.model_validate_json(json.dumps(keys))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        what = f"the target {target.name}, {place}: {first['msg']}"
        raise InputError(what, id="bad-config", where=where) from None
    said = {} if own is None else {name: getattr(own, name) for name in own.model_fields_set}
    return made.model_copy(update=said)
