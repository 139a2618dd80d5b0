"""`observe` against both forges and real git: what happens between two looks, on a clock that moves by sleeping."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.commands import connect
from pipelinegen.commands.observe import observe_error, run
from pipelinegen.commands.subjects import ObserveOptions
from pipelinegen.edge.backoff import Timing
from pipelinegen.edge.http import Clock
from pipelinegen.errors import PipelinegenError
from pipelinegen.report import Report
from tests.support.forges.service import CANARIES, KINDS
from tests.support.world import World, world

API = "ghcr.io/acme/api"
PRODUCTION = "apps/api/overlays/production/kustomization.yaml"
BRANCH = "pipelinegen-production-api-0123456789ab"
AGENT = "argocd/shop-production"
# What each forge calls the states of a commit status.
STATES = {
    "github": {"pending": "pending", "success": "success", "failure": "failure"},
    "gitlab": {"pending": "running", "success": "success", "failure": "failed"},
}

Act = Callable[[], object]


@dataclass
class Scene:
    """A world with an open pull request, and what people and agents do between two looks."""

    place: World
    acts: list[Act] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.place.kind

    def now(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.acts:
            self.acts.pop(0)()

    # What others do.

    def commit(self, tag: str, branch: str = "main", **more: str) -> str:
        text = f"images:\n  - name: {API}\n    newTag: {tag}\n"
        onto = self.place.repository.tip("main") if branch != "main" else None
        return self.place.repository.commit(branch, {PRODUCTION: text, **more}, f"{tag} in production", onto)

    def propose(self, tag: str = "1.1.0") -> int:
        self.commit(tag, BRANCH)
        return int(self.place.service.open().open(BRANCH, "main", "Bump", "Words").number)

    def merge(self, **how: Any) -> str:
        return str(self.place.service.stand_in.merge_by_hand(1, **how))

    def report(self, state: str, words: str = "", *, commit: str | None = None, context: str = AGENT) -> None:
        sha = commit or self.place.repository.tip("main") or ""
        self.place.service.stand_in.report(sha, context, STATES[self.kind][state], words, "https://argocd.example/shop")


@dataclass
class Observed:
    code: int
    err: str
    document: dict[str, Any]

    @property
    def said(self) -> list[str]:
        return self.err.splitlines()


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with world(request.param, tmp_path) as place:
        yield Scene(place)


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Scene]:
    with world("github", tmp_path) as place:
        yield Scene(place)


@pytest.fixture
def observe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Observed]:
    """The command, as the command line calls it, on the scene's clock."""

    def call(scene: Scene, acts: Sequence[Act] = (), **options: Any) -> Observed:
        place = scene.place
        scene.acts = list(acts)
        clock = Clock(time.time, scene.now, scene.slept.append, lambda: 1.0)
        timing = Timing(scene.now, scene.sleep, lambda _, high: high)
        monkeypatch.setattr(connect, "PATIENCE", connect.Patience(timing, None, clock))
        monkeypatch.setenv("PIPELINEGEN_TOKEN", CANARIES[scene.kind])
        monkeypatch.setenv("TMPDIR", str(place.folder))
        options = {"repo": place.url, "forge": scene.kind, "forge_url": place.service.stand_in.api, **options}
        report = Report(json=True)
        try:
            code = run(ObserveOptions(directory=str(place.folder), **options), report)
        except PipelinegenError as error:
            report.error(error)
            report.document(observe_error(error))
            code = error.exit_code
        out, err = capsys.readouterr()
        assert not [path for path in place.folder.iterdir() if path.name.startswith("pipelinegen-")], "left behind"
        return Observed(code, err, json.loads(out))

    return call


