"""Pipelines of GitLab, executed: hostile texts arrive as they are and nothing of them runs."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelinegen.pipelines.model import Answer, Condition, Custom, Job, Literally, Pipeline, Question, Run, Triggers
from pipelinegen.pipelines.rendering import gitlab
from tests.support.forges.service import CANARIES, Service
from tests.support.gitlab_runner import Project, for_this_runner, project
from tests.support.hostile_values import MARK, VALUES
from tests.support.registry import RunningRegistry, start_registry
from tests.support.shop import EXAMPLE
from tests.support.wheel import thin_wheel
from tests.support.world import World, world

ROOT = Path(__file__).parents[2]
WRITE = 'printf "%s" "$VALUE" > "$OUT/$CI_JOB_NAME-$NUMBER"'


def test_thirty_hostile_values_arrive_and_nothing_of_them_runs(tmp_path: Path) -> None:
    """As values of steps, of the whole pipeline, as what a person is asked, and as names of steps and jobs."""
    out = tmp_path / "out"
    out.mkdir()
    push = Condition(("branch",))
    numbered = [{"VALUE": Literally(value), "NUMBER": Literally(str(at))} for at, value in enumerate(VALUES)]
    steps = [Run(f"Write {value}", (WRITE,), env) for env, value in zip(numbered, VALUES, strict=True)]
    late = [
        Run(f"Write {value}", (f"{WRITE}-late",), env, when="always")
        for env, value in zip(numbered, VALUES, strict=True)
    ]
    asked = tuple(Question(f"q{at}", value, (), value) for at, value in enumerate(VALUES))
    answers = [
        Run(f"Write {at}", (f"{WRITE}-asked",), {"VALUE": Answer(f"q{at}"), "NUMBER": Literally(str(at))})
        for at in range(len(VALUES))
    ]
    look = Run("Look", (f'find . -name "{MARK}*" > "$OUT/found-$CI_JOB_NAME"',), when="always")
    whole = [Run(f"Write {at}", (f'printf "%s" "$G{at}" > "$OUT/global-{at}"',)) for at in range(len(VALUES))]
    jobs = (
        Job("values", VALUES[7], ("build",), push, (*steps, Custom("own"), *late, look)),
        Job("answers", VALUES[8], ("build",), push, (*answers, *whole, look)),
    )
    variables = {f"G{at}": Literally(value) for at, value in enumerate(VALUES)}
    pipeline = Pipeline(
        "push", "gitlab", "shop", Triggers(("main",), questions=asked), jobs, header=VALUES, variables=variables
    )
    shop = project(tmp_path / "shop", "https://gitlab.example/acme/shop.git", OUT=str(out))
    (file,) = gitlab.files(pipeline)
    shop.write({file.path: file.text})
    ran = shop.run()
    assert ran.jobs == {"values": "PASS", "answers": "PASS"}, ran.said
    arrived = {path.name: path.read_bytes().decode("utf-8") for path in out.iterdir()}
    for at, value in enumerate(VALUES):
        for name in (f"values-{at}", f"values-{at}-late", f"answers-{at}-asked", f"global-{at}"):
            assert arrived[name] == value
    assert len(arrived) == 4 * len(VALUES) + 2
    assert arrived["found-values"] == arrived["found-answers"] == ""
    assert not list(tmp_path.rglob(MARK))


CONFIG = """\
version: 1
project: shop
images:
  catalog:
    repository: HOST/shop/catalog
    context: catalog
    tags: [type=sha]
    tests:
      fileExistenceTests: [{name: the list is there, path: /catalog/items.json}]
