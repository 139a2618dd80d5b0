"""What the deployers to Kubernetes write, as a checkout with versions in it, and the programs that read it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import pipelinegen
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import DEPLOYERS, Deployer
from tests.support.applications import API, WORKER, based, shop, shop_on_gitlab, single
from tests.support.checkout import Checkout

ROOT = Path(pipelinegen.__file__).parent.parent
NAMES = ("kubectl", "helm", "kustomize", "terraform")


def odd() -> Application:
    """Names that no object of Kubernetes may have, two that differ in case alone, and a registry with a port."""
    names = ("API", "api", "1st.image_of-all", "x" * 63)
    images = tuple(
        replace(API, name=name, repository=f"127.0.0.1:5000/team/sub/{name.lower()}-{number}")
        for number, name in enumerate(names)
    )
    return replace(shop(), project="a" * 63, images=images)


def hostile_texts() -> Application:
    """A path that every language on the way would read as its own."""
    path = "/a b'\"$(touch x)`touch y`${HOME}%{if true}{{ .Values }}{{- /* */ -}}\\n# c: [d]&<e>|!\u00e9\u2028z"
    return replace(shop(), images=(replace(API, health_path=path), WORKER))


APPLICATIONS = {
    "shop": shop,
    "at a GitLab of its own": shop_on_gitlab,
    "one image": single,
    "two registries": based,
    "odd names": odd,
    "hostile texts": hostile_texts,
}


def program(name: str) -> str:
    """Where a program is: on PATH, or brought by .ci/helm. Without it the test is skipped."""
    found = shutil.which(name, path=os.pathsep.join((os.environ["PATH"], str(ROOT / ".cache" / "bin"))))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def deployer(name: str) -> Deployer:
    return DEPLOYERS[name]


def checkout(name: str, application: Application, folder: Path) -> Checkout:
    return Checkout(folder, {file.path: file.text for file in deployer(name).files(application)})


def reference(repository: str, tag: str = "1.2.3", digit: str = "a") -> str:
    return f"{repository}:{tag}@sha256:{digit * 64}"


def references(application: Application, tag: str = "1.2.3", digit: str = "a") -> list[str]:
    return [reference(image.repository, tag, digit) for image in application.images]


def bump(at: Checkout, name: str, environment: str, words: Iterable[str]) -> dict[str, Any]:
    """The step of the pipeline that sets the versions, as `design/push.py` writes it."""
    paths = [path.format(env=environment) for path in deployer(name).IMAGE_PATHS]
    options = [word for path in paths for word in ("--path", path)]
    ended = at.bump(*words, "--repo", ".", "--deliver", "worktree", *options, "--json")
    assert ended.code == 0, ended.err
    return ended.document


def called(argv: list[str], folder: Path, env: Mapping[str, str] | None = None) -> str:
    """What a program says; that it ends with 0 is part of it."""
    ended = subprocess.run(
        argv, cwd=folder, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, f"{argv}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def objects(text: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(text) if each is not None]


def rendered(name: str, at: Checkout, application: Application, environment: str) -> list[dict[str, Any]]:
    """The objects that the deployer would give to the cluster, by the tool that it uses."""
    if name == "kubectl":
        folder = at.folder / "deploy/kubectl/environments" / environment
        return [each for path in sorted(folder.iterdir()) for each in objects(path.read_text(encoding="utf-8"))]
    if name == "kustomize":
        argv = [program("kubectl"), "kustomize", f"deploy/kustomize/overlays/{environment}"]
        return objects(called(argv, at.folder))
    if name == "helm":
        namespace = next(each.namespace for each in application.environments if each.name == environment)
        values = f"deploy/helm/environments/{environment}.yaml"
        argv = [program("helm"), "template", "shop", "deploy/helm/chart", "--namespace", namespace, "--values", values]
        return objects(called(argv, at.folder))
    raise ValueError(f"{name} renders nothing without a cluster")
