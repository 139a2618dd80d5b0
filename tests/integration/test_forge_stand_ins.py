"""The stand-ins: what the real services would refuse they refuse and remember, and what they answer is as described."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.http import Clock, Session
from tests.support.forges import github, gitlab
from tests.support.forges.description import Description
from tests.support.forges.server import StandIn
from tests.support.forges.service import CANARIES, Service, running

GITHUB = "/repos/acme/manifests"
GITLAB = "/api/v4/projects/acme%2Fteam%2Fmanifests"


@pytest.fixture
def on_github(tmp_path: Path) -> Iterator[github.GitHub]:
    with github.new(tmp_path) as stand_in:
        assert isinstance(stand_in, github.GitHub)
        yield stand_in


@pytest.fixture
def on_gitlab(tmp_path: Path) -> Iterator[gitlab.GitLab]:
    with gitlab.new(tmp_path) as stand_in:
        assert isinstance(stand_in, gitlab.GitLab)
        yield stand_in


def ask(stand_in: StandIn, method: str, path: str, content: Any = None, token: str = "") -> tuple[int, Any]:
    kind = "gitlab" if path.startswith("/api/v4") else "github"
    headers = {"Authorization": f"Bearer {token or CANARIES[kind]}"}
    with Session(stand_in.url, headers=headers, environ={}, clock=Clock()) as http:
        answer = http.request(method, path, json=content)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("method", "path", "content", "said"),
    [
        pytest.param("GET", f"{GITHUB}/pulls?stat=open", None, "no query parameter 'stat'", id="unknown query"),
        pytest.param(
            "GET", f"{GITHUB}/pulls?state=opened", None, "'opened' is not one of", id="a value of another forge"
        ),
        pytest.param("GET", f"{GITHUB}/pulls?per_page=many", None, "is not of type 'integer'", id="not a number"),
        pytest.param("POST", f"{GITHUB}/pulls", {"title": "x", "base": "main"}, "'head' is a required", id="missing"),
        pytest.param(
            "POST", f"{GITHUB}/pulls", {"title": 1, "head": "b", "base": "main"}, "1 is not of type 'string'", id="type"
        ),
        pytest.param(
            "POST",
            f"{GITHUB}/pulls",
            {"title": "x", "head": "b", "base": "main", "labels": []},
            "no field 'labels'",
            id="field",
        ),
        pytest.param("PATCH", f"{GITHUB}/pulls/1", {"state": "close"}, "'close' is not one of", id="enum"),
        pytest.param("PUT", f"{GITHUB}/pulls/1", {}, "not in GitHub's description", id="method"),
        pytest.param("GET", "/repos/acme", None, "not in GitHub's description", id="path"),
        pytest.param(
            "POST", "/graphql", {"query": "{ viewer { name } }"}, "Cannot query field 'name'", id="graphql field"
        ),
        pytest.param(
            "POST",
            "/graphql",
            {
                "query": "mutation($i: UpdateRefsInput!) { updateRefs(input: $i) { clientMutationId } }",
                "variables": {"i": {}},
            },
            "repositoryId",
            id="graphql input",
        ),
    ],
)
def test_what_github_would_refuse(on_github: github.GitHub, method: str, path: str, content: Any, said: str) -> None:
    status, _ = ask(on_github, method, path, content)
    assert status in (404, 422) or path == "/graphql"
    assert said in "\n".join(on_github.violations)


@pytest.mark.parametrize(
    ("method", "path", "content", "said"),
    [
        pytest.param("GET", f"{GITLAB}/merge_requests?head=b", None, "no query parameter 'head'", id="unknown query"),
        pytest.param("POST", f"{GITLAB}/merge_requests", {"title": "x"}, "'source_branch' is a required", id="missing"),
        pytest.param("PUT", f"{GITLAB}/merge_requests/1", {"body": "x"}, "no field 'body'", id="another forge's field"),
        pytest.param("PUT", f"{GITLAB}/merge_requests/1", {"reviewer_ids": ["ada"]}, "'ada' is not of type", id="type"),
        pytest.param("PATCH", f"{GITLAB}/merge_requests/1", {}, "not in GitLab's client", id="method"),
        pytest.param(
            "GET", "/api/v4/projects/acme/team/manifests", None, "not in GitLab's client", id="id not encoded"
        ),
    ],
)
def test_what_gitlab_would_refuse(on_gitlab: gitlab.GitLab, method: str, path: str, content: Any, said: str) -> None:
    status, _ = ask(on_gitlab, method, path, content)
    assert status in (400, 404)
    assert said in "\n".join(on_gitlab.violations)


def test_a_violation_fails_the_test_that_made_it(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no query parameter"), running("github", tmp_path) as service:
        ask(service.stand_in, "GET", f"{GITHUB}/pulls?stat=open")


def test_an_answer_that_is_not_as_described_is_a_violation(on_github: github.GitHub) -> None:
    on_github.path = "acme/manifests"
    on_github.private = "yes"  # type: ignore[assignment]
    ask(on_github, "GET", GITHUB)
    assert "'yes' is not of type 'boolean'" in "\n".join(on_github.violations)


def shape(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {int: "integer", float: "number", str: "string", dict: "object", list: "array", type(None): "null"}[
        type(value)
    ]


def test_gitlabs_recorded_answers_have_the_fields_that_we_read() -> None:
    """The shapes were recorded from gitlab.com in GitLab's own client."""
    recorded = Description("gitlab.json").recorded
    one = recorded["GET /projects/{}/merge_requests/{}"]
    texts = "web_url state source_branch sha target_branch title description detailed_merge_status"
    numbers = "iid source_project_id target_project_id"
    read: dict[str, Any] = dict.fromkeys(texts.split(), "string") | dict.fromkeys(numbers.split(), "integer")
    read["labels"] = ["string"]
    assert {name: one[name] for name in read} == read
    assert one["author"]["username"] == "string"
    assert one["assignees"][0]["username"] == one["reviewers"][0]["username"] == "string"
    assert (one["milestone"]["title"], one["merge_when_pipeline_succeeds"]) == ("string", "boolean")
    assert recorded["GET /personal_access_tokens/self"]["scopes"] == ["string"]
    assert recorded["GET /projects/{}/repository/branches"]["commit"]["id"] == "string"


