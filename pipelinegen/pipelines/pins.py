"""What generated pipelines take from others, by version and checksum: actions, images and programs, from templates/."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from pipelinegen.errors import Defect
from pipelinegen.shipped import template_root


@dataclass(frozen=True, slots=True)
class Action:
    """An action of GitHub: OWNER/NAME, a tag and its commit, its inputs, and what runs it (node24, composite)."""

    name: str
    tag: str
    commit: str
    runtime: str
    inputs: frozenset[str]

    def unknown(self, inputs: Iterable[str]) -> tuple[str, ...]:
        """Those inputs that it does not have. actionlint cannot see them: it is blind where a commit is pinned."""
        return tuple(sorted(set(inputs) - self.inputs))


@dataclass(frozen=True, slots=True)
class ContainerImage:
    """An image in which jobs run."""

    repository: str
    tag: str
    digest: str

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that jobs install. sha256: by architecture; member: its path in the archive, "" where it is none.

    arch: what the project calls an architecture, where that is another name.
    """

    version: str
    url: str
    member: str
    sha256: Mapping[str, str]
    arch: Mapping[str, str] = field(default_factory=dict)


@cache
def actions() -> Mapping[str, Action]:
    """By the keys that `Use.action` has."""
    found = {
        key: Action(one["action"], one["tag"], one["commit"], one["runtime"], frozenset(one["inputs"]))
        for key, one in _entries("actions.lock").items()
        if key != "runtimes"
    }
    return MappingProxyType(found)


def action(key: str) -> Action:
    try:
        return actions()[key]
    except KeyError:
        raise Defect(f"no action is pinned under the name {key!r}", id="unknown-pin") from None


@cache
def runtimes_gone() -> Mapping[str, str]:
    """Runtimes of actions that the runners have given up, and the day on which they did."""
    return MappingProxyType({str(name): str(day) for name, day in _entries("actions.lock")["runtimes"].items()})


def without_runner(pinned: Iterable[Action], gone: Mapping[str, str]) -> tuple[str, ...]:
    """What cannot run any more, in words."""
    return tuple(
        f"{one.name} {one.tag} runs on {one.runtime}, which left the runners on {gone[one.runtime]}"
        for one in pinned
        if one.runtime in gone
    )


@cache
def images() -> Mapping[str, ContainerImage]:
    """By the keys that `Job.image` has."""
    return _images("images.lock")


@cache
def bases() -> Mapping[str, ContainerImage]:
    """Base images of proposed Dockerfiles."""
    return _images("bases.lock")


@cache
def tools() -> Mapping[str, Tool]:
    """By the names that `Deployer.TOOLS` has."""
    found = {
        key: Tool(one["version"], one["url"], one["member"], MappingProxyType(dict(one["sha256"])), one.get("arch", {}))
        for key, one in _entries("tools.lock").items()
    }
    return MappingProxyType(found)


def _images(name: str) -> Mapping[str, ContainerImage]:
    found = {key: ContainerImage(one["repository"], one["tag"], one["digest"]) for key, one in _entries(name).items()}
    return MappingProxyType(found)


def _entries(name: str) -> dict[str, Any]:
    """The entries of a lock file. The key `//` is a comment, which JSON has no other place for."""
    found: dict[str, Any] = json.loads(template_root().joinpath(name).read_text(encoding="utf-8"))
    return {key: value for key, value in found.items() if key != "//"}
