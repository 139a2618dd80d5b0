"""The application that pipelines are written for: the configuration with every default filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelinegen.pipelines.model import System

DeployerName = Literal["kubectl", "helm", "kustomize", "terraform", "ansible", "chef", "puppet"]
AgentName = Literal["argocd", "flux"]


@dataclass(frozen=True, slots=True)
class AppImage:
    """An image of the application. port: the first that its tests or nothing say; None where unknown."""

    name: str
    repository: str  # with the registry, without tag, such as ghcr.io/acme/api
    context: str
    dockerfile: str
    platforms: tuple[str, ...]
    port: int | None
    health_path: str | None
    based_on: tuple[str, ...] = ()  # names of images of the application that must be built before it


@dataclass(frozen=True, slots=True)
class AppEnvironment:
    """An environment, for both styles. Environments stand in their order of promotion."""

    name: str
    paths: tuple[str, ...]  # patterns in the manifest repository
    deliver: Literal["worktree", "commit", "push", "pull-request"]
    namespace: str
    cluster: str | None
    hosts: tuple[str, ...]
    url: str | None
    approval: bool  # push style: a person must agree first
    auto_sync: bool  # pull style: the agent applies by itself
    reviewers: tuple[str, ...]
    auto_merge: bool = False  # pull style: its pull request is merged without a person


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository at a forge. url: by https, such as https://github.com/acme/manifests."""

    url: str
    forge: Literal["github", "gitlab", "none"]
    host: str
    path: str  # acme/manifests
    base: str | None  # the branch; None is the default branch
    as_configured: bool = True  # False where the configuration has another address (ssh), which jobs do not use


@dataclass(frozen=True, slots=True)
class Application:
    """All that a design or a template may ask of the configuration."""

    project: str
    images: tuple[AppImage, ...]
    environments: tuple[AppEnvironment, ...]
    manifests: Repository
    branches: tuple[str, ...]
    tags: tuple[str, ...]
    paths: tuple[str, ...]
    schedule: str | None
    runner: str  # a label or tag; "" where none is configured
    timeout: int  # minutes, of one job
    sign: bool
    scan: Literal["grype", "trivy", "none"]
    agent: AgentName
    interval: str  # how often the agent looks: 1m, 90s
    prune: bool
    self_heal: bool
    deployers: tuple[DeployerName, ...]
    auth: Literal["oidc", "kubeconfig", "token", "ssh"] | None
    drift_schedule: str
    systems: tuple[System, ...]
    config_name: str = "pipelinegen.yaml"
    versions: bool = False  # tags of images are made from git tags, so a build must know them all

    @property
    def registries(self) -> tuple[str, ...]:
        """The hosts of the images' registries, each once, in the order of the images."""
        return tuple(dict.fromkeys(image.repository.partition("/")[0] for image in self.images))
