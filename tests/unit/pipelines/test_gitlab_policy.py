"""The defences of pipelines of GitLab: there in all of them, and missed where one is taken away."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import DEPLOYERS
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.rendering import gitlab
from tests.support import applications
from tests.support.gitlab_ci import tree
from tests.support.gitlab_policy import problems
from tests.support.hostile_values import VALUES


def text_of(application: Application, deployer: str | None = "kubectl") -> str:
    pipeline = design(application, "push" if deployer else "pull", "gitlab", DEPLOYERS[deployer] if deployer else None)
    (file,) = gitlab.files(pipeline)
    return file.text


@pytest.mark.parametrize("deployer", [None, *DEPLOYERS])
@pytest.mark.parametrize("made", [applications.shop, applications.shop_on_gitlab, applications.signed_shop])
def test_every_defence_is_there(made: Callable[[], Application], deployer: str | None) -> None:
    assert problems(tree(text_of(made(), deployer))) == set()


@pytest.mark.parametrize("value", VALUES)
def test_every_defence_is_there_whatever_the_configuration_says(value: str) -> None:
    assert problems(tree(text_of(applications.hostile(value)))) == set()


MUTANTS = [
    ("@sha256:7c61", ":7c61", "an image without its digest"),
    ("dind@sha256:", "dind@sha512:", "an image without its digest"),
    ("    exit_codes: 3\n", "", "a failure is tried again"),
    ("    when: runner_system_failure\n", "    when: always\n", "a failure is tried again"),
    ("\n  timeout: ", "\n  # timeout: ", "no end to its time"),
    ("  resource_group: ", "  # ", "two deployments at a time"),
    ("  interruptible: false\n", "", "a deployment may be cut off"),
    ("staging-look", "staging", "a merge request sees the credentials"),
    (" && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID", "", "a fork sees credentials"),
    ("      when: never\n", "", "two pipelines for one push"),
    ("set -euo pipefail", "set -euxo pipefail", "debug trace"),
    ("      expand: false\n", "", "GitLab would expand"),
    ("\n    action: verify\n", "\n", "a merge request deploys"),
]


@pytest.mark.parametrize(
    ("before", "after", "problem"), MUTANTS, ids=[f"{one[2]}-{at}" for at, one in enumerate(MUTANTS)]
)
def test_a_defence_that_is_taken_away_is_missed(before: str, after: str, problem: str) -> None:
    text = text_of(with_a_value_that_gitlab_would_expand(), "ansible")
    assert problems(tree(text)) == set()
    assert before in text
    found: Any = problems(tree(text.replace(before, after)))
    assert any(problem in one for one in found), found


def with_a_value_that_gitlab_would_expand() -> Application:
    plain = applications.shop()
    staging = replace(plain.environments[0], url="https://shop.example/$HOME")
    return replace(plain, environments=(staging, *plain.environments[1:]))
