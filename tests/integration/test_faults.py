"""Faults at every step of a delivery: each run ends as it must, the next one finishes it, and one more does nothing.

A chosen set by default; with PIPELINEGEN_HEAVY=1 every fault at every step on both forges.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pipelinegen.edge import http
from tests.support import canary
from tests.support.faults import API, DEADLINE_SECONDS, FORGE_STEPS, GIT_STEPS, STAGING, Scene, Steps, Waits, run_here
from tests.support.forges.service import KINDS
from tests.support.githttp import GitServer
from tests.support.world import world

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
    monkeypatch.setattr(http, "READ_SECONDS", 1.0)


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
