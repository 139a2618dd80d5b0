"""`pipelinegen doctor`: each thing that is missing is named, with what mends it, and nothing is changed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.commands.checking import workflow
from pipelinegen.commands.checking.workflow import WORKFLOW
from pipelinegen.edge import http
from pipelinegen.edge.forge.github import _RULES
from pipelinegen.pipelines.pins import actions
from tests.support.forges.github import GitHub, Token
from tests.support.forges.gitlab import GitLab
from tests.support.registry import RunningRegistry, start_registry
from tests.support.world import Ran, World, world

ENGINES = ("docker", "podman", "buildah")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that is not there is asked again at once."""
    monkeypatch.setattr(http.Session, "_pause", lambda *_: None)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    with start_registry(tmp_path / "registry", "htpasswd") as registry:
        yield registry


@pytest.fixture(params=["github", "gitlab"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with world(request.param, tmp_path) as place:
        yield place


@pytest.fixture
def github(tmp_path: Path) -> Iterator[World]:
    with world("github", tmp_path) as place:
        yield place


def configure(scene: World, image: str = "127.0.0.1:9/acme/api", more: str = "") -> None:
    """A project whose staging is pushed to and whose production wants a pull request."""
    (scene.folder / "pipelinegen.yaml").write_text(
        f"""\
images:
  api: {{repository: {image}}}
manifests:
  repository: {scene.url}
  forge: {scene.kind}
  forge-url: {scene.service.stand_in.api}
  environments:
    staging: {{paths: [apps/*/overlays/staging/**], deliver: push}}
    production: {{paths: [apps/*/overlays/production/**], deliver: pull-request}}
{more}"""
    )


def without_engines(folder: Path) -> str:
    """A PATH with the programs that are needed, and no container engine."""
    programs = folder / "programs"
    programs.mkdir()
    for name in ("git", "sh", "env", "cat"):
        (programs / name).symlink_to(str(shutil.which(name)))
    return str(programs)


def examine(scene: World, **variables: str) -> tuple[Ran, dict[str, dict[str, Any]]]:
    """The command, and its findings by what they are about."""
    # What looks for programs is a process, with the variables from its start.
    done = (scene.run if "PATH" in variables else scene.here)("doctor", "--json", **variables)
    assert done.document["schema"] == "pipelinegen.doctor/1"
    return done, {each["subject"]: each for each in done.document["findings"]}


def test_a_missing_scope_a_wrong_password_and_no_engine_are_all_named(
    github: World, registry: RunningRegistry, tmp_path: Path
) -> None:
    assert isinstance(github.service.stand_in, GitHub)
    github.service.stand_in.tokens = {
        token: Token("deployer", None, {"contents": "read", "pull_requests": "write"})
        for token in github.service.stand_in.tokens
    }
    image = f"{registry.host}/acme/api"
    configure(github, image)
    done, found = examine(
        github,
        PATH=without_engines(tmp_path),
        PIPELINEGEN_REGISTRY_USERNAME=registry.username,
        PIPELINEGEN_REGISTRY_PASSWORD="not-the-password",
    )
    assert done.code == 1
    bad = {name: each for name, each in found.items() if each["state"] == "bad"}
    assert set(bad) == {"engine", "token", f"registry {image}"}
    assert "contents: write" in bad["token"]["why"]
    assert "Contents: write" in bad["token"]["mend"]
    assert "no container engine" in bad["engine"]["why"]
    assert "apt-get install" in bad["engine"]["mend"]
    assert "PIPELINEGEN_REGISTRY" in bad[f"registry {image}"]["why"]
    assert bad[f"registry {image}"]["mend"]
    assert "not-the-password" not in done.out + done.err


def test_where_all_is_well_it_says_so_and_changes_nothing(scene: World, registry: RunningRegistry) -> None:
    configure(scene, f"{registry.host}/acme/api", "build: {engine: oci}\n")
    before = scene.repository.branches("")
    done, found = examine(
        scene, PIPELINEGEN_REGISTRY_USERNAME=registry.username, PIPELINEGEN_REGISTRY_PASSWORD=registry.password
    )
    wrong = {name: each["why"] for name, each in found.items() if each["state"] == "bad" and name != "engine"}
    assert not wrong
    assert found["token"]["state"] == found["clock"]["state"] == found["branch main"]["state"] == "ok"
    assert found[f"registry {registry.host}/acme/api"]["state"] == "ok"
    assert scene.repository.branches("") == before
    assert not scene.service.stand_in.violations
    assert done.code == (1 if found["engine"]["state"] == "bad" else 0)


@pytest.mark.parametrize("kind", _RULES)
def test_a_rule_of_github_that_would_refuse_our_push_is_named(kind: str, github: World) -> None:
    assert isinstance(github.service.stand_in, GitHub)
    github.service.stand_in.rules = ("deletion", kind)
    configure(github)
    _, found = examine(github)
    assert found["branch main"]["state"] == "bad"
    assert _RULES[kind] in found["branch main"]["why"]
    assert "staging" in found["branch main"]["why"]
    assert "production" not in found["branch main"]["why"]


def test_the_older_protection_of_github_is_named_too(github: World) -> None:
    assert isinstance(github.service.stand_in, GitHub)
    github.service.stand_in.protected = {"main"}
    configure(github)
    _, found = examine(github)
    assert "protected" in found["branch main"]["why"]


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        pytest.param({"main": 40}, "bad", id="maintainers"),
        pytest.param({"main": 0}, "bad", id="no one"),
        pytest.param({"ma*": 40}, "bad", id="wildcard"),
        pytest.param({"main": 30}, "ok", id="developers"),
        pytest.param({"release": 0}, "ok", id="another branch"),
    ],
)
def test_a_protected_branch_of_gitlab_is_held_against_our_own_level(
    rules: dict[str, int], state: str, tmp_path: Path
) -> None:
    with world("gitlab", tmp_path) as place:
        assert isinstance(place.service.stand_in, GitLab)
        place.service.stand_in.protected = rules
        for token in place.service.stand_in.tokens.values():
            token.level = 30
        configure(place)
        _, found = examine(place)
        assert found["branch main"]["state"] == state


