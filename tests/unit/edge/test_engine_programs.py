from __future__ import annotations

import gc
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.engines import programs as module
from pipelinegen.edge.engines.programs import Programs
from pipelinegen.errors import WorldError

ENV = {"PATH": os.environ["PATH"]}


@pytest.fixture
def programs() -> Iterator[Programs]:
    made = Programs(ENV, ("ENGINE_HOST",))
    yield made
    made.end()
    made.remove_folders()


def wait_for(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not done():
        assert time.monotonic() < until
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_only_listed_variables_reach_a_program() -> None:
    environ = {**ENV, "ENGINE_HOST": "x", "GITHUB_TOKEN": "secret", "NPM": "n", "https_proxy": "p"}
    env = Programs(environ, ("ENGINE_HOST",)).environment("NPM", MORE="m")
    assert env == {**ENV, "ENGINE_HOST": "x", "NPM": "n", "https_proxy": "p", "MORE": "m"}


def test_output_is_captured_and_lines_are_handed_on(programs: Programs, tmp_path: Path) -> None:
    done = programs.capture(["sh", "-c", "pwd; echo err >&2; exit 3"], env=ENV, timeout=30, cwd=tmp_path)
    assert done == (3, f"{tmp_path.resolve()}\n".encode(), b"err\n")
    lines: list[str] = []
    script = "printf 'a\\r\\n\\303\\251\\377\\nlast'; exit 4"
    assert programs.stream(["sh", "-c", script], lines.append, env=ENV, timeout=30) == 4
    assert lines == ["a", "é\ufffd", "last"]


@pytest.mark.parametrize("kind", ["folder", "scratch"])
def test_our_folders_are_made_when_they_are_needed_and_removed(programs: Programs, kind: str) -> None:
    make = getattr(programs, kind)
    folder = make()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert make() == folder
    programs.remove_folders()
    assert not folder.exists()


def test_the_folders_of_an_engine_that_was_forgotten_are_removed_too() -> None:
    forgotten = Programs(ENV)
    folder = forgotten.folder()
    (folder / "file").touch()
    del forgotten
    gc.collect()
    assert not folder.exists()


def test_the_end_ends_what_runs_in_another_thread(programs: Programs, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    raised: list[WorldError] = []

    def work() -> None:
        try:
            programs.capture(["sh", "-c", f"echo $$ > {note}; exec sleep 100"], env=ENV, timeout=100)
        except WorldError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_for(lambda: note.exists() and note.read_text().endswith("\n"))
    programs.end()
    thread.join(30)
    assert [error.id for error in raised] == ["engine-closed"]
    assert not alive(int(note.read_text()))


def test_one_that_ignores_the_polite_signal_is_killed(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    note = tmp_path / "pid"
    script = f"trap '' TERM; echo $$ > {note}; while :; do sleep 0.1; done"
    follower = programs.follow(["sh", "-c", script], env=ENV)
    wait_for(lambda: note.exists() and note.read_text().endswith("\n"))
    follower.terminate(0.2)
    assert follower.exit_code() == -signal.SIGKILL
    assert not alive(int(note.read_text()))


def test_nothing_runs_after_the_end(programs: Programs) -> None:
    programs.end()
    for run in (
        lambda: programs.capture(["true"], env=ENV, timeout=1),
        lambda: programs.stream(["true"], print, env=ENV, timeout=1),
        lambda: programs.follow(["true"], env=ENV),
    ):
        with pytest.raises(WorldError) as told:
            run()
        assert told.value.id == "engine-closed"


def test_a_followed_program_tells_what_it_writes_and_how_it_ends(programs: Programs, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    script = f"echo one; echo two >&2; while [ ! -e {gate} ]; do sleep 0.02; done; echo three; exit 5"
    follower = programs.follow(["sh", "-c", script], env=ENV)
    wait_for(lambda: b"one" in follower.output() and b"two" in follower.output())
    assert follower.exit_code() is None
    gate.touch()
    assert follower.wait(30) == 5
    assert follower.output().endswith(b"three\n")


def test_of_a_long_log_the_end_is_kept(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_LIMIT", 1000)
    follower = programs.follow(["sh", "-c", "yes x | head -c 300000; echo end"], env=ENV)
    assert follower.wait(30) == 0
    assert len(follower.output()) == 1000
    assert follower.output().endswith(b"x\nend\n")


def test_no_descriptor_and_no_thread_is_left(programs: Programs) -> None:
    def state() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    before = state()
    for _ in range(5):
        programs.follow(["true"], env=ENV).wait(30)
        programs.capture(["true"], env=ENV, timeout=30)
    with pytest.raises(WorldError, match="not installed"):
        programs.follow(["no-such-program"], env=ENV)
    assert state() == before
