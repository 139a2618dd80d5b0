"""What a look at an application repository found: values, each with the file that shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipelinegen.pipelines.model import System

DeployerName = Literal["kubectl", "helm", "kustomize", "terraform", "ansible", "chef", "puppet"]
AgentName = Literal["argocd", "flux"]
Stack = Literal["python", "node", "go", "static"]


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image that can be built. repository: where a file says it belongs.  ports: of EXPOSE.  shown: the file."""

    name: str
    context: str
    dockerfile: str
    shown: str
    repository: str | None = None
    target: str | None = None
    ports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundEnvironment:
    """An environment in the manifest repository, and the patterns of its files."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundManifests:
    """A manifest repository.

    location: an address, or a path from the application repository.  certain: it was seen; else it is a guess.
    why: what shows it.
    """

    location: str
    certain: bool
    why: str
    environments: tuple[FoundEnvironment, ...] = ()
    references: tuple[str, ...] = ()  # repositories of images that its files name


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found. names of systems, deployers and agents come with the file that shows them."""

    folder: str
    images: tuple[FoundImage, ...] = ()
    stack: tuple[Stack, str] | None = None  # where no Dockerfile is: what it is written in, and the file that shows it
    origin: str | None = None
    branch: str | None = None
    systems: tuple[tuple[System, str], ...] = ()
    deployers: tuple[tuple[DeployerName, str], ...] = ()
    agents: tuple[tuple[AgentName, str], ...] = ()
    manifests: FoundManifests | None = None


def forge_of(origin: str | None) -> tuple[str, str]:
    """Host and path of an address of any form; empty for a path on this machine."""
    if origin is None or origin.startswith(("/", ".", "file:")):
        return "", ""
    form = r"(?:[a-z+]+://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+)?[:/](?P<path>.+?)(?:\.git)?/?"
    found = re.fullmatch(form, origin)
    return (found["host"], found["path"].strip("/")) if found else ("", "")
