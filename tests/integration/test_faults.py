"""Faults at every step of a delivery: each run ends as it must, the next one finishes it, and one more does nothing.

A chosen set by default; with PIPELINEGEN_HEAVY=1 every fault at every step on both forges.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipelinegen.branches import branch_name
from pipelinegen.commands.delivering import OURS
from pipelinegen.edge import http
from tests.support import canary
from tests.support.faults import (
    API,
    DEADLINE_SECONDS,
    FORGE_STEPS,
    GIT_STEPS,
    STAGING,
    Scene,
    Steps,
    Waits,
    When,
    run_here,
)
from tests.support.forges import github, gitlab
from tests.support.forges.server import Request
from tests.support.forges.service import KINDS
from tests.support.githttp import GitServer, push
from tests.support.repos import Upstream
from tests.support.world import FILES, USERS, world

HEAVY = os.environ.get("PIPELINEGEN_HEAVY") == "1"
STEPS = (*GIT_STEPS, *FORGE_STEPS)
TRANSIENT = ("500", "502", "503", "reset", "reset-after", "truncate", "hang")
FINAL = ("401", "403", "404", "redirect")
# The steps before anybody can see anything of ours.
UNSEEN = ("refs", "fetch", "push-refs", "look")
# An answer that is lost after a push or after a pull request was opened: what is there is found by reading.
FOUND_BY_READING = {(step, fault) for step in ("push", "open") for fault in ("reset-after", "truncate")}
LOST_LABELS = {("labels", fault) for fault in ("reset-after", "truncate")}


class Cell(NamedTuple):
    """One fault at one step: for its first request only, or for ever."""

    kind: str
    step: str
    fault: str
    lasts: bool

    def __str__(self) -> str:
        return f"{self.kind}-{self.step}-{self.fault}-{'for-ever' if self.lasts else 'once'}"

    @property
    def code(self) -> int:
        if self.step == "labels" and self.fault in ("403", "404"):
            return 0  # a wish that is refused is a warning
        if self.fault in ("401", "403", "404"):
            return 4
        if self.fault == "redirect":
            return 3
        if not self.lasts or (self.step, self.fault) in FOUND_BY_READING:
            return 0
        if self.kind == "github" and (self.step, self.fault) in LOST_LABELS:
            return 0
        return 3

    @property
    def ids(self) -> frozenset[str]:
        if self.code == 4:
            return frozenset({"bad-token"} if self.fault == "401" else {"scope-missing"})
        if self.fault == "redirect":
            return frozenset({"redirected"})
        return frozenset({"timeout"} if self.fault == "hang" else {"net", "server-refused"})


def _all() -> Iterator[Cell]:
    for kind in KINDS:
        for step in STEPS:
            for fault in TRANSIENT:
                yield Cell(kind, step, fault, lasts=False)
                yield Cell(kind, step, fault, lasts=True)
            for fault in FINAL:
                yield Cell(kind, step, fault, lasts=True)


def _chosen() -> Iterator[Cell]:
    """For each step: one fault that heals, one that lasts, one that is final; the forges and faults take turns."""
    for place, step in enumerate(STEPS):
        one, other = KINDS[place % 2], KINDS[(place + 1) % 2]
        yield Cell(one, step, TRANSIENT[place % len(TRANSIENT)], lasts=False)
        yield Cell(other, step, TRANSIENT[(place + 3) % (len(TRANSIENT) - 1)], lasts=True)
        yield Cell(one, step, FINAL[place % len(FINAL)], lasts=True)
    for kind, step, fault, lasts in (
        ("github", "push", "reset-after", False),
        ("gitlab", "push", "reset", False),
        ("gitlab", "open", "reset-after", True),
        ("github", "open", "truncate", False),
        ("github", "fetch", "hang", False),
        ("github", "open", "403", True),
        ("gitlab", "labels", "403", True),
        ("github", "refs", "redirect", True),
    ):
        yield Cell(kind, step, fault, lasts)


CELLS = list(_all() if HEAVY else dict.fromkeys(_chosen()))


@pytest.fixture(autouse=True)
def _short_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.Session, "read_seconds", 1.0)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_fault_ends_as_it_must_and_the_next_run_finishes(cell: Cell, tmp_path: Path) -> None:
    with world(cell.kind, tmp_path) as place, GitServer(tmp_path / "elsewhere") as elsewhere:
        scene = Scene.of(place, tmp_path)
        if cell.step == "update":
            scene.check(run_here(place, f"{API}:1.1.0"), code=0)
        asked = (f"{API}:1.2.0", "--label", "deploy")
        steps, waits, started = Steps(place), Waits(), time.monotonic()
        steps.fail(cell.step, cell.fault, times=-1 if cell.lasts else 1, elsewhere=elsewhere.origin)

        ran = run_here(place, *asked, waits=waits)
        scene.check(ran, code=cell.code, ids=cell.ids)
        assert waits.seconds + time.monotonic() - started < DEADLINE_SECONDS
        assert waits.seconds == 0 or cell.fault in TRANSIENT, "what cannot heal was tried again"
        assert not elsewhere.requests
        if cell.code:
            _check_state(scene, cell, ran.document["error"]["state"] or "")
        elif cell.fault in FINAL:
            assert "warning: " in ran.err

        steps.heal()
        again = run_here(place, *asked)
        scene.check(again, code=0)
        branch = again.document["delivery"]["branch"]
        assert "newTag: 1.2.0" in place.repository.read(branch, STAGING)
        assert place.repository.ahead("main", branch) == 1
        assert [one.labels for one in place.service.open_ones()] == [["deploy"]]
        if cell.code and cell.step in (*FORGE_STEPS[1:], "verify"):
            assert "pushed" not in again.err, "what was pushed is not pushed again"

        before = scene.writes()
        scene.check(run_here(place, *asked), code=0)
        assert scene.writes() == before, "a run with nothing to do wrote something"


def _check_state(scene: Scene, cell: Cell, state: str) -> None:
    """What the message says was left behind is what is there."""
    branches = [name for name in scene.world.repository.branches() if name != "main"]
    pulls = scene.world.service.open_ones()
    assert len(branches) <= 1
    if cell.step in UNSEEN:
        assert (branches, pulls) == ([], [])
        assert state == "nothing was pushed" or "is as it was" in state
    elif cell.step == "push":
        assert branches == []
        assert "is as it was" in state
    elif cell.step == "verify":
        assert "may or may not be" in state
    elif cell.step in ("find", "open"):
        assert pulls == []
        assert f"{branches[0]} is pushed at" in state
        assert "without a" in state
    else:
        assert f"{branches[0]} is pushed at" in state
        assert "without a" not in state
        assert "/1 is open" in state
    assert not canary.found(state)


def in_turns(*steps: str) -> pytest.MarkDecorator:
    """Each step on one of the forges, which take turns; with PIPELINEGEN_HEAVY=1 each step on both."""
    pairs = [(kind, step) for place, step in enumerate(steps) for kind in (KINDS if HEAVY else (KINDS[place % 2],))]
    return pytest.mark.parametrize(("scene", "step"), pairs, indirect=["scene"])


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with world(request.param, tmp_path) as place:
        yield Scene.of(place, tmp_path)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Scene]:
    """For what does not depend on the forge."""
    with world("github", tmp_path) as place:
        yield Scene.of(place, tmp_path)


def bumped(scene: Scene, tag: str = "1.1.0", *options: str) -> str:
    """A bump that went well, and its branch."""
    ran = run_here(scene.world, f"{API}:{tag}", *options)
    scene.check(ran, code=0)
    return str(ran.document["delivery"]["branch"])


def test_a_token_that_dies_after_the_push_leaves_the_branch_and_a_new_one_goes_on_from_there(scene: Scene) -> None:
    tokens: dict[str, Any] = scene.world.service.stand_in.tokens
    alive = dict(tokens)
    Steps(scene.world).before("find", tokens.clear)
    ran = run_here(scene.world, f"{API}:1.1.0")
    scene.check(ran, code=4, ids=frozenset({"bad-token", "expired"}))
    branch = next(name for name in scene.world.repository.branches() if name != "main")
    assert f"{branch} is pushed at" in ran.err
    assert not scene.world.service.all()

    tokens.update(alive)
    pushes = scene.world.server.count(push)
    assert bumped(scene) == branch
    assert scene.world.server.count(push) == pushes
    assert len(scene.world.service.open_ones()) == 1


@pytest.mark.parametrize("deliver", ["push", "pull-request"])
def test_a_rule_of_the_servers_is_exit_4_in_its_own_words_and_nothing_is_half_done(plain: Scene, deliver: str) -> None:
    hook = plain.world.repository.path / "hooks" / "pre-receive"
    halves = f"'{canary.FORGE[:9]}''{canary.FORGE[9:]}'"
    hook.write_text(f"#!/bin/sh\necho 'GH013: only on weekdays, not with' {halves} >&2\nexit 1\n")
    hook.chmod(0o755)
    ran = run_here(plain.world, f"{API}:1.1.0", "--deliver", deliver)
    plain.check(ran, code=4, ids=frozenset({"protected"}))
    assert "  | remote: GH013: only on weekdays, not with ***" in ran.err
    assert list(plain.world.repository.branches()) == ["main"]
    assert not plain.world.service.all()


def test_a_branch_below_the_name_of_ours_is_exit_2(plain: Scene) -> None:
    branch = branch_name(None, "api", [API])
    plain.stranger(f"{branch}/x", {"notes": "mine\n"})
    ran = run_here(plain.world, f"{API}:1.1.0")
    plain.check(ran, code=2, ids=frozenset({"bad-branch"}))
    assert f"{branch}/x" in ran.err


@pytest.mark.parametrize("words", [("--deliver", "push"), ("--dry-run",)])
def test_a_push_needs_to_know_no_forge(plain: Scene, words: tuple[str, ...]) -> None:
    """Only who keeps pull requests is asked for; any git server takes a push."""
    ran = plain.world.run("bump", f"{API}:1.1.0", "--repo", plain.world.url, "--no-verify-image", *words)
    assert ran.code == 0, ran.err
    proposed = plain.world.run("bump", f"{API}:1.2.0", "--repo", plain.world.url, "--no-verify-image")
    assert proposed.code == 2
    assert "--forge" in proposed.err


def test_a_base_branch_that_is_not_there_is_exit_2_with_those_that_are(plain: Scene) -> None:
    plain.stranger("release-1", {"apps/a.yaml": f"image: {API}:1.0.0\n"})
    ran = run_here(plain.world, f"{API}:1.1.0", "--base", "release-2")
    plain.check(ran, code=2, ids=frozenset({"bad-branch"}))
    assert "release-1" in ran.err


@pytest.mark.parametrize(("deliver", "step"), [("push", "push-refs"), ("pull-request", "find")])
def test_a_base_branch_that_is_deleted_meanwhile_is_exit_2(scene: Scene, deliver: str, step: str) -> None:
    repository = scene.world.repository
    repository.move("release-1", repository.tip("main") or "")
    Steps(scene.world).before(step, lambda: repository.delete("release-1"))
    ran = run_here(scene.world, f"{API}:1.1.0", "--base", "release-1", "--deliver", deliver)
    scene.check(ran, code=2, ids=frozenset({"bad-branch"}))
    assert repository.tip("release-1") is None
    assert not scene.world.service.all()


@in_turns("fetch", "push-refs", "find")
def test_a_base_branch_that_moves_meanwhile_is_not_overwritten(scene: Scene, step: str) -> None:
    Steps(scene.world).before(step, lambda: scene.stranger("main", {"apps/other.yaml": "a: 1\n"}))
    branch = bumped(scene)
    again = bumped(scene)
    assert branch == again
    assert len(scene.world.service.open_ones()) == 1


@pytest.mark.parametrize("step", ["look", "push-refs", "find"])
def test_what_is_merged_meanwhile_is_not_born_again(scene: Scene, step: str) -> None:
    bumped(scene)
    merged = scene.world.service.stand_in.merge_by_hand

    def merge() -> None:
        scene.base = merged(1)

    Steps(scene.world).before(step, merge)
    ran = run_here(scene.world, f"{API}:1.1.0")
    if step == "look":  # the same content: nothing is pushed, so that no other step comes
        scene.check(ran, code=0)
        assert ran.document["delivery"]["pull_request"]["state"] == "merged"
    else:
        scene.check(ran, code=0)
        scene.base = merged(1) if scene.world.service.open_ones() else scene.base
    scene.check(run_here(scene.world, f"{API}:1.1.0"), code=0)
    assert not scene.world.service.open_ones()


@in_turns("look", "push-refs", "find")
def test_a_newer_tag_beside_a_merge_is_proposed_so_that_it_can_be_merged(scene: Scene, step: str) -> None:
    bumped(scene)

    def merge() -> None:
        scene.base = scene.world.service.stand_in.merge_by_hand(1)

    Steps(scene.world).before(step, merge)
    scene.check(run_here(scene.world, f"{API}:1.2.0"), code=0)
    assert len(scene.world.service.open_ones()) == 1
    scene.base = scene.world.service.stand_in.merge_by_hand(2)
    assert "newTag: 1.2.0" in scene.world.repository.read("main", STAGING)


def test_a_pull_request_that_fell_into_conflict_is_made_anew(scene: Scene) -> None:
    branch = bumped(scene, "1.2.0")
    by_hand = {path: text.replace("1.0.0", "1.1.0") for path, text in FILES.items()}
    scene.stranger("main", by_hand, "Somebody bumps by hand")
    assert bumped(scene, "1.2.0") == branch
    before = scene.writes()
    bumped(scene, "1.2.0")
    assert scene.writes() == before
    scene.base = scene.world.service.stand_in.merge_by_hand(1)
    assert "newTag: 1.2.0" in scene.world.repository.read("main", STAGING)


@in_turns("look", "push-refs", "find")
def test_closed_by_a_person_meanwhile_is_that_persons_word_for_that_content(scene: Scene, step: str) -> None:
    bumped(scene)
    Steps(scene.world).before(step, lambda: scene.world.service.stand_in.close_by_hand(1))
    ran = run_here(scene.world, f"{API}:1.2.0")
    scene.check(ran, code=0)
    assert ran.document["delivery"]["pull_request"]["state"] == "opened", "what is newer is another content"
    scene.world.service.stand_in.close_by_hand(2)
    again = run_here(scene.world, f"{API}:1.2.0")
    scene.check(again, code=0)
    assert again.document["delivery"]["pull_request"]["state"] == "closed"
    assert not scene.world.service.open_ones()
    assert "--reopen" in again.err


@in_turns("look", "push-refs")
def test_a_branch_that_is_deleted_meanwhile_is_made_again(scene: Scene, step: str) -> None:
    branch = bumped(scene)
    Steps(scene.world).before(step, lambda: scene.world.repository.delete(branch))
    assert bumped(scene, "1.2.0") == branch
    assert "newTag: 1.2.0" in scene.world.repository.read(branch, STAGING)
    assert len(scene.world.service.open_ones()) == 1


@in_turns("fetch", "look", "push-refs", "push")
def test_a_persons_commit_that_comes_meanwhile_is_not_overwritten(scene: Scene, step: str) -> None:
    branch = bumped(scene)
    Steps(scene.world).before(step, lambda: scene.stranger(branch, {"notes": "careful\n"}))
    ran = run_here(scene.world, f"{API}:1.2.0")
    scene.check(ran, code=1, ids=frozenset({"human-commits-on-branch"}))
    assert scene.world.repository.tip(branch) == scene.foreign[-1]


def test_a_branch_with_a_persons_commit_stays_when_nothing_of_ours_is_left_to_propose(scene: Scene) -> None:
    branch = bumped(scene)
    scene.stranger(branch, {"notes": "careful\n"})
    files = scene.world.repository
    texts = {path: files.read(branch, path) for path in FILES}
    scene.stranger("main", texts, "The same by hand")
    ran = run_here(scene.world, f"{API}:1.1.0")
    scene.check(ran, code=0)
    assert ran.document["result"] == "unchanged"
    assert files.tip(branch) == scene.foreign[1], "the branch with a person's commit was deleted"
    assert len(scene.world.service.open_ones()) == 1, "the pull request with a person's commit was closed"
    assert "A Person" in ran.err or "Person <person@example.invalid>" in ran.err


def test_a_pull_request_that_somebody_else_opens_first_is_taken(scene: Scene) -> None:
    stand_in: Any = scene.world.service.stand_in

    def other() -> None:
        branch = next(name for name in scene.world.repository.branches() if name != "main")
        if scene.world.kind == "github":
            stand_in.pulls.append(github.Pull(1, branch, "main", "Mine", "by hand", "ada"))
        else:
            stand_in.merges.append(gitlab.Merge(1, branch, "main", "Mine", "by hand", "ada"))

    Steps(scene.world).before("open", other)
    bumped(scene)
    assert len(scene.world.service.all()) == 1
    before = scene.writes()
    bumped(scene)
    bumped(scene)
    assert scene.writes() <= before + 1, "its text is set at most once"


MUTATIONS = ("repository(", "updateRefs", "createCommitOnBranch")
ANSWERS = (
    *((fault, 1, 0) for fault in ("500", "reset", "reset-after", "truncate")),
    *((fault, -1, 3) for fault in ("503", "reset")),
    *((fault, -1, 4) for fault in ("401", "403")),
)


@pytest.mark.parametrize(
    ("mutation", "fault", "times", "code"),
    [
        (mutation, *answer)
        for place, mutation in enumerate(MUTATIONS)
        for turn, answer in enumerate(ANSWERS)
        if HEAVY or turn % len(MUTATIONS) == place or answer[0] == "reset-after"
    ],
)
def test_a_commit_that_the_forge_is_to_make(plain: Scene, mutation: str, fault: str, times: int, code: int) -> None:
    """With the token of an App, GitHub makes the commit and signs it: another way to the same end."""
    token = "ghs_" + canary.FORGE
    tokens: dict[str, Any] = plain.world.service.stand_in.tokens
    tokens[token] = github.Token("deployer[bot]")
    plain.world.server.users = {USERS["github"]: token}
    plain.world.environment["PIPELINEGEN_TOKEN"] = token

    def asks(request: Request) -> bool:
        return request.path.endswith("/graphql") and mutation in request.json()["query"]

    kind, status = ("status", int(fault)) if fault.isdigit() else ({"reset": "reset-before"}.get(fault, fault), 0)
    planned = When(kind=kind, status=status, body={"message": "fault"}, times=times, fits=asks)
    plain.world.service.stand_in.faults.append(planned)
    ran = run_here(plain.world, f"{API}:1.1.0")
    plain.check(ran, code=code)
    if code:
        assert not plain.world.service.all()
    Steps(plain.world).heal()
    again = run_here(plain.world, f"{API}:1.1.0")
    plain.check(again, code=0)
    branch = again.document["delivery"]["branch"]
    assert list(plain.world.repository.branches("pipelinegen-")) == [branch]
    assert plain.world.repository.ahead("main", branch) == 1
    assert plain.world.server.count(push) == 0
    before = plain.writes()
    plain.check(run_here(plain.world, f"{API}:1.1.0"), code=0)
    written = plain.world.service.stand_in.lines("PATCH", "PUT", "DELETE")
    assert (plain.writes(), written) == (before, [])
    newer = run_here(plain.world, f"{API}:1.2.0")
    plain.check(newer, code=0)
    assert newer.document["delivery"]["pull_request"]["state"] == "updated"


def another_run(scene: Scene, branch: str, number: int, tag: str, *, moves: bool) -> None:
    """What a run of ours for another tag does at the same moment: the branch, if it is the later one, and the text."""
    stand_in: Any = scene.world.service.stand_in
    if moves:
        message = f"Bump\n\nPipelinegen-Image: {API}:{tag}\nPipelinegen-Key: {'ab' * 32}\n"
        files = {STAGING: FILES[STAGING].replace("1.0.0", tag)}
        Upstream(scene.world.repository.path).commit(
            files, branch=branch, message=message, author=OURS, parent=scene.world.repository.tip("main")
        )
    text = f"theirs\n\n<!-- pipelinegen key={'ab' * 32} content={'cd' * 32} -->"
    if scene.world.kind == "github":
        pulls = stand_in.pulls
        pulls[number - 1 :] = [github.Pull(number, branch, "main", f"Bump to {tag}", text, "deployer")]
    else:
        merges = stand_in.merges
        merges[number - 1 :] = [gitlab.Merge(number, branch, "main", f"Bump to {tag}", text, "deployer")]


@pytest.mark.parametrize("step", ["find", "open"])
@pytest.mark.parametrize("moves", [True, False], ids=["a later run", "an earlier run"])
def test_the_text_of_a_pull_request_is_that_of_the_run_whose_commit_stands(
    scene: Scene, step: str, moves: bool
) -> None:
    branch = branch_name(None, "api", [API])
    if step == "find":
        bumped(scene, "1.1.0")
    tag = "1.3.0" if moves else "1.1.0"
    Steps(scene.world).before(step, lambda: another_run(scene, branch, 1, tag, moves=moves))
    ran = run_here(scene.world, f"{API}:1.2.0")
    scene.check(ran, code=0)
    assert f"newTag: {'1.3.0' if moves else '1.2.0'}" in scene.world.repository.read(branch, STAGING)
    (one,) = scene.world.service.open_ones()
    assert ("1.3.0" if moves else "1.2.0") in one.title
    assert len(scene.world.service.all()) == 1


@pytest.mark.parametrize(
    ("status", "headers", "least", "code"),
    [
        pytest.param(429, {"Retry-After": "7"}, 7, 0, id="retry-after"),
        pytest.param(429, {}, 60, 0, id="429-without"),
        pytest.param(403, {"Retry-After": "7"}, 7, 0, id="secondary"),
        pytest.param(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, 1, 0, id="reset-in-the-past"),
        pytest.param(429, {"Retry-After": "3600"}, 0, 3, id="an-hour"),
    ],
)
def test_a_rate_limit_is_waited_for_as_told_or_its_end_is_said(
    plain: Scene, status: int, headers: dict[str, str], least: float, code: int
) -> None:
    waits = Waits()
    limited = When(kind="status", status=status, headers=headers, body={"message": "rate limit exceeded"})
    plain.world.service.stand_in.faults.append(limited)
    ran = run_here(plain.world, f"{API}:1.1.0", waits=waits)
    plain.check(ran, code=code, ids=frozenset({"rate-limited"}))
    assert waits.seconds >= least
    if code:
        assert ran.document["error"]["retry_at"]
        assert "try again after" in ran.err


def test_no_folder_for_temporary_files_is_exit_3_and_nothing_is_visible(plain: Scene) -> None:
    ran = run_here(plain.world, f"{API}:1.1.0", TMPDIR=str(plain.temporary / "missing"))
    plain.check(ran, code=3, ids=frozenset({"disk"}))
    assert not plain.world.server.requests


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_a_bare_environment_gives_the_same_result(plain: Scene, closed: str) -> None:
    """No HOME, another language, no umask, closed standard streams: as cron and odd runners start programs."""
    words = ["bump", f"{API}:1.1.0", *plain.world.place(), "--no-verify-image"]
    shell = f'umask 000; cd "$1" && shift && exec "$@" {closed}'
    variables = {name: value for name, value in plain.world.variables().items() if name != "HOME"}
    done = subprocess.run(
        ["sh", "-c", shell, "sh", str(plain.world.folder), sys.executable, "-m", "pipelinegen", *words],
        env={**variables, "LANG": "tr_TR.UTF-8"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(plain.world.service.open_ones()) == 1
    plain.check(run_here(plain.world, f"{API}:1.1.0"), code=0)