build: {engine: oci}
manifests:
  repository: MANIFESTS
  forge: gitlab
  forge-url: API
  environments:
    staging: {paths: [apps/*/overlays/staging/**], deliver: push}
    production: {paths: [apps/*/overlays/production/**], deliver: pull-request}
pipelines: {ci: [gitlab], pull: {agent: argocd}}
"""
OVERLAY = "images:\n  - name: HOST/shop/catalog\n    newTag: 1.0.0  # the catalog\n"


def overlay_of(environment: str) -> str:
    return f"apps/catalog/overlays/{environment}/kustomization.yaml"


@contextmanager
def agent(service: Service) -> Iterator[None]:
    """What an agent does: whatever comes to the branch is applied and reported."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            if tip := service.repository.tip("main"):
                service.stand_in.report(tip, "argocd/shop-staging", "success", "Synced")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def generate(folder: Path, *options: str) -> None:
    """What a person does once, and commits."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "pipelinegen", "generate", "-C", str(folder), *options]
    ran = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr.decode()


def digest_in(registry: RunningRegistry, tag: str) -> str:
    connection = http.client.HTTPConnection(registry.host, timeout=20)
    headers = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    headers["Authorization"] = registry.authorization("shop/catalog") or ""
    connection.request("HEAD", f"/v2/shop/catalog/manifests/{tag}", headers=headers)
    answer = connection.getresponse()
    connection.close()
    return answer.headers["Docker-Content-Digest"]


@dataclass
class Delivery:
    """A project with an image to build, a registry with a password, and a manifest repository with its forge."""

    shop: Project
    registry: RunningRegistry
    place: World
    overlay: str

    def changed(self, revision: str, environment: str, tag: str) -> bool:
        """Does the overlay name what was built, by tag and digest, and nothing else differ?"""
        digest = digest_in(self.registry, tag)
        new = self.overlay.replace(
            "newTag: 1.0.0  # the catalog", f"newTag: {tag}  # the catalog\n    digest: {digest}"
        )
        return self.place.repository.read(revision, overlay_of(environment)) == new.strip()

    def untouched(self, environment: str) -> bool:
        return self.place.repository.read("main", overlay_of(environment)) == self.overlay.strip()

    def secrets(self) -> tuple[str, ...]:
        return self.registry.password, CANARIES["gitlab"]


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    with start_registry(tmp_path / "registry", auth="htpasswd") as registry:
        overlay = OVERLAY.replace("HOST", registry.host)
        files = {overlay_of(name): overlay for name in ("staging", "production")}
        with world("gitlab", tmp_path / "manifests", files) as place:
            shop = project(
                tmp_path / "shop",
                "https://gitlab.example/acme/shop.git",
                PIPELINEGEN_INTERVAL="1s",
                **thin_wheel(tmp_path / "wheels"),
            )
            config = CONFIG.replace("HOST", registry.host).replace("MANIFESTS", place.url)
            catalog = EXAMPLE / "catalog"
            sources = {
                f"catalog/{path.relative_to(catalog)}": path.read_text(encoding="utf-8")
                for path in catalog.rglob("*")
                if path.is_file()
            }
            shop.write({"pipelinegen.yaml": config.replace("API", place.service.stand_in.api), **sources})
            with agent(place.service):
                yield Delivery(shop, registry, place, overlay)


def test_the_pull_pipeline_from_a_push_to_a_merge_request(delivery: Delivery) -> None:
    """Built, tested and pushed to a registry with a password; staging changed and observed; production proposed."""
    shop = delivery.shop
    generate(shop.folder, "--style", "pull", "--ci", "gitlab")
    tag = f"sha-{shop.write({}, 'Generate the pipeline')[:7]}"
    login = {"REGISTRY_USERNAME": delivery.registry.username, "REGISTRY_PASSWORD": delivery.registry.password}
    ran = shop.run(MANIFESTS_TOKEN=CANARIES["gitlab"], **login)
    expected = ["check", "build", "bump-staging", "observe-staging", "bump-production"]
    assert ran.jobs == dict.fromkeys(expected, "PASS"), ran.said
    assert delivery.changed("main", "staging", tag)
    assert delivery.untouched("production")
    (merge,) = delivery.place.service.open_ones()
    assert delivery.changed(merge.source, "production", tag)
    assert not [secret for secret in delivery.secrets() if secret in ran.said]


INCLUDES = """\
stages: [images, deploy, propose]
include:
  - local: ci/pipelinegen.yml
    inputs:
      prefix: staging-
      build: true
      build-stage: images
      observe: true
      observe-stage: deploy
      env: [staging]
      deliver: push
      token-variable: SHOP_TOKEN
  - local: ci/pipelinegen.yml
    inputs:
      prefix: production-
      bump-stage: propose
      env: [production]
      deliver: pull-request
      label: [bump, "of: the catalog"]
      title: 'The "new" catalog: #1 of $CI_PROJECT_NAME'
      draft: "true"
      token-variable: SHOP_TOKEN
say:
  stage: propose
  needs: [production-pipelinegen-bump]
  script:
    - echo "told $PIPELINEGEN_RESULT $PIPELINEGEN_PULL_REQUEST_URL"
"""


def test_the_template_twice_from_a_push_to_a_merge_request(delivery: Delivery) -> None:
    """Included with other inputs each time: staging is pushed to and observed, production is proposed."""
    shop = delivery.shop
    template = for_this_runner((ROOT / ".gitlab-ci-template.yml").read_text(encoding="utf-8"), shop.home)
    tag = f"sha-{shop.write({'ci/pipelinegen.yml': template, '.gitlab-ci.yml': INCLUDES})[:7]}"
    registry = delivery.registry
    login = {"CI_REGISTRY_USER": registry.username, "CI_REGISTRY_PASSWORD": registry.password}
    ran = shop.run(SHOP_TOKEN=CANARIES["gitlab"], CI_REGISTRY=registry.host, **login)
    names = ("staging-pipelinegen-build", "staging-pipelinegen-bump", "staging-pipelinegen-observe")
    assert ran.jobs == dict.fromkeys([*names, "production-pipelinegen-bump", "say"], "PASS"), ran.said
    assert delivery.changed("main", "staging", tag)
    assert delivery.untouched("production")
    (merge,) = delivery.place.service.open_ones()
    assert delivery.changed(merge.source, "production", tag)
    assert "was not asked" not in ran.said, "the registry has not shown the image to the job that names it"
    assert merge.title == 'Draft: The "new" catalog: #1 of shop'
    assert merge.labels == ["bump", "of: the catalog"]
    assert f"told updated {delivery.place.service.stand_in.url}/acme/team/manifests/-/merge_requests/1" in ran.said
    assert not [secret for secret in delivery.secrets() if secret in ran.said]
