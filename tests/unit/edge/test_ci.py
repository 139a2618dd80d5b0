"""Which CI this is, read from the variables that its documentation names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.ci import (
    SUMMARY_LIMIT,
    CiContext,
    forge_token,
    forge_user,
    read_ci,
    web_url,
    write_outputs,
    write_summary,
)
from pipelinegen.errors import Defect, NotPermitted, WorldError

HEAD = "a" * 40
MERGE = "b" * 40

GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://ghe.example",
    "GITHUB_API_URL": "https://ghe.example/api/v3",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_SHA": MERGE,
    "GITHUB_REF_NAME": "main",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_RUN_ID": "42",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_OUTPUT": "/runner/out",
    "GITHUB_STEP_SUMMARY": "/runner/summary",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.example/acme/team/shop",
    "CI_COMMIT_SHA": HEAD,
    "CI_COMMIT_REF_NAME": "main",
    "GITLAB_USER_LOGIN": "ada",
    "CI_JOB_URL": "https://gitlab.example/acme/team/shop/-/jobs/7",
    "CI_SERVER_URL": "https://gitlab.example/",
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
    "CI_PROJECT_DIR": "/builds/shop",
}


def test_github() -> None:
    assert read_ci(GITHUB) == CiContext(
        kind="github",
        source_url="https://ghe.example/acme/shop",
        revision=MERGE,
        ref="main",
        actor="octocat",
        run_url="https://ghe.example/acme/shop/actions/runs/42",
        server_url="https://ghe.example",
        api_url="https://ghe.example/api/v3",
        output_file="/runner/out",
        summary_file="/runner/summary",
    )


@pytest.mark.parametrize(
    ("event", "payload", "revision"),
    [
        pytest.param("pull_request", {"pull_request": {"head": {"sha": HEAD}}}, HEAD, id="not the merge commit"),
        pytest.param("pull_request_target", {"pull_request": {"head": {"sha": HEAD}}}, HEAD, id="not the base"),
        pytest.param("workflow_run", {"workflow_run": {"head_sha": HEAD}}, HEAD, id="not the default branch"),
        pytest.param("push", {"pull_request": {"head": {"sha": HEAD}}}, MERGE, id="a push is what was pushed"),
        pytest.param("pull_request", {"pull_request": {"head": {"sha": "$(x)"}}}, MERGE, id="not a revision"),
        pytest.param("pull_request", {"pull_request": []}, MERGE, id="not an object"),
        pytest.param("pull_request", [], MERGE, id="not a payload"),
    ],
)
def test_the_revision_that_was_built(event: str, payload: object, revision: str, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps(payload))
    environ = {**GITHUB, "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    assert read_ci(environ).revision == revision


@pytest.mark.parametrize("content", [None, "", "{", "\udcff"])
def test_an_event_file_that_cannot_be_read_leaves_the_variable(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    environ = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)}
    assert read_ci(environ).revision == MERGE


def test_the_head_of_a_pull_request_is_its_ref() -> None:
    assert read_ci({**GITHUB, "GITHUB_HEAD_REF": "topic", "GITHUB_REF_NAME": "5/merge"}).ref == "topic"


def test_gitlab() -> None:
    assert read_ci(GITLAB) == CiContext(
        kind="gitlab",
        source_url="https://gitlab.example/acme/team/shop",
        revision=HEAD,
        ref="main",
        actor="ada",
        run_url="https://gitlab.example/acme/team/shop/-/jobs/7",
        server_url="https://gitlab.example",
        api_url="https://gitlab.example/api/v4",
        output_file="/builds/shop/pipelinegen.env",
    )


def test_gitlab_merged_results_name_the_source_branch() -> None:
    environ = {
        **GITLAB,
        "CI_COMMIT_SHA": MERGE,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic",
    }
    assert (read_ci(environ).revision, read_ci(environ).ref) == (HEAD, "topic")
    assert read_ci({**GITLAB, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": ""}).revision == HEAD


def test_jenkins_shows_no_credential_of_the_remote() -> None:
    ci = read_ci(
        {
            "JENKINS_URL": "https://ci.example/",
            "GIT_URL": "https://bot:canary@git.example:8443/acme/shop.git",
            "GIT_COMMIT": HEAD,
            "GIT_BRANCH": "origin/main",
            "BUILD_URL": "https://ci.example/job/shop/7/",
            "CHANGE_AUTHOR": "ada",
        }
    )
    assert ci == CiContext(
        kind="jenkins",
        source_url="https://git.example:8443/acme/shop",
        revision=HEAD,
        ref="main",
        actor="ada",
        run_url="https://ci.example/job/shop/7/",
    )


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}, {"GITHUB_SHA": HEAD}])
def test_no_ci(environ: Mapping[str, str]) -> None:
    assert read_ci(environ) == CiContext()


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/acme/shop.git", "https://github.com/acme/shop"),
        ("https://user:word@GitHub.com/acme/shop/", "https://github.com/acme/shop"),
        ("git@github.com:acme/shop.git", "https://github.com/acme/shop"),
        ("ssh://git@git.example:2222/acme/shop.git", "https://git.example/acme/shop"),
        ("http://127.0.0.1:9/acme/shop", "http://127.0.0.1:9/acme/shop"),
        ("/srv/git/shop.git", None),
        ("./shop", None),
        ("file:///srv/git/shop.git", None),
        ("", None),
        (None, None),
        ("https://github.com", None),
    ],
)
def test_web_url(remote: str | None, page: str | None) -> None:
    assert web_url(remote) == page


@pytest.mark.parametrize(
    ("kind", "environ", "name"),
    [
        ("github", {"GITHUB_TOKEN": "ghs_canary_1", "GH_TOKEN": "ghp_canary_2"}, "GH_TOKEN"),
        ("github", {"GITHUB_TOKEN": "ghs_canary_1", "GITLAB_TOKEN": "glpat-canary"}, "GITHUB_TOKEN"),
        ("github", {"GITLAB_TOKEN": "glpat-canary"}, None),
        ("gitlab", {"GITLAB_TOKEN": "glpat-canary", "GITHUB_TOKEN": "ghs_canary_1"}, "GITLAB_TOKEN"),
        ("gitlab", {"GITHUB_TOKEN": "ghs_canary_1", "CI_JOB_TOKEN": "job-canary-1"}, None),
        ("none", {"GITHUB_TOKEN": "ghs_canary_1", "GITLAB_TOKEN": "glpat-canary"}, None),
        ("none", {"PIPELINEGEN_TOKEN": "own-canary-1"}, "PIPELINEGEN_TOKEN"),
        ("github", {"PIPELINEGEN_TOKEN": "own-canary-1", "GH_TOKEN": "ghp_canary_2"}, "PIPELINEGEN_TOKEN"),
        ("github", {"PIPELINEGEN_TOKEN": "", "GH_TOKEN": "ghp_canary_2"}, "GH_TOKEN"),
    ],
)
def test_the_token_of_a_forge(kind: str, environ: dict[str, str], name: str | None) -> None:
    secret = forge_token(kind, environ)
    assert (secret.name if secret else None) == name
    assert secret is None or secret.value == environ[str(name)]


def test_a_token_that_cannot_be_masked_is_refused() -> None:
    with pytest.raises(NotPermitted, match="GITLAB_TOKEN"):
        forge_token("gitlab", {"GITLAB_TOKEN": "abc"})


def test_the_user_of_a_forge() -> None:
    assert forge_user("github", {}) == "x-access-token"
    assert forge_user("gitlab", {}) == "oauth2"
    assert forge_user("none", {}) == "x-access-token"
    assert forge_user("gitlab", {"PIPELINEGEN_USERNAME": "bot"}) == "bot"


def read_github_outputs(text: str) -> dict[str, str]:
    """As the runner reads them (actions/runner, FileCommandManager): NAME<<MARK, lines, MARK."""
    values: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, _, mark = line.partition("<<")
        held = []
        for held_line in lines:
            if held_line == mark:
                break
            held.append(held_line)
        values[name] = "\n".join(held)
    return values


@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00")))
def test_no_value_can_write_another_output(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("out") / "output"
    path.write_text("earlier=1\n")
    write_outputs(CiContext(kind="github", output_file=str(path)), {"result": value, "branch": "b"})
    text = path.read_text(encoding="utf-8").removeprefix("earlier=1\n")
    assert read_github_outputs(text) == {"result": value, "branch": "b"}


def test_each_output_has_its_own_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "output"
    write_outputs(CiContext(kind="github", output_file=str(path)), {"a": "1", "b": "2"})
    marks = re.findall(r"<<(\w+)", path.read_text())
    assert len(set(marks)) == 2
    assert all(len(mark) >= 32 for mark in marks)


def test_dotenv(tmp_path: Path) -> None:
    path = tmp_path / "pipelinegen.env"
    path.write_text("PIPELINEGEN_RESULT=old\n")
    ci = CiContext(kind="gitlab", output_file=str(path))
    write_outputs(ci, {"result": "updated", "pull-request-url": "https://x/1"})
    assert path.read_text() == "PIPELINEGEN_RESULT=updated\nPIPELINEGEN_PULL_REQUEST_URL=https://x/1\n"
    with pytest.raises(Defect):
        write_outputs(ci, {"result": "a\nPATH=/evil"})
    with pytest.raises(Defect):
        write_outputs(ci, {"a b": "1"})


def test_without_a_ci_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_outputs(CiContext(), {"result": "updated"})
    write_summary(CiContext(), "text")
    assert list(tmp_path.iterdir()) == []


def test_summary_is_added_and_cut_honestly(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    ci = CiContext(kind="github", summary_file=str(path))
    write_summary(ci, "# one")
    write_summary(ci, "é line\n" * SUMMARY_LIMIT)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# one\né line\n")
    assert text.endswith("bytes)\n")
    assert len(text.encode()) < 1024 * 1024


def test_outputs_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    with pytest.raises(WorldError) as caught:
        write_outputs(CiContext(kind="github", output_file=str(tmp_path / "no" / "file")), {"result": "updated"})
    assert caught.value.id == "disk"
