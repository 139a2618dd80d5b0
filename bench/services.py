"""The images of a run that bumps many at once: each occurs once in each of three environments, in one of four forms."""

from __future__ import annotations

from bench.draw import Draw
from bench.marks import change
from bench.texts import CHART, DEPLOYMENT, ENVIRONMENTS, SERVICE

MarkedFiles = dict[str, str]
_KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"


def service_images(count: int) -> list[str]:
    return [f"ghcr.io/acme/svc-{number:03d}" for number in range(count)]


def services(draw: Draw, count: int, new: str) -> MarkedFiles:
    """The files of `count` images; a quarter of them stand together in one kustomization of each environment."""
    files: MarkedFiles = {}
    shared = dict.fromkeys(ENVIRONMENTS, f"{_KUSTOMIZATION}resources: []\nimages:\n")
    for number, image in enumerate(service_images(count)):
        tags = {environment: change(image, f"1.{draw.below(40)}.{draw.below(9)}", new) for environment in ENVIRONMENTS}
        name = image.rpartition("/")[2]
        match number % 4:
            case 0:
                files |= _overlays(draw, name, image, tags)
            case 1:
                files |= _values(draw, name, image, tags)
            case 2:
                files |= _plain(draw, name, image, tags)
            case _:
                for environment, tag in tags.items():
                    shared[environment] += f"- name: {name}\n  newName: {image}\n  newTag: {tag}\n"
    if count >= 4:
        files |= {f"environments/{environment}/kustomization.yaml": text for environment, text in shared.items()}
    return files


def _overlays(draw: Draw, name: str, image: str, tags: dict[str, str]) -> MarkedFiles:
    folder = f"services/{name}"
    files = {
        f"{folder}/base/kustomization.yaml": f"{_KUSTOMIZATION}resources: [deployment.yaml, service.yaml]\n",
        f"{folder}/base/deployment.yaml": _deployment(draw, name, name),
        f"{folder}/base/service.yaml": SERVICE.format_map({"name": name}),
    }
    for environment, tag in tags.items():
        entry = f"images:\n  - name: {name}\n    newName: {image}\n    newTag: {tag}\n"
        files[f"{folder}/overlays/{environment}/kustomization.yaml"] = (
            f"{_KUSTOMIZATION}resources: [../../base]\n{entry}"
        )
    return files


def _values(draw: Draw, name: str, image: str, tags: dict[str, str]) -> MarkedFiles:
    folder = f"charts/{name}"
    words = {"name": name, "team": "acme", "number": str(draw.below(9)), "tag": "0.1.0"}
    files = {f"{folder}/Chart.yaml": CHART.format_map(words)}
    for environment, tag in tags.items():
        text = f'replicaCount: {draw.below(9)}\nimage:\n  repository: {image}\n  tag: "{tag}"\n'
        files[f"{folder}/values-{environment}.yaml"] = text
    return files


def _plain(draw: Draw, name: str, image: str, tags: dict[str, str]) -> MarkedFiles:
    return {
        f"manifests/{environment}/{name}.yaml": _deployment(draw, name, f"{image}:{tag}")
        for environment, tag in tags.items()
    }


def _deployment(draw: Draw, name: str, image: str) -> str:
    words = {"name": name, "team": "acme", "number": str(1 + draw.below(9)), "image": image}
    return DEPLOYMENT.format_map(words)