def test_from_the_open_pull_request_to_a_healthy_environment_each_change_told_once(
    scene: Scene, observe: Callable[..., Observed]
) -> None:
    number = scene.propose()
    seen = observe(
        scene,
        [
            lambda: None,
            scene.merge,
            lambda: None,
            lambda: scene.report("pending", "Syncing"),
            lambda: None,
            lambda: scene.report("success", "Synced and healthy"),
        ],
        pull_request=number,
    )
    assert seen.code == 0, seen.err
    merged = scene.place.repository.tip("main") or ""
    noun = {"github": "pull request", "gitlab": "merge request"}[scene.kind]
    url = seen.document["observed"][0]["pull_request"]["url"]
    assert seen.said == [
        f"{noun} #1 is open: {url}",
        f"{noun} #1 is merged as {merged[:12]} into main: {url}",
        seen.said[2],
        f"{AGENT} is pending on {merged[:12]}: Syncing",
        f"{AGENT} is success on {merged[:12]}: Synced and healthy",
        f"{merged[:12]} is healthy",
    ]
    assert seen.said[2].startswith("waiting for argocd/* or continuous-delivery/* or kustomization/*")
    assert seen.document == {
        "schema": "pipelinegen.observe/1",
        "result": "healthy",
        "environment": None,
        "observed": [
            {
                "result": "healthy",
                "pull_request": {"number": 1, "url": url, "state": "merged"},
                "commit": merged,
                "statuses": [
                    {
                        "context": AGENT,
                        "state": "success",
                        "description": "Synced and healthy",
                        "url": "https://argocd.example/shop",
                        "commit": merged,
                    }
                ],
                "ignored": [],
            }
        ],
    }
    assert scene.slept == [10.0] * 6


@pytest.mark.parametrize("how", [{"squash": True}, {"squash": False}], ids=["squashed", "merged"])
def test_the_branch_names_its_pull_request(
    scene: Scene, observe: Callable[..., Observed], how: dict[str, bool]
) -> None:
    scene.propose()
    merged = scene.merge(**how)
    scene.report("success", commit=merged)
    seen = observe(scene, branch=BRANCH)
    assert (seen.code, seen.document["observed"][0]["commit"]) == (0, merged), seen.err
    assert scene.slept == []


def test_a_merge_without_a_merge_commit_is_the_head_itself(scene: Scene, observe: Callable[..., Observed]) -> None:
    scene.propose()
    head = scene.place.repository.tip(BRANCH) or ""
    scene.place.repository.move("main", head)
    scene.report("success")
    seen = observe(scene, pull_request=1)
    assert (seen.code, seen.document["observed"][0]["commit"]) == (0, head), seen.err


def test_the_agents_words_come_with_a_failure(scene: Scene, observe: Callable[..., Observed]) -> None:
    scene.propose()
    scene.merge()
    words = "ImagePullBackOff\x1b[2J"
    seen = observe(
        scene, [lambda: scene.report("pending", words), lambda: scene.report("failure", words)], pull_request=1
    )
    assert (seen.code, seen.document["result"]) == (1, "failed")
    assert seen.document["observed"][0]["error"]["id"] == "agent-failed"
    assert "error: " in seen.err
    assert f"  | {AGENT}: ImagePullBackOff\\u001B[2J (https://argocd.example/shop)" in seen.err
    assert "\x1b" not in seen.err
    assert "pipelinegen rollback" in seen.err


def test_closed_without_a_merge(scene: Scene, observe: Callable[..., Observed]) -> None:
    scene.propose()
    seen = observe(scene, [lambda: scene.place.service.stand_in.close_by_hand(1)], pull_request=1)
    assert (seen.code, seen.document["result"]) == (1, "closed")
    assert "closed without a merge" in seen.err


def test_not_merged_in_time(scene: Scene, observe: Callable[..., Observed]) -> None:
    scene.propose()
    seen = observe(scene, pull_request=1, timeout="25s")
    assert (seen.code, seen.document["result"]) == (1, "timed-out")
    assert "was not merged in time" in seen.err
    assert scene.slept == [10.0, 10.0, 5.0]  # the last look is at the very end


def test_silence_is_told_with_what_was_seen_instead(scene: Scene, observe: Callable[..., Observed]) -> None:
    scene.propose()
    scene.merge()
    scene.report("success", context="ci/lint")
    scene.report("pending", "Progressing", context="argocd/shop-a")
    seen = observe(scene, pull_request=1, timeout="30s", status=("argocd/shop-?",))
    assert (seen.code, seen.document["result"]) == (1, "timed-out")
    assert "  | argocd/shop-a: pending: Progressing" in seen.said
    assert "  | not waited for: ci/lint" in seen.said


