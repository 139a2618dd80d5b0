"""Thirty hostile texts in every key that pipelines are made of: refused at their place, or no more than a text."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from pipelinegen.config import loads
from pipelinegen.errors import InputError
from pipelinegen.pipelines import grid
from pipelinegen.pipelines.application import Application, Repository
from pipelinegen.pipelines.application_of import application_of
from pipelinegen.pipelines.model import GeneratedFile
from pipelinegen.pipelines.rendering import languages
from tests.support.applications import hostile
from tests.support.hostile_values import VALUES

MANIFESTS = Repository("https://github.com/acme/manifests", "github", "github.com", "acme/manifests", None)
CONFIG = """\
version: 1
project: shop
images:
  api:
    repository: ghcr.io/acme/api
    context: context-key
    dockerfile: dockerfile-key
    tests: {httpTests: [{name: up, port: 80, path: /path-key}]}
manifests:
  repository: https://github.com/acme/manifests
  environments:
    staging:
      paths: [pattern-key]
      namespace: namespace-key
      cluster: cluster-key
      hosts: [host-key]
      url: https://url-key
      reviewers: [reviewer-key]
pipelines:
  runner: runner-key
  triggers:
    branches: [branch-key]
    tags: [tag-key]
    paths: [trigger-key]
    schedule: "0 5 * * *"
  push: {drift-schedule: "1 5 * * *"}
"""
KEYS: dict[str, Callable[[Application], object]] = {
    "shop": lambda it: it.project,
    "context-key": lambda it: it.images[0].context,
    "dockerfile-key": lambda it: it.images[0].dockerfile,
    "/path-key": lambda it: it.images[0].health_path,
    "pattern-key": lambda it: it.environments[0].paths[0],
    "namespace-key": lambda it: it.environments[0].namespace,
    "cluster-key": lambda it: it.environments[0].cluster,
    "host-key": lambda it: it.environments[0].hosts[0],
    "https://url-key": lambda it: it.environments[0].url,
    "reviewer-key": lambda it: it.environments[0].reviewers[0],
    "runner-key": lambda it: it.runner,
    "branch-key": lambda it: it.branches[0],
    "tag-key": lambda it: it.tags[0],
    "trigger-key": lambda it: it.paths[0],
    '"0 5 * * *"': lambda it: it.schedule,
    '"1 5 * * *"': lambda it: it.drift_schedule,
    "api": lambda it: it.images[0].name,
    "staging": lambda it: it.environments[0].name,
}


def application(text: str) -> Application:
    config = loads(text.encode(), "pipelinegen.yaml")
    return application_of(config, styles=("pull", "push"), manifests=MANIFESTS, based_on={})


@pytest.mark.parametrize("key", KEYS)
def test_each_is_refused_at_its_place_or_taken_as_it_is(key: str) -> None:
    place = f"  {key}:\n" if key in ("api", "staging") else key
    line = CONFIG[: CONFIG.index(place)].count("\n") + 1
    for value in VALUES:
        text = CONFIG.replace(
            place, place.replace(key, languages.yaml(value)) if place != key else languages.yaml(value), 1
        )
        found, refused = taken(key, text)
        if refused is None:
            assert found in (value, value or None, value.replace("./", "", 1)), value
        else:
            places = [refused.where or "", *refused.details]
            assert refused.id == "bad-config"
            assert any(f"{line}:" in each for each in places), (value, places)


def taken(key: str, text: str) -> tuple[object, InputError | None]:
    """What came of the key, or the refusal."""
    try:
        return KEYS[key](application(text)), None
    except InputError as error:
        return None, error


def some_targets(number: int) -> Iterator[tuple[str, tuple[GeneratedFile, ...]]]:
    """Pull style and one deployer for every system, and an agent: over all values, all of the grid."""
    application = hostile(VALUES[number])
    deployers = [grid.DEPLOYERS[(number + offset) % len(grid.DEPLOYERS)] for offset in range(len(grid.SYSTEMS))]
    for system, deployer in zip(grid.SYSTEMS, deployers, strict=True):
        yield from grid.grid(application, [grid.Target("pull", system), grid.Target("push", system, deployer)], [])
    yield from grid.grid(application, [], [grid.AGENTS[number % 2]])


class Loader(yaml.CSafeLoader):
    """With the tags of GitLab and of Ansible as texts."""


def _tagged(loader: Any, suffix: str, node: yaml.Node) -> object:
    del loader, suffix
    return None if not isinstance(node, yaml.ScalarNode) else node.value


Loader.add_multi_constructor("!", _tagged)


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_what_is_taken_breaks_no_file(number: int) -> None:
    for folder, files in some_targets(number):
        for file in files:
            if file.path.endswith(".json"):
                json.loads(file.text)
            elif file.path.endswith((".yaml", ".yml")) and "/templates/" not in file.path:
                list(yaml.load_all(file.text, Loader))
            assert "\x00" not in file.text, (folder, file.path)