def test_our_gitlab_answers_have_the_types_of_the_recorded(tmp_path: Path) -> None:
    with running("gitlab", tmp_path) as service:
        populate(service)
        description = Description("gitlab.json")
        places = {
            "GET /projects/{}/merge_requests/{}": f"{GITLAB}/merge_requests/1",
            "GET /projects/{}/merge_requests": f"{GITLAB}/merge_requests",
            "GET /personal_access_tokens/self": "/api/v4/personal_access_tokens/self",
            "GET /projects/{}/repository/branches": f"{GITLAB}/repository/branches",
        }
        assert set(places) == set(description.recorded)
        for operation, path in places.items():
            answer = ask(service.stand_in, "GET", path)[1]
            ours = answer[0] if isinstance(answer, list) else answer
            for name, kind in description.recorded[operation].items():
                told = kind if isinstance(kind, str) else shape(kind)
                if name in ours and ours[name] is not None and told != "null":
                    assert shape(ours[name]) == told, (operation, name)


def populate(service: Service) -> None:
    service.push()
    forge = service.open()
    forge.open("pipelinegen-bump", "main", "Bump", "Words")


def test_the_descriptions_name_their_source_and_license() -> None:
    folder = Path(github.__file__).parent
    for name, terms in (("github.json", "MIT"), ("gitlab.json", "Apache-2.0")):
        document = json.loads((folder / name).read_text(encoding="utf-8"))
        assert "@" in document["source"]
        assert document["license"].startswith(terms)
    assert (folder / "github.graphql").read_text(encoding="utf-8").startswith("# Cut from npm @octokit/graphql-schema@")
