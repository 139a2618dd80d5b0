"""Where everything lies in the manifest repository, and what its objects are called in a cluster."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelinegen.manifests.select import matcher
from pipelinegen.pipelines.agents.names import dns_labels, namespace
from pipelinegen.pipelines.application import AppEnvironment, AppImage, Application

KUSTOMIZATION = "kustomization.yaml"
# The tag that stands in an overlay until the first bump: no registry has it, so nothing runs by accident.
UNRELEASED = "unreleased"
# Folders of the skeleton's own.
_TAKEN = frozenset(("argocd", "checks", "clusters"))
IN_CLUSTER = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Workload:
    """An image as it runs: name is that of its objects, and the name by which overlays find the image in the base."""

    image: AppImage
    name: str

    @property
    def file(self) -> str:
        return f"{self.name}.yaml"


@dataclass(frozen=True, slots=True)
class Overlay:
    """An environment's folder.

    selected: the `paths` of pipelinegen.yaml select it, and those of no other environment.  name: of the agent's
    objects for it.  status: project and environment as they are spelled, which is what `observe` looks for.
    """

    environment: AppEnvironment
    folder: str
    selected: bool
    base: str  # the way to the base, from the folder
    name: str
    namespace: str
    cluster: str  # an address, or the name of a cluster
    replicas: int

    @property
    def at_address(self) -> bool:
        return self.cluster.startswith(("https://", "http://"))

    @property
    def here(self) -> bool:
        """Is it the cluster in which the agent runs?"""
        return self.cluster == IN_CLUSTER

    @property
    def home(self) -> str:
        """The folder of what belongs to the environment's place in a cluster."""
        return f"clusters/{self.environment.name}"

    @property
    def guarded(self) -> bool:
        """Does nobody change it without another's consent?"""
        return self.environment.approval or self.environment.deliver == "pull-request"


@dataclass(frozen=True, slots=True)
class Layout:
    """The manifest repository of an application."""

    application: Application
    base: str
    workloads: tuple[Workload, ...]
    overlays: tuple[Overlay, ...]

    @property
    def project(self) -> str:
        return self.application.project

    def status(self, overlay: Overlay) -> str:
        return f"{self.project}-{overlay.environment.name}"


def layout_of(application: Application) -> Layout:
    """Overlays where the environments' `paths` look for them; else at apps/PROJECT/overlays/ENVIRONMENT."""
    folders = _folders(application)
    base = _base(application, [folder for folder, _ in folders])
    names = dns_labels(f"{application.project}-{environment.name}" for environment in application.environments)
    images = dns_labels(f"{application.project}-{image.name}" for image in application.images)
    last = len(application.environments) - 1
    overlays = tuple(
        Overlay(
            environment=environment,
            folder=folder,
            selected=selected,
            base=posixpath.relpath(base, folder),
            name=names[f"{application.project}-{environment.name}"],
            namespace=namespace(environment.namespace),
            cluster=environment.cluster or IN_CLUSTER,
            replicas=2 if at == last else 1,
        )
        for at, (environment, (folder, selected)) in enumerate(zip(application.environments, folders, strict=True))
    )
    workloads = tuple(Workload(image, images[f"{application.project}-{image.name}"]) for image in application.images)
    return Layout(application, base, workloads, overlays)


def _folders(application: Application) -> list[tuple[str, bool]]:
    """For each environment its folder, and whether its own patterns alone select it."""
    matchers = [matcher(environment.paths) for environment in application.environments]
    found: list[tuple[str, bool]] = []
    for at, environment in enumerate(application.environments):
        default = f"apps/{application.project}/overlays/{environment.name}"
        taken = {folder for folder, _ in found}
        selecting = (
            folder
            for folder in (default, *_wanted(environment.paths, application.project))
            if folder not in taken
            and [other for other, matches in enumerate(matchers) if matches(f"{folder}/{KUSTOMIZATION}")] == [at]
        )
        folder = next(selecting, None)
        instead = default if default not in taken else f"environments/{environment.name}"
        found.append((folder or instead, folder is not None))
    return found


def _wanted(patterns: Sequence[str], project: str) -> Iterator[str]:
    """Folders that the patterns may mean, where a pattern leaves one part open to the project's name."""
    for pattern in patterns:
        parts = pattern.removesuffix("/").split("/")
        if re.fullmatch(r"\*\*?|.*\.(?:ya?ml|json|\*)", parts[-1]):
            parts.pop()
        named = [project if part == "*" else f"apps/{project}" if part == "**" else part for part in parts]
        # Whatever else has marks of gitignore, a blank or a quote in it is not guessed at.
        if not named or named[-1] == "base" or not all(re.fullmatch(r"(?!\.)[A-Za-z0-9._/-]+", part) for part in named):
            continue
        yield "/".join(named if named[0] not in _TAKEN else [*named, project])


def _base(application: Application, folders: Sequence[str]) -> str:
    above = {
        posixpath.dirname(posixpath.dirname(f))
        for f in folders
        if posixpath.basename(posixpath.dirname(f)) == "overlays"
    }
    return posixpath.join(above.pop(), "base") if len(above) == 1 else f"apps/{application.project}/base"
