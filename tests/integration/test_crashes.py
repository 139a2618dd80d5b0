"""A delivery that is killed or interrupted at any step: the same command again converges, and one more does nothing."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import canary
from tests.support.faults import API, FORGE_STEPS, GIT_STEPS, STAGING, Scene, Steps, run_here
from tests.support.forges.service import KINDS
from tests.support.githttp import wait_until
from tests.support.world import Ran, world

HEAVY = os.environ.get("PIPELINEGEN_HEAVY") == "1"
# git's own work on our copy: the search of the plan, and the commit.
LOCAL_STEPS = {"plan": "grep", "objects": "fast-import"}
STEPS = ("refs", "fetch", "plan", "look", "objects", "push-refs", "push", "verify", "find", "open", "labels")
# git asks for the server's refs and pushes in one go, which it may finish even when we are gone.
BEFORE_PUSH = STEPS[: STEPS.index("push-refs")]
CODES = {"SIGKILL": -9, "SIGTERM": 143, "SIGINT": 130}
ASKED = (f"{API}:1.1.0", "--label", "deploy")


class Cell(NamedTuple):
    """One signal at one step; `lost`: what was asked of the server at that moment has no effect."""

    kind: str
    step: str
    name: str
    lost: bool = False

    def __str__(self) -> str:
        return f"{self.kind}-{self.step}-{self.name}{'-without-effect' if self.lost else ''}"


def _cells() -> Iterator[Cell]:
    for place, step in enumerate(STEPS):
        for turn, name in enumerate(CODES):
            for kind in KINDS if HEAVY else (KINDS[(place + turn) % 2],):
                if HEAVY or name == "SIGKILL" or turn == 1 + place % 2:
                    yield Cell(kind, step, name)
    for step in ("push", "open"):
        for name in CODES if HEAVY else ("SIGKILL",):
            yield Cell("github", step, name, lost=True)


@pytest.mark.parametrize("cell", list(_cells()), ids=str)
def test_the_same_command_again_converges(cell: Cell, tmp_path: Path) -> None:
    with world(cell.kind, tmp_path) as place:
        scene = Scene.of(place, tmp_path)
        ran = _stopped(scene, cell)
        assert ran.code == CODES[cell.name], ran.err
        assert "Traceback" not in ran.err
        _check_left(scene, cell, ran)

        again = run_here(place, *ASKED)
        scene.check(again, code=0)
        branch = again.document["delivery"]["branch"]
        assert place.repository.branches("pipelinegen-") == {branch: place.repository.tip(branch)}
        assert place.repository.ahead("main", branch) == 1
        assert "newTag: 1.1.0" in place.repository.read(branch, STAGING)
        assert [one.labels for one in place.service.all()] == [["deploy"]]
        before = scene.writes()
        scene.check(run_here(place, *ASKED), code=0)
        assert scene.writes() == before


def _stopped(scene: Scene, cell: Cell) -> Ran:
    """A run that gets the signal at its step."""
    process_ids: queue.Queue[int] = queue.Queue()

    def stop() -> None:
        os.kill(process_ids.get(timeout=30), signal.Signals[cell.name])

    steps = Steps(scene.world)
    variables = {}
    if cell.step in LOCAL_STEPS:
        variables["PATH"] = _killing_git(scene.home.parent / "bin", LOCAL_STEPS[cell.step], cell.name)
    else:
        steps.before(cell.step, stop)
    if cell.lost:
        steps.fail(cell.step, "reset")
    words = ["bump", *ASKED, *scene.world.place(), "--no-verify-image"]
    with scene.world.start(*words, **variables) as process:
        process_ids.put(process.pid)
        out, err = process.communicate(timeout=60)
    wait_until(lambda: not _running(scene.temporary), 10.0 if cell.name == "SIGKILL" else 0.0)
    steps.heal()
    return Ran(process.returncode, out.decode(), err.decode())


def _killing_git(folder: Path, command: str, name: str) -> str:
    """A PATH on which git sends the signal to whoever runs this command of it, and then does it."""
    folder.mkdir()
    path = os.environ["PATH"]
    script = folder / "git"
    script.write_text(
        "#!/bin/sh\n"
        f'case " $* " in *" {command} "*) kill -{name.removeprefix("SIG")} "$PPID" ;; esac\n'
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    script.chmod(0o755)
    return f"{folder}:{path}"


def _check_left(scene: Scene, cell: Cell, ran: Ran) -> None:
    """No file that holds the token; where it could clean up, no file at all. The base is as it was."""
    assert not scene.leaks(ran)
    left = list(scene.temporary.iterdir())
    if cell.name == "SIGKILL":
        for folder in left:
            shutil.rmtree(folder)
    else:
        assert left == []
    repository = scene.world.repository
    assert repository.tip("main") == scene.base
    branches = repository.branches("pipelinegen-")
    pulls = scene.world.service.all()
    if cell.step in BEFORE_PUSH or (cell.step, cell.lost) == ("push", True):
        assert (branches, pulls) == ({}, [])
    assert len(branches) <= 1
    assert len(pulls) <= 1
    if cell.name != "SIGKILL" and cell.step in ("push", "find", "open", "labels") and not cell.lost:
        assert f"pushed at {next(iter(branches.values()))[:12]}" in ran.err
        assert ("/1 is open" in ran.err) == (cell.step == "labels")


def _running(temporary: Path) -> list[str]:
    """The processes that were started with this folder for temporary files."""
    mark = os.fsencode(f"TMPDIR={temporary}")
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            variables = Path(f"/proc/{name}/environ").read_bytes()
            state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark in variables.split(b"\0") and state != "Z":
            found.append(Path(f"/proc/{name}/cmdline").read_text().replace("\0", " "))
    return found


@pytest.mark.parametrize("step", ["fetch", "push", "find"])
def test_a_second_signal_changes_nothing(step: str, tmp_path: Path) -> None:
    """What CI systems do: SIGINT, then SIGTERM while we still clean up."""
    with world("github", tmp_path) as place:
        scene = Scene.of(place, tmp_path)
        process_ids: queue.Queue[int] = queue.Queue()

        def stop() -> None:
            process = process_ids.get(timeout=30)
            os.kill(process, signal.SIGINT)
            for _ in range(20):
                time.sleep(0.02)
                os.kill(process, signal.SIGTERM)

        steps = Steps(place)
        steps.before(step, stop)
        with place.start("bump", *ASKED, *place.place(), "--no-verify-image") as process:
            process_ids.put(process.pid)
            out, err = process.communicate(timeout=60)
        assert process.returncode in (130, 143), err
        assert b"Traceback" not in err
        wait_until(lambda: not _running(scene.temporary), 0.0)
        assert list(scene.temporary.iterdir()) == []
        assert not canary.found(out + err)
        steps.heal()
        scene.check(run_here(place, *ASKED), code=0)
        assert len(place.service.open_ones()) == 1


def test_the_steps_are_those_of_the_faults() -> None:
    assert set(STEPS) - set(LOCAL_STEPS) == {*GIT_STEPS, *FORGE_STEPS} - {"update"}