def test_a_report_on_a_later_commit_that_holds_the_change_counts(
    scene: Scene, observe: Callable[..., Observed]
) -> None:
    scene.propose()
    scene.merge()

    def unrelated() -> None:
        scene.place.repository.commit("main", {"notes.txt": "x\n"}, "Something else")

    def beside() -> None:
        text = f"namePrefix: x-\nimages:\n  - name: {API}\n    newTag: 1.1.0\n"
        scene.place.repository.commit("main", {PRODUCTION: text}, "The same file, the same image")

    seen = observe(scene, [unrelated, beside, lambda: scene.report("success", "Synced")], pull_request=1)
    assert seen.code == 0, seen.err
    tip = scene.place.repository.tip("main")
    assert seen.document["observed"][0]["statuses"][0]["commit"] == tip
    assert seen.document["observed"][0]["commit"] != tip


def test_a_report_on_a_commit_that_replaced_the_change_does_not_count(
    scene: Scene, observe: Callable[..., Observed]
) -> None:
    scene.propose()
    scene.merge()
    seen = observe(scene, [lambda: scene.commit("1.2.0"), lambda: scene.report("success")], pull_request=1)
    assert (seen.code, seen.document["result"]) == (1, "replaced")
    assert "a later commit replaced the change before the agent reported it" in seen.err


def test_a_commit_on_the_branch_is_observed_without_a_pull_request(
    scene: Scene, observe: Callable[..., Observed]
) -> None:
    pushed = scene.commit("1.1.0")
    scene.place.repository.commit("main", {"notes.txt": "x\n"}, "Something else")
    seen = observe(scene, [lambda: scene.report("success")], commit=pushed)
    assert (seen.code, seen.document["observed"][0]["pull_request"]) == (0, None), seen.err


def test_what_a_bump_wrote_is_observed_for_its_environment(scene: Scene, observe: Callable[..., Observed]) -> None:
    place = scene.place
    (place.folder / "pipelinegen.yaml").write_text(
        "version: 1\nproject: shop\nmanifests:\n"
        f"  repository: {place.url}\n  forge: {place.kind}\n  forge-url: {place.service.stand_in.api}\n"
        "  environments:\n"
        "    staging: {paths: [apps/*/overlays/staging/**]}\n"
        "    production: {paths: [apps/*/overlays/production/**], observe: {timeout: 50s}}\n"
    )
    bumped = place.bump(f"{API}:1.1.0", "--env", "production")
    assert bumped.code == 0, bumped.err
    (place.folder / "bump.json").write_text(bumped.out)
    settings = {"from_document": "bump.json", "repo": None, "forge": None, "forge_url": None}

    def staging_first() -> None:
        scene.report("success", context="argocd/shop-staging")

    seen = observe(scene, [scene.merge, staging_first, lambda: scene.report("success")], **settings)
    assert (seen.code, seen.document["environment"]) == (0, "production"), seen.err
    assert [one["context"] for one in seen.document["observed"][0]["statuses"]] == [AGENT]
    scene.slept.clear()
    seen = observe(scene, **settings, env="staging", status=("nothing/*",))
    assert (seen.code, sum(scene.slept)) == (1, 600.0)
    seen = observe(scene, **settings, status=("nothing/*",))
    assert (seen.code, sum(scene.slept)) == (1, 650.0)
    assert "  | never seen: nothing/*" in seen.said


def test_nothing_delivered_is_nothing_to_observe(github: Scene, observe: Callable[..., Observed]) -> None:
    (github.place.folder / "bump.json").write_text('{"schema": "pipelinegen.bump/1", "result": "unchanged"}')
    seen = observe(github, from_document="bump.json")
    assert (seen.code, seen.document["result"]) == (0, "nothing")


def test_a_check_run_of_github_is_as_good_as_a_status(github: Scene, observe: Callable[..., Observed]) -> None:
    github.propose()
    merged = github.merge()
    checks = github.place.service.stand_in.checks  # type: ignore[union-attr]
    checks[merged] = [(AGENT, "in_progress", None)]

    def finish() -> None:
        checks[merged] = [(AGENT, "completed", "success")]

    seen = observe(github, [finish], pull_request=1)
    assert seen.code == 0, seen.err
    assert [line for line in seen.said if AGENT in line] == [
        f"{AGENT} is pending on {merged[:12]}: {AGENT} ran",
        f"{AGENT} is success on {merged[:12]}: {AGENT} ran",
    ]