def test_the_token_of_the_job_starts_no_checks(github: World) -> None:
    configure(github)
    token = github.variables()["PIPELINEGEN_TOKEN"]
    _, found = examine(github, GITHUB_ACTIONS="true", GITHUB_TOKEN=token, PIPELINEGEN_TOKEN="")
    assert found["checks of pull requests"]["state"] == "bad"
    assert "create-github-app-token" in found["checks of pull requests"]["mend"]


def test_without_a_token_and_without_a_server_both_are_named(github: World) -> None:
    configure(github)
    github.server.__exit__()
    _, found = examine(github, PIPELINEGEN_TOKEN="")
    assert found["token"]["state"] == "bad"
    assert "PIPELINEGEN_TOKEN" in found["token"]["mend"]
    assert found["manifest repository"]["state"] == "bad"


PINNED = actions()["checkout"]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        pytest.param(f"# Written by pipelinegen\n- uses: {PINNED.name}@{PINNED.commit}  # x\n", "ok", id="ours"),
        pytest.param(f"# Written by pipelinegen\n- uses: {PINNED.name}@{'0' * 40}  # x\n", "unsure", id="older"),
        pytest.param("# mine\n- uses: a/b@" + "0" * 40 + "\n", None, id="not generated"),
    ],
)
def test_the_actions_of_a_generated_workflow_are_looked_at(text: str, state: str | None, github: World) -> None:
    configure(github)
    path = github.folder / WORKFLOW
    path.parent.mkdir(parents=True)
    path.write_text(text)
    _, found = examine(github)
    assert found.get("actions", {}).get("state") == state


def test_actions_that_cannot_run_any_more_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / WORKFLOW).parent.mkdir(parents=True)
    (tmp_path / WORKFLOW).write_text(f"# Written by pipelinegen\nuses: {PINNED.name}@{PINNED.commit}\n")
    monkeypatch.setattr(workflow, "runtimes_gone", lambda: {PINNED.runtime: "2030-01-01"})
    (finding,) = workflow.findings(str(tmp_path))
    assert (finding.state, PINNED.name in finding.why, "2030-01-01" in finding.why) == ("bad", True, True)


def test_the_marks_are_in_colour_where_colour_is_asked_for(github: World) -> None:
    assert "\x1b[33m–\x1b[0m configuration: " in github.run("doctor", "--color", "always").out
    assert "\x1b" not in github.run("doctor").out


def test_a_configuration_that_cannot_be_read_is_told_with_its_place_and_the_rest_is_looked_at(github: World) -> None:
    (github.folder / "pipelinegen.yaml").write_text("imagse: {}\n")
    done, found = examine(github)
    assert done.code == 1
    assert "images" in str(found["configuration"])
    assert found["git"]["state"] in ("ok", "unsure")


def test_the_lines_say_what_the_document_says(github: World) -> None:
    configure(github)
    told = github.run("doctor")
    _, found = examine(github)
    for subject, finding in found.items():
        mark = {"ok": "✓", "bad": "✗", "unsure": "–"}[finding["state"]]
        assert f"{mark} {subject}: " in told.out
