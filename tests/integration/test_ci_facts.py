"""What later steps of a CI job are told, and several environments in one run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import canary
from tests.support.faults import API, STAGING, Scene, Steps, run_here
from tests.support.forges.service import KINDS
from tests.support.repos import git
from tests.support.world import Ran, world

SHA = "1" * 40
EVENT_SHA = "2" * 40
NAMES = ["result", "changed", "branch", "commit", "pull-request-number", "pull-request-url"]


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with world(request.param, tmp_path) as place:
        yield Scene.of(place, tmp_path)


def variables(scene: Scene, folder: Path) -> dict[str, str]:
    """A job of the CI system that belongs to the forge."""
    folder.mkdir(exist_ok=True)
    if scene.world.kind == "gitlab":
        return {
            "GITLAB_CI": "true",
            "CI_PROJECT_DIR": str(folder),
            "CI_PROJECT_URL": "https://gitlab.example/acme/shop",
            "CI_COMMIT_SHA": SHA,
            "CI_JOB_URL": "https://gitlab.example/acme/shop/-/jobs/7",
            "GITLAB_USER_LOGIN": "ada",
        }
    event = folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"sha": EVENT_SHA}}}))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SHA": SHA,
        "GITHUB_RUN_ID": "7",
        "GITHUB_ACTOR": "ada",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(event),
    }


def told(scene: Scene, folder: Path) -> dict[str, str]:
    """What the next step of the job reads."""
    if scene.world.kind == "gitlab":
        lines = (folder / "pipelinegen.env").read_text().splitlines()
        pairs = (line.partition("=") for line in lines)
        return {name.removeprefix("PIPELINEGEN_").lower().replace("_", "-"): value for name, _, value in pairs}
    text = (folder / "output").read_text()
    facts = {}
    while text:
        found = re.match(r"([a-z-]+)<<(\S+)\n(.*?)\n\2\n", text, re.DOTALL)
        assert found, text
        facts[found[1]] = found[3]
        text = text[found.end() :]
    return facts


def bump(scene: Scene, folder: Path, *words: str, code: int = 0) -> Ran:
    ran = run_here(scene.world, *words, **variables(scene, folder))  # type: ignore[arg-type]
    assert ran.code == code, ran.err
    return ran


def test_the_facts_of_a_pull_request(scene: Scene, tmp_path: Path) -> None:
    ran = bump(scene, tmp_path / "job", f"{API}:1.1.0")
    delivery = ran.document["delivery"]
    facts = told(scene, tmp_path / "job")
    assert list(facts) == NAMES
    assert facts == {
        "result": "updated",
        "changed": "true",
        "branch": delivery["branch"],
        "commit": scene.world.repository.tip(delivery["branch"]),
        "pull-request-number": "1",
        "pull-request-url": delivery["pull_request"]["url"],
    }
    one = scene.world.service.open_ones()[0]
    body = one.body if scene.world.kind == "github" else one.description
    assert SHA in body
    assert "ada" in body
    message = scene.world.repository.message(delivery["branch"])
    assert f"/acme/shop@{SHA}" in message
    assert canary.in_files([tmp_path / "job"]) == []


def test_the_facts_of_a_push_and_of_nothing_to_do(scene: Scene, tmp_path: Path) -> None:
    ran = bump(scene, tmp_path / "one", f"{API}:1.1.0", "--deliver", "push")
    facts = told(scene, tmp_path / "one")
    assert (facts["result"], facts["branch"], facts["commit"]) == (
        "updated",
        "main",
        ran.document["delivery"]["commit"],
    )
    assert (facts["pull-request-number"], facts["pull-request-url"]) == ("", "")
    bump(scene, tmp_path / "two", f"{API}:1.1.0", "--deliver", "push")
    again = told(scene, tmp_path / "two")
    assert again == dict.fromkeys(NAMES, "") | {"result": "unchanged", "changed": "false"}


def test_the_facts_of_a_late_pipeline(scene: Scene, tmp_path: Path) -> None:
    shop = scene.world.folder
    git(shop, "init", "--quiet")
    for name in ("old", "new"):
        git(shop, "commit", "--quiet", "--allow-empty", "-m", name)
    old, new = git(shop, "rev-parse", "HEAD^", "HEAD").decode().split()
    bump(scene, tmp_path / "one", f"{API}:b", "--deliver", "push", "--source-revision", new)
    bump(scene, tmp_path / "two", f"{API}:a", "--deliver", "push", "--source-revision", old)
    assert told(scene, tmp_path / "two") == dict.fromkeys(NAMES, "") | {"result": "superseded", "changed": "false"}


def test_what_a_person_closed_is_told_as_unchanged(scene: Scene, tmp_path: Path) -> None:
    bump(scene, tmp_path / "one", f"{API}:1.1.0")
    scene.world.service.stand_in.close_by_hand(1)
    ran = bump(scene, tmp_path / "two", f"{API}:1.1.0")
    facts = told(scene, tmp_path / "two")
    assert (facts["result"], facts["changed"], facts["pull-request-number"]) == ("unchanged", "false", "1")
    assert ran.document["delivery"]["pull_request"]["state"] == "closed"


def test_the_revision_of_a_pull_request_event_is_that_of_its_head(tmp_path: Path) -> None:
    with world("github", tmp_path) as place:
        scene = Scene.of(place, tmp_path)
        job = variables(scene, tmp_path / "job") | {"GITHUB_EVENT_NAME": "pull_request"}
        ran = run_here(place, f"{API}:1.1.0", **job)  # type: ignore[arg-type]
        assert f"@{EVENT_SHA}" in place.repository.message(ran.document["delivery"]["branch"])


@pytest.mark.parametrize("hostile", ["`x` | ", "`` \\| ", "a\\", "# @acme/all "])
def test_nothing_breaks_out_of_the_summary(tmp_path: Path, hostile: str) -> None:
    name = f"apps/{hostile}[y](javascript:z) <b>/kustomization.yaml"
    text = f"images:\n  - name: {API}\n    newTag: 1.0.0\n"
    with world("github", tmp_path, {name: text}) as place:
        scene = Scene.of(place, tmp_path)
        ran = run_here(place, f"{API}:1.1.0", **variables(scene, tmp_path / "job"))  # type: ignore[arg-type]
        assert ran.code == 0, ran.err
        summary = (tmp_path / "job" / "summary").read_text()
        assert "1.1.0" in summary
        from markdown_it import MarkdownIt

        html = MarkdownIt("commonmark").enable("table").render(summary)
        text = re.sub(r"<code>.*?</code>", "", html)
        assert not any(word in text for word in ("<b>", "javascript", "@acme", "hostile", "kustomization"))
        assert html.count("<li>") == 1


def test_outputs_that_cannot_be_written_fail_the_step_and_not_the_delivery(scene: Scene, tmp_path: Path) -> None:
    job = variables(scene, tmp_path / "job")
    name = "CI_PROJECT_DIR" if scene.world.kind == "gitlab" else "GITHUB_OUTPUT"
    ran = run_here(scene.world, f"{API}:1.1.0", **{**job, name: "/dev/null/x"})  # type: ignore[arg-type]
    scene.check(ran, code=3, ids=frozenset({"disk"}))
    assert len(scene.world.service.open_ones()) == 1
    bump(scene, tmp_path / "again", f"{API}:1.1.0")
    assert told(scene, tmp_path / "again")["pull-request-number"] == "1"


CONFIGURATION = """\
version: 1
manifests:
  environments:
    staging: {paths: [apps/api/overlays/staging/**], deliver: push}
    production: {paths: [apps/api/overlays/production/**], deliver: pull-request}
"""


def test_each_environment_is_delivered_in_its_own_way(scene: Scene) -> None:
    (scene.world.folder / "pipelinegen.yaml").write_text(CONFIGURATION)
    ran = run_here(scene.world, f"{API}:1.1.0", "--env", "staging", "--env", "production")
    assert ran.code == 0, ran.err
    pushed, proposed = ran.document["deliveries"]
    assert (pushed["how"], pushed["branch"]) == ("push", "main")
    assert proposed["pull_request"]["number"] == 1
    read = scene.world.repository.read
    assert "newTag: 1.1.0" in read("main", STAGING)
    production = STAGING.replace("staging", "production")
    assert "newTag: 1.0.0" in read("main", production)
    assert "newTag: 1.1.0" in read(proposed["branch"], production)


def test_a_failure_says_which_environments_were_delivered_before(scene: Scene) -> None:
    (scene.world.folder / "pipelinegen.yaml").write_text(CONFIGURATION)
    Steps(scene.world).fail("open", "403")
    words = (f"{API}:1.1.0", "--env", "staging", "--env", "production")
    ran = run_here(scene.world, *words)
    assert ran.code == 4, ran.err
    assert ran.document["error"]["state"].startswith("staging: delivered; the branch pipelinegen-production-api-")
    assert "newTag: 1.1.0" in scene.world.repository.read("main", STAGING)
    Steps(scene.world).heal()
    again = run_here(scene.world, *words)
    assert again.code == 0, again.err
    assert len(scene.world.service.open_ones()) == 1


def test_production_may_be_behind_staging_by_its_environment(scene: Scene) -> None:
    shop = scene.world.folder
    git(shop, "init", "--quiet")
    revisions = []
    for name in "abc":
        git(shop, "commit", "--quiet", "--allow-empty", "-m", name)
        revisions.append(git(shop, "rev-parse", "HEAD").decode().strip())
    (shop / "pipelinegen.yaml").write_text(CONFIGURATION)
    source = ("--source-url", "https://github.com/acme/shop", "--source-revision")

    def deploy(tag: str, revision: str, environment: str) -> str:
        words = (f"{API}:{tag}", "--env", environment, "--deliver", "push", *source, revision)
        ran = run_here(scene.world, *words)
        assert ran.code == 0, ran.err
        return str(ran.document["result"])

    assert deploy("c", revisions[2], "staging") == "updated"
    assert deploy("b", revisions[1], "production") == "updated"
    assert deploy("a", revisions[0], "production") == "superseded"
    assert deploy("b", revisions[1], "staging") == "superseded"