def test_trouble_that_passes_is_told_and_waited_out(scene: Scene, observe: Callable[..., Observed]) -> None:
    scene.propose()
    scene.merge()
    scene.report("success")
    scene.place.service.stand_in.fail("status", path="/status", times=4, status=502)
    seen = observe(scene, pull_request=1)
    assert seen.code == 0, seen.err
    assert "the server answered 502, looking again" in seen.said


def test_trouble_that_stays_is_the_worlds(scene: Scene, observe: Callable[..., Observed]) -> None:
    scene.propose()
    scene.merge()
    scene.place.service.stand_in.fail("status", path="/status", times=-1, status=503)
    seen = observe(scene, pull_request=1, timeout="1m")
    assert (seen.code, seen.document["error"]["id"]) == (3, "server-refused")
    assert [line for line in seen.said if "looking again" in line] == ["the server answered 503, looking again"]


def test_without_git_the_merged_commit_alone_is_looked_at(github: Scene, observe: Callable[..., Observed]) -> None:
    github.propose()
    merged = github.merge()
    github.place.repository.commit("main", {"notes.txt": "x\n"}, "Something else")
    github.place.server.users = {}
    github.place.server.readers = {"nobody": "else"}
    seen = observe(github, [lambda: github.report("success", commit=merged)], pull_request=1)
    assert seen.code == 0, seen.err
    assert len([line for line in seen.said if "are not looked at" in line]) == 1


@pytest.mark.parametrize(
    ("options", "code", "id", "words"),
    [
        ({"branch": "nothing-of-that-name"}, 2, "no-match", "of the branch nothing-of-that-name"),
        ({"pull_request": 99}, 4, "scope-missing", "not there"),
        ({"pull_request": 1, "forge": "none"}, 2, "bad-config", "without a forge"),
        ({"pull_request": 1, "timeout": "soon"}, 2, "bad-config", "not a duration"),
        ({"pull_request": 1, "env": "prod"}, 2, "bad-config", "there is no pipelinegen.yaml here"),
        ({}, 2, "bad-config", "what to observe is not said"),
    ],
    ids=["no branch", "no number", "no forge", "no duration", "no environment", "nothing"],
)
def test_what_cannot_be_observed(
    github: Scene, observe: Callable[..., Observed], options: dict[str, Any], code: int, id: str, words: str
) -> None:
    github.propose()
    seen = observe(github, **options)
    assert (seen.code, seen.document["result"], seen.document["error"]["id"]) == (code, "error", id), seen.err
    assert words in seen.err
    assert github.slept == []


def test_a_commit_that_the_forge_does_not_know(github: Scene, observe: Callable[..., Observed]) -> None:
    no = {"message": "No commit found for SHA: 1111111", "documentation_url": "https://docs.github.com"}
    github.place.service.stand_in.fail("status", path="/status$", times=-1, status=422, body=no)
    seen = observe(github, commit="1" * 40)
    assert (seen.code, seen.document["error"]["id"]) == (2, "no-such-commit")


def test_several_deliveries_are_observed_in_turn_within_one_time(
    github: Scene, observe: Callable[..., Observed]
) -> None:
    github.propose()
    pushed = github.commit("1.1.0", "main", **{"x.yaml": "x\n"})
    deliveries = [{"how": "push", "commit": pushed}, {"how": "pull-request", "pull_request": {"number": 1}}]
    document = {"schema": "pipelinegen.bump/1", "deliveries": deliveries}
    (github.place.folder / "bump.json").write_text(json.dumps(document))
    seen = observe(github, [lambda: github.report("success", commit=pushed)], from_document="bump.json", timeout="30s")
    assert (seen.code, seen.document["result"]) == (1, "timed-out")
    assert [one["result"] for one in seen.document["observed"]] == ["healthy", "timed-out"]
    assert sum(github.slept) == 30.0


def test_the_command_line(github: Scene) -> None:
    github.propose()
    github.merge()
    github.report("success", "Synced")
    place = github.place
    done = place.run("observe", "--pull-request", "1", *place.place(), "--json")
    assert (done.code, done.document["result"]) == (0, "healthy"), done.err
    silent = place.run("observe", "--pull-request", "1", *place.place(), "--status", "x", "--timeout", "0s")
    assert (silent.code, silent.out) == (1, ""), silent.err
    assert CANARIES["github"] not in done.out + done.err + silent.err
