"""What an agent's manifests say: how often it looks, whether it heals and deletes, and what it may touch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.naming import environment_in
from pipelinegen.pipelines.read.tree import Map, Text, Value, parse, read_text
from pipelinegen.pipelines.reading import Place

# https://argo-cd.readthedocs.io/en/stable/faq/#how-often-does-argo-cd-check-for-changes-to-my-git-or-helm-repository
ARGO_INTERVAL = "3m"


@dataclass(frozen=True, slots=True)
class Agent:
    """One application or kustomization that an agent keeps as the manifest repository says."""

    kind: str
    name: str
    environment: str | None
    interval: str
    automatic: bool
    heals: bool
    prunes: bool
    place: Place
    evidence: tuple[Place, ...]


def agents_in(file: str, data: bytes) -> list[Agent]:
    """The agents that a file describes. Raises InputError for a file that is not YAML."""
    text = read_text(file, data)
    return [agent for document in parse(file, text) if isinstance(document, Map) for agent in _agents(document)]


def is_agent(data: bytes) -> bool:
    """Does a file describe an agent, and no pipeline?"""
    return (
        re.search(rb"^apiVersion:\s*[\"']?(?:argoproj\.io|[a-z]+\.toolkit\.fluxcd\.io)/", data, re.MULTILINE)
        is not None
    )


def _agents(document: Map) -> list[Agent]:
    group, kind = document.text("apiVersion").partition("/")[0], document.text("kind")
    if group == "argoproj.io" and kind in {"Application", "ApplicationSet"}:
        return [_argo(document, kind)]
    if group == "kustomize.toolkit.fluxcd.io" and kind == "Kustomization":
        return [_flux(document)]
    if group == "helm.toolkit.fluxcd.io" and kind == "HelmRelease":
        return [_flux(document)]
    return []


def _name(document: Map) -> str:
    metadata = document.map("metadata")
    return metadata.text("name") if metadata is not None else ""


def _at(value: Value | None, *names: str) -> Value | None:
    for name in names:
        value = value.get(name) if isinstance(value, Map) else None
    return value


def _argo(document: Map, kind: str) -> Agent:
    spec = document.map("spec")
    base: Value | None = _at(spec, "template", "spec") if kind == "ApplicationSet" else spec
    automated = _at(base, "syncPolicy", "automated")
    heals, prunes = _at(automated, "selfHeal"), _at(automated, "prune")
    evidence = [each.place for each in (automated, heals, prunes) if each is not None]
    name = _name(document)
    path = _at(base, "source", "path")
    words = f"{name} {path.value if isinstance(path, Text) else ''}"
    return Agent(
        "argocd",
        name,
        environment_in(words) or None,
        ARGO_INTERVAL,
        automated is not None and not (isinstance(automated, Text) and automated.value in {"", "null", "~"}),
        isinstance(heals, Text) and heals.value == "true",
        isinstance(prunes, Text) and prunes.value == "true",
        document.place,
        tuple(dict.fromkeys(evidence)) or (document.place,),
    )


def _flux(document: Map) -> Agent:
    spec = document.map("spec")
    interval, prunes, stopped = _at(spec, "interval"), _at(spec, "prune"), _at(spec, "suspend")
    path = _at(spec, "path")
    words = f"{_name(document)} {path.value if isinstance(path, Text) else ''}"
    running = not (isinstance(stopped, Text) and stopped.value == "true")
    helm = document.text("kind") == "HelmRelease"
    heals = running and (not helm or _at(spec, "driftDetection") is not None)
    return Agent(
        "flux",
        _name(document),
        environment_in(words) or None,
        interval.value if isinstance(interval, Text) else "",
        running,
        heals,
        isinstance(prunes, Text) and prunes.value == "true",
        document.place,
        tuple(each.place for each in (interval, prunes) if each is not None) or (document.place,),
    )
