"""What a CI run is about: refs, forks and facts, as the three systems tell them in variables and payloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.ci_event import CiEvent, read_event

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop"}
GITLAB = {"GITLAB_CI": "true", "CI_PROJECT_NAME": "shop", "CI_DEFAULT_BRANCH": "main"}
JENKINS = {"JENKINS_URL": "https://ci.example.com/"}
REPOSITORY = {
    "name": "shop",
    "full_name": "acme/shop",
    "description": "Sells things",
    "default_branch": "main",
    "license": {"spdx_id": "MIT"},
}


def github(folder: Path, name: str, ref: str, event: dict[str, Any] | str) -> CiEvent:
    path = folder / "event.json"
    path.write_text(event if isinstance(event, str) else json.dumps(event), encoding="utf-8")
    return read_event({**GITHUB, "GITHUB_EVENT_NAME": name, "GITHUB_REF": ref, "GITHUB_EVENT_PATH": str(path)})


def pull(repository: str | None) -> dict[str, Any]:
    head = {"sha": "a" * 40, "repo": {"full_name": repository} if repository else None}
    return {"number": 12, "pull_request": {"number": 12, "head": head, "base": {"ref": "main"}}}


def test_outside_ci_nothing_is_told() -> None:
    assert read_event({"GITHUB_REF": "refs/heads/main", "CI_COMMIT_TAG": "v1"}) == CiEvent()


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/v1.2.3"])
def test_a_push_on_github(tmp_path: Path, ref: str) -> None:
    told = github(tmp_path, "push", ref, {"repository": REPOSITORY, "base_ref": None})
    assert told == CiEvent(ref=ref, default_branch="main", title="shop", description="Sells things", licenses="MIT")


def test_a_schedule_on_github(tmp_path: Path) -> None:
    assert github(tmp_path, "schedule", "refs/heads/main", {}).schedule


@pytest.mark.parametrize(
    ("name", "event", "fork"),
    [
        pytest.param("pull_request", pull("acme/shop"), False, id="a branch of the same repository"),
        pytest.param("pull_request", pull("Acme/Shop"), False, id="however it is written"),
        pytest.param("pull_request", pull("mallory/shop"), True, id="a fork"),
        pytest.param("pull_request", pull(None), True, id="a fork that is gone"),
        pytest.param("pull_request_target", pull("mallory/shop"), True, id="a fork, run with the base's rights"),
    ],
)
def test_a_pull_request_on_github(tmp_path: Path, name: str, event: dict[str, Any], fork: bool) -> None:
    ref = "refs/heads/main" if name == "pull_request_target" else "refs/pull/12/merge"
    told = github(tmp_path, name, ref, event)
    assert (told.ref, told.head, told.base_ref, told.fork) == ("refs/pull/12/merge", "refs/pull/12/head", "main", fork)


@pytest.mark.parametrize(("repository", "fork"), [("acme/shop", False), ("mallory/shop", True)])
def test_a_workflow_after_another_builds_the_branch_of_that_one(tmp_path: Path, repository: str, fork: bool) -> None:
    run = {"head_branch": "main", "head_repository": {"full_name": repository}}
    told = github(tmp_path, "workflow_run", "refs/heads/trunk", {"workflow_run": run})
    assert (told.ref, told.fork) == ("refs/heads/main", fork)


@pytest.mark.parametrize("payload", ["", "[]", "{", '{"repository": "x", "pull_request": 3}'])
def test_a_payload_that_says_nothing_is_no_error(tmp_path: Path, payload: str) -> None:
    told = github(tmp_path, "push", "refs/heads/main", payload)
    assert told == CiEvent(ref="refs/heads/main", title="shop")


def test_a_runner_without_a_payload() -> None:
    assert read_event({**GITHUB, "GITHUB_REF": "refs/heads/x"}) == CiEvent(ref="refs/heads/x", title="shop")


def test_a_pull_request_without_a_payload_is_not_known_to_be_of_a_friend(tmp_path: Path) -> None:
    told = read_event({**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/12/merge"})
    assert told.fork


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"CI_COMMIT_BRANCH": "main"}, CiEvent(ref="refs/heads/main"), id="a branch"),
        pytest.param({"CI_COMMIT_TAG": "v1"}, CiEvent(ref="refs/tags/v1"), id="a tag"),
        pytest.param(
            {"CI_COMMIT_BRANCH": "main", "CI_PIPELINE_SOURCE": "schedule", "CI_PROJECT_DESCRIPTION": "Sells"},
            CiEvent(ref="refs/heads/main", schedule=True, description="Sells"),
            id="a schedule",
        ),
        pytest.param(
            {
                "CI_MERGE_REQUEST_IID": "12",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
                "CI_MERGE_REQUEST_PROJECT_ID": "7",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            },
            CiEvent(ref="refs/pull/12/merge", head="refs/merge-requests/12/head", base_ref="main"),
            id="a merge request",
        ),
        pytest.param(
            {
                "CI_MERGE_REQUEST_IID": "12",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "9",
                "CI_MERGE_REQUEST_PROJECT_ID": "7",
            },
            CiEvent(ref="refs/pull/12/merge", head="refs/merge-requests/12/head", fork=True),
            id="a merge request of a fork",
        ),
    ],
)
def test_gitlab(variables: dict[str, str], expected: CiEvent) -> None:
    assert read_event({**GITLAB, **variables}) == expected._replace(title="shop", default_branch="main")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"GIT_BRANCH": "origin/main"}, CiEvent(ref="refs/heads/main"), id="a plain job"),
        pytest.param(
            {"BRANCH_NAME": "main", "BRANCH_IS_PRIMARY": "true"},
            CiEvent(ref="refs/heads/main", default_branch="main"),
            id="the default branch",
        ),
        pytest.param({"BRANCH_NAME": "v1", "TAG_NAME": "v1"}, CiEvent(ref="refs/tags/v1"), id="a tag"),
        pytest.param(
            {"BRANCH_NAME": "PR-12", "CHANGE_ID": "12", "CHANGE_TARGET": "main"},
            CiEvent(ref="refs/pull/12/merge", base_ref="main"),
            id="a pull request",
        ),
        pytest.param(
            {"CHANGE_ID": "12", "CHANGE_FORK": "mallory"},
            CiEvent(ref="refs/pull/12/merge", fork=True),
            id="a pull request of a fork",
        ),
        pytest.param({}, CiEvent(), id="nothing"),
    ],
)
def test_jenkins(variables: dict[str, str], expected: CiEvent) -> None:
    assert read_event({**JENKINS, **variables}) == expected
