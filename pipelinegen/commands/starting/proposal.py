"""From findings to a proposal: every value of the configuration with the reason for it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipelinegen.commands.starting.findings import (
    AgentName,
    DeployerName,
    Findings,
    FoundEnvironment,
    FoundImage,
    forge_of,
)
from pipelinegen.pipelines.model import System

_PRODUCTION = frozenset(("production", "prod", "live", "main"))
# The registries of forges; what is built elsewhere is pushed to the first of them that fits.
_REGISTRIES = {"github.com": "ghcr.io", "gitlab.com": "registry.gitlab.com"}


@dataclass(frozen=True, slots=True)
class ProposedImage:
    name: str
    repository: str
    repository_why: str
    context: str
    dockerfile: str
    target: str | None
    ports: tuple[str, ...]
    shown: str


@dataclass(frozen=True, slots=True)
class ProposedEnvironment:
    name: str
    paths: tuple[str, ...]
    deliver: Literal["push", "pull-request"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """All that pipelinegen.yaml will say. The texts called `why` become its comments."""

    project: str
    images: tuple[ProposedImage, ...]
    manifests: str
    manifests_why: str
    environments: tuple[ProposedEnvironment, ...]
    environments_why: str
    branch: str | None  # None: the usual one
    system: System
    system_why: str
    agent: AgentName
    agent_why: str
    deployer: DeployerName
    deployer_why: str


def propose(findings: Findings, registry: str | None = None) -> Proposal:
    """registry: where images go, with the part before their names, such as ghcr.io/acme; None: what is found."""
    project = re.sub(r"[^a-z0-9]+", "-", findings.folder.lower()).strip("-")[:63].strip("-") or "app"
    manifests = findings.manifests
    environments = manifests.environments if manifests is not None else ()
    system, system_why = _system(findings)
    agent, agent_why = next(
        ((name, f"{path} is written for it") for name, path in findings.agents),
        ("argocd", "nothing shows which; flux is the other one"),
    )
    deployer, deployer_why = next(
        ((name, f"{path} is there") for name, path in findings.deployers),
        ("kubectl", "nothing shows another; helm, kustomize, terraform, ansible, chef and puppet are the others"),
    )
    return Proposal(
        project=project,
        images=tuple(_image(image, findings, project, registry) for image in _images(findings, project)),
        manifests=manifests.location if manifests is not None else f"../{project}-manifests",
        manifests_why=manifests.why if manifests is not None else "nothing shows where it is",
        environments=_environments(environments, project),
        environments_why="as its folders are named" if environments else "a guess: the usual two",
        branch=findings.branch if findings.branch not in (None, "main") else None,
        system=system,
        system_why=system_why,
        agent=agent,
        agent_why=agent_why,
        deployer=deployer,
        deployer_why=deployer_why,
    )


def _images(findings: Findings, project: str) -> tuple[FoundImage, ...]:
    """Those that were found; else the one whose Dockerfile is proposed with the configuration."""
    return findings.images or (FoundImage(project, ".", "Dockerfile", "the Dockerfile that is proposed with this"),)


def _image(image: FoundImage, findings: Findings, project: str, registry: str | None) -> ProposedImage:
    repository, why = _repository(image, findings, project, registry)
    return ProposedImage(
        image.name, repository, why, image.context, image.dockerfile, image.target, image.ports, image.shown
    )


def _repository(image: FoundImage, findings: Findings, project: str, registry: str | None) -> tuple[str, str]:
    """Where it is pushed: what was asked for, what files say, what the manifests already name, the forge's registry."""
    name = image.name if len(findings.images) > 1 or image.name == project else project
    if registry is not None:
        return f"{registry.rstrip('/')}/{name}".lower(), "given with --registry"
    if image.repository is not None:
        return image.repository, f"{image.shown} names it so"
    known = findings.manifests.references if findings.manifests is not None else ()
    named = [each for each in known if each.rpartition("/")[2] in (image.name, name)]
    if len(named) == 1:
        return named[0], "the manifests name it so"
    host, path = forge_of(findings.origin)
    if host == "github.com":
        return f"ghcr.io/{path.partition('/')[0]}/{name}".lower(), "the registry of the forge that has this repository"
    if host == "gitlab.com" or (host and any(system == "gitlab" for system, _ in findings.systems)):
        server = _REGISTRIES.get(host, f"registry.{host.removeprefix('gitlab.')}")
        suffix = f"/{name}" if len(findings.images) > 1 else ""
        return f"{server}/{path}{suffix}".lower(), "the registry of the forge that has this repository"
    return f"registry.example.com/{project}/{name}".lower(), "a placeholder: nothing shows where images go"


def _system(findings: Findings) -> tuple[System, str]:
    for system, path in findings.systems:
        return system, f"{path} is there"
    host, _ = forge_of(findings.origin)
    if "gitlab" in host:
        return "gitlab", f"the repository lies at {host}"
    return (
        "github",
        f"the repository lies at {host}" if host else "nothing shows which; gitlab and jenkins are the others",
    )


def _environments(found: tuple[FoundEnvironment, ...], project: str) -> tuple[ProposedEnvironment, ...]:
    """Staging is delivered at once, production by review; the last one where nothing is called production."""
    known = found or tuple(
        FoundEnvironment(name, (f"apps/{project}/overlays/{name}/**",)) for name in ("staging", "production")
    )
    by_review = {each.name for each in known if each.name.lower() in _PRODUCTION} or {known[-1].name}
    return tuple(
        ProposedEnvironment(each.name, each.paths, "pull-request" if each.name in by_review else "push")
        for each in known
    )
