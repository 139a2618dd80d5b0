"""The files around the target: applications as kustomize, Helm, Flux, Argo CD, plain YAML, JSON and prose."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.draw import Draw
from bench.texts import (
    APPLICATION,
    BASE,
    CHART,
    CONFIG_MAP,
    DEPLOYMENT,
    ENVIRONMENTS,
    FLUX_KUSTOMIZATION,
    HELM_RELEASE,
    JSON,
    OVERLAY,
    PATCH,
    PROSE,
    SECTION,
    SERVICE,
    TEMPLATE,
    VALUES,
    VALUES_ENVIRONMENT,
)

Files = Iterator[tuple[str, str]]
_TEAMS = ("checkout", "search", "identity", "ledger", "media", "platform", "risk", "fulfilment")
_ADJECTIVES = ("amber", "brisk", "calm", "dusty", "eager", "faint", "grand", "hazel", "ivory", "jolly", "keen", "lucid")
_NOUNS = (
    "anchor",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "glade",
    "harbor",
    "inlet",
    "juniper",
    "kiln",
    "lagoon",
)
_OWNERS = ("ghcr.io/acme", "registry.example.com/shop", "quay.io/example", "docker.io/library", "ghcr.io/example/tools")


def background(draw: Draw) -> Files:
    """Files without end: one application after another, each in the form that it draws."""
    number = 0
    while True:
        words = _application(draw, number)
        yield from draw.pick(_FORMS)(draw, words)
        number += 1


def noise(draw: Draw, text: str) -> str:
    """What editors and tools leave behind: CR LF, no final newline, a BOM."""
    if draw.chance(0.1):
        text = text.rstrip("\n")
    if draw.chance(0.01):
        text = text.replace("\n", "\r\n")
    return f"\ufeff{text}" if draw.chance(0.002) else text


def _application(draw: Draw, number: int) -> dict[str, str]:
    name = f"{draw.pick(_ADJECTIVES)}-{draw.pick(_NOUNS)}-{number}"
    image_name = f"{draw.pick(_OWNERS)}/{name}"
    tag = f"{draw.below(4)}.{draw.below(30)}.{draw.below(20)}"
    quote = draw.pick(("", "", "", "", '"', '"', "'"))
    return {
        "name": name,
        "team": draw.pick(_TEAMS),
        "image_name": image_name,
        "tag": tag,
        "image": f"{quote}{image_name}:{tag}{quote}",
        "number": str(1 + draw.below(9)),
        "environment": draw.pick(ENVIRONMENTS),
    }


def _kustomize(draw: Draw, words: dict[str, str]) -> Files:
    folder = f"apps/{words['team']}/{words['name']}"
    yield f"{folder}/base/deployment.yaml", noise(draw, DEPLOYMENT.format_map(words))
    yield f"{folder}/base/service.yaml", SERVICE.format_map(words)
    yield f"{folder}/base/kustomization.yaml", BASE.format_map(words)
    for environment in ENVIRONMENTS:
        here = {**words, "environment": environment}
        yield f"{folder}/overlays/{environment}/kustomization.yaml", noise(draw, OVERLAY.format_map(here))
        yield f"{folder}/overlays/{environment}/patch.yaml", PATCH.format_map(here)


def _helm(draw: Draw, words: dict[str, str]) -> Files:
    folder = f"charts/{words['name']}"
    yield f"{folder}/Chart.yaml", CHART.format_map(words)
    yield f"{folder}/values.yaml", noise(draw, VALUES.format_map(words) + sections(draw, words, _section_count(draw)))
    for environment in ENVIRONMENTS:
        text = VALUES_ENVIRONMENT.format_map({**words, "environment": environment})
        yield f"{folder}/values-{environment}.yaml", text + sections(draw, words, draw.below(4))
    yield f"{folder}/templates/deployment.yaml", TEMPLATE.format_map(words)
    yield f"{folder}/templates/service.yaml", TEMPLATE.format_map(words).replace("Deployment", "Service", 1)


def sections(draw: Draw, words: dict[str, str], count: int) -> str:
    """Further top-level sections of a values file, about 700 bytes each."""
    parts = [
        {**words, "section": f"component{index}", "flag": draw.pick(("true", "false")), "number": str(index)}
        for index in range(count)
    ]
    return "".join(SECTION.format_map(part) for part in parts)


def _section_count(draw: Draw) -> int:
    """Most values files are short; one in a hundred has 80 KB."""
    if draw.chance(0.01):
        return 130
    return draw.below(20) if draw.chance(0.5) else draw.below(4)


def _flux(draw: Draw, words: dict[str, str]) -> Files:
    folder = f"clusters/{words['environment']}/{words['name']}"
    yield f"{folder}/release.yaml", noise(draw, HELM_RELEASE.format_map(words))
    yield f"{folder}/sync.yaml", FLUX_KUSTOMIZATION.format_map(words)


def _argocd(draw: Draw, words: dict[str, str]) -> Files:
    yield f"argocd/{words['team']}/{words['name']}.yaml", noise(draw, APPLICATION.format_map(words))


def _plain(draw: Draw, words: dict[str, str]) -> Files:
    documents = [DEPLOYMENT, SERVICE, CONFIG_MAP, DEPLOYMENT][: 1 + draw.below(4)]
    text = "---\n".join(document.format_map(words) for document in documents)
    yield f"manifests/{words['team']}/{words['name']}.{draw.pick(('yaml', 'yaml', 'yml'))}", noise(draw, text)


def _json(draw: Draw, words: dict[str, str]) -> Files:
    image = words["image"].strip("'\"")
    yield f"manifests/{words['team']}/{words['name']}.json", noise(draw, JSON.format_map({**words, "image": image}))


def _prose(draw: Draw, words: dict[str, str]) -> Files:
    yield f"docs/{words['name']}.md", noise(draw, PROSE.format_map(words))


_FORMS: tuple[Callable[[Draw, dict[str, str]], Files], ...] = (
    *(_kustomize,) * 3,
    *(_helm,) * 2,
    *(_flux,) * 4,
    *(_argocd,) * 4,
    *(_plain,) * 6,
    _json,
    _prose,
)
