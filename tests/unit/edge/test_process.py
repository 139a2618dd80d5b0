"""Programs are run with what is named and nothing else, to their end or ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelinegen.edge import process
from pipelinegen.edge.process import Child, Completed, Interrupted, capture, environment, shown, stream
from pipelinegen.errors import InputError, WorldError

BIG = 3 * 1024 * 1024


def sh(script: str, *args: str, **options: object) -> Completed:
    return capture(["sh", "-c", script, "sh", *args], **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_both_outputs_and_the_exit_code_come_back() -> None:
    assert sh("echo out; echo err >&2; exit 3") == Completed(3, b"out\n", b"err\n")


def test_a_program_ended_by_a_signal_has_a_negative_code() -> None:
    assert sh("kill -9 $$").returncode == -9


def test_much_on_both_outputs_at_once_does_not_lock_up() -> None:
    done = sh(f"head -c {BIG} /dev/zero >&2; head -c {BIG} /dev/zero")
    assert (len(done.stdout), len(done.stderr)) == (BIG, BIG)


def test_much_input_goes_in_while_output_comes_out() -> None:
    data = os.urandom(BIG)
    assert capture(["cat"], stdin=data).stdout == data


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(BIG)], ids=["empty", "little", "much"])
def test_a_program_that_does_not_read_its_input_is_no_failure(data: bytes) -> None:
    assert capture(["true"], stdin=data).returncode == 0


def test_without_input_the_program_finds_nothing_rather_than_our_terminal() -> None:
    assert sh("cat; echo $?").stdout == b"0\n"


@pytest.mark.parametrize("where", ["", "with blank", "-n", "$(touch x)", "ä\n"], ids=ascii)
def test_a_program_runs_in_the_folder_that_is_given(tmp_path: Path, where: str) -> None:
    folder = tmp_path / where
    folder.mkdir(exist_ok=True)
    done = capture([sys.executable, "-I", "-c", "import os; print(ascii(os.getcwd()))"], cwd=str(folder))
    assert done.stdout.decode().strip() == ascii(str(folder))
    assert sorted(os.listdir(folder)) == []


def test_words_reach_the_program_untouched(tmp_path: Path) -> None:
    words = ["", " ", "$HOME", "`id`", "a\nb", "-x", "ü", "\udcff"]
    for cwd in (None, str(tmp_path)):
        done = capture([sys.executable, "-I", "-c", "import sys; print(ascii(sys.argv[1:]))", *words], cwd=cwd)
        assert done.stdout.decode().strip() == ascii(words)


def test_the_program_sees_only_the_listed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_SSH_COMMAND", "PIPELINEGEN_TOKEN", "LD_PRELOAD", "BASH_ENV", "https_proxy"):
        monkeypatch.setenv(name, "/nowhere")
    seen = dict(line.split("=", 1) for line in capture(["env"]).stdout.decode().splitlines())
    assert set(seen) <= set(process.BASE_VARIABLES) | {"PWD", "_", "SHLVL"}
    assert environment("https_proxy", LC_ALL="C")["https_proxy"] == "/nowhere"


def test_no_descriptor_of_ours_is_left_or_inherited() -> None:
    before = os.listdir("/proc/self/fd")
    inherited: list[bytes] = []
    for _ in range(20):
        inherited = sh("ls /proc/$$/fd").stdout.split()
    with pytest.raises(WorldError):
        capture(["no-such-program"])
    assert os.listdir("/proc/self/fd") == before
    # dash may hold its script on descriptor 10; anything that we have opened since the start would show here.
    assert {int(number) for number in inherited} <= {0, 1, 2, 3, 10} | {int(number) for number in before}


def test_a_missing_program_is_told_in_a_sentence() -> None:
    with pytest.raises(WorldError, match=r"the program 'no-such' is not installed or not on PATH") as told:
        capture(["no-such"])
    assert told.value.id == "program-missing"
    with pytest.raises(WorldError) as told:
        capture(["git", "status"], env={"PATH": "/nowhere"})
    assert told.value.id == "git-missing"


def test_a_program_in_the_current_folder_is_not_found_by_an_empty_path_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "git"
    trap.write_text("#!/bin/sh\necho trapped\n")
    trap.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for path in ("", ":", "."):
        with pytest.raises(WorldError, match="not on PATH"):
            capture(["git"], env={"PATH": path})


@pytest.mark.parametrize(
    ("argv", "kind", "id"),
    [
        (["/etc/passwd"], WorldError, "program-missing"),
        (["echo", "a\0b"], InputError, "bad-path"),
    ],
)
def test_what_cannot_be_started_is_an_error_of_ours(argv: list[str], kind: type[Exception], id: str) -> None:
    with pytest.raises(kind) as told:
        capture(argv)
    assert getattr(told.value, "id", "") == id


def test_a_folder_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        capture(["true"], cwd=str(tmp_path / "gone"))


def test_a_time_out_ends_the_program_and_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(WorldError, match="did not finish in time") as told:
        sh(f"sleep 100 & echo $! > {note}; wait", timeout=0.3)
    assert told.value.id == "timeout"
    assert not alive(int(note.read_text()))


def test_a_program_that_ignores_the_polite_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERMINATION_GRACE", 0.1)
    started = time.monotonic()
    with pytest.raises(WorldError, match="did not finish in time"):
        sh("trap '' TERM; echo ready; while :; do sleep 0.1; done", timeout=0.3)
    assert time.monotonic() - started < 30


def test_a_program_that_closes_its_outputs_and_stays_is_ended_at_the_time_out() -> None:
    with pytest.raises(WorldError, match="did not finish in time"):
        sh("exec >&- 2>&-; sleep 100", timeout=0.3)


def test_too_much_output_ends_the_program() -> None:
    with pytest.raises(WorldError, match="yes wrote more than 1 MiB") as told:
        capture(["yes"], limit=1024 * 1024)
    assert told.value.id == "output-too-big"


def test_a_file_beyond_the_limit_is_not_written(tmp_path: Path) -> None:
    big = tmp_path / "big"
    done = sh(f"head -c 100000 /dev/zero > {big}", largest_file=4096)
    assert done.returncode != 0
    assert big.stat().st_size <= 4096
    (tmp_path / "ours").write_bytes(b"x" * 100_000)


def test_a_descriptor_is_handed_on_under_its_number() -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"secret\n")
        assert sh('read -r line <&9; echo "$line"', descriptors={9: reader}).stdout == b"secret\n"
    finally:
        os.close(reader)
        os.close(writer)


def test_lines_are_handed_on_as_they_are_written() -> None:
    seen: list[bytes] = []
    assert stream(["sh", "-c", "printf 'a\\r\\nb\\n\\nlast'; echo err >&2; exit 4"], seen.append) == 4
    assert [line for line in seen if line != b"err"] == [b"a", b"b", b"", b"last"]
    assert b"err" in seen


def test_a_running_program_is_talked_to_and_ended() -> None:
    with Child() as cat:
        cat.start(["cat"], stdin=True, stderr=False)
        os.write(cat.stdin, b"hello")
        assert os.read(cat.stdout, 100) == b"hello"
        pid = cat.pid
    assert not alive(pid)


@pytest.mark.parametrize(
    ("argv", "secrets", "text"),
    [
        (["git", "log", "a b"], (), "git log 'a b'"),
        (["curl", "-u", "me:hunter22"], ("hunter22",), "curl -u me:***"),
        (["x", "it's me"], ("it's me",), "x ***"),
        (["x", ""], ("",), "x ''"),
    ],
)
def test_a_command_is_shown_without_secrets(argv: list[str], secrets: tuple[str, ...], text: str) -> None:
    assert shown(argv, secrets) == text


@pytest.mark.parametrize("closed", ["0", "0 1 2", "1 2"], ids=lambda numbers: f"closed {numbers}")
def test_closed_standard_descriptors_do_no_harm(tmp_path: Path, closed: str) -> None:
    result = tmp_path / "result"
    script = f"""
        from pipelinegen.edge.process import capture
        done = capture(["sh", "-c", "cat; echo out; echo err >&2"], stdin=b"in ")
        open({str(result)!r}, "w").write(repr(tuple(done)))
    """
    closing = " ".join(f"{number}>&-" for number in closed.split()).replace("0>&-", "0<&-")
    argv = ["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-c", textwrap.dedent(script)]
    subprocess.run(argv, check=True, cwd=Path(process.__file__).parents[2])
    assert result.read_text() == repr((0, b"in out\n", b"err\n"))


INTERRUPTED = """
    import os, sys
    from pipelinegen.edge.process import Interrupted, capture, raise_on_signals
    raise_on_signals()
    try:
        # More than a pipe holds: when the note is there, the program is being listened to.
        script = "head -c 300000 /dev/zero; echo $$ >> $0; sleep {sleep}; echo done >> $0"
        capture(["sh", "-c", script, sys.argv[1]], grace={grace})
    except Interrupted as stop:
        print(stop.exit_code)
        raise SystemExit(stop.exit_code)
"""


@pytest.mark.parametrize(
    ("signum", "sleep", "grace", "finished"),
    [
        (signal.SIGTERM, 100, 0, False),
        (signal.SIGINT, 100, 0, False),
        (signal.SIGTERM, 100, 0.2, False),
        (signal.SIGTERM, 2, 60, True),
    ],
    ids=["terminated", "interrupted", "grace runs out", "finished within the grace"],
)
def test_a_signal_ends_the_program_after_its_grace(
    tmp_path: Path, signum: signal.Signals, sleep: float, grace: float, finished: bool
) -> None:
    note = tmp_path / "note"
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(INTERRUPTED.format(sleep=sleep, grace=grace)))
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(Path(process.__file__).parents[2])}
    with subprocess.Popen([sys.executable, str(script), str(note)], stdout=subprocess.PIPE, env=environment) as ours:
        deadline = time.monotonic() + 30
        while not note.exists() or not note.read_text().endswith("\n"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        ours.send_signal(signum)
        out, _ = ours.communicate(timeout=30)
    assert ours.returncode == 128 + signum == int(out)
    pid, *rest = note.read_text().split()
    assert rest == (["done"] if finished else [])
    assert not alive(int(pid))


STARTING = """
    import os, signal, sys
    from pipelinegen.edge import process, spawn
    process.raise_on_signals()
    start = spawn._posix_spawn

    def interrupted(*args):
        pid = start(*args)
        print(pid, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
        return pid

    spawn._posix_spawn = interrupted
    before = os.listdir("/proc/self/fd")
    try:
        process.capture(["sleep", "100"])
    except process.Interrupted as stop:
        assert os.listdir("/proc/self/fd") == before
        raise SystemExit(stop.exit_code)
"""


def test_a_signal_at_the_very_start_of_a_program_ends_it_too() -> None:
    argv = [sys.executable, "-c", textwrap.dedent(STARTING)]
    done = subprocess.run(argv, capture_output=True, check=False, cwd=Path(process.__file__).parents[2])
    assert done.returncode == 143, done.stderr
    assert not alive(int(done.stdout))


HOLDING = """
    import os, signal, sys, threading
    from pipelinegen.edge.process import Interrupted, raise_on_signals, signals_held
    raise_on_signals()
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    try:
        with signals_held():
            with signals_held():
                os.kill(os.getpid(), signal.SIGTERM)
                print("one")
            for _ in range(100):
                os.getpid()
            print("two")
        print("never")
    except Interrupted as stop:
        raise SystemExit(stop.exit_code)
"""


def test_a_signal_waits_for_the_end_of_what_must_not_be_cut() -> None:
    argv = [sys.executable, "-c", textwrap.dedent(HOLDING)]
    done = subprocess.run(argv, capture_output=True, check=False, cwd=Path(process.__file__).parents[2])
    assert (done.returncode, done.stdout) == (143, b"one\ntwo\n"), done.stderr


TWICE = """
    import os, signal
    from pipelinegen.edge.process import Interrupted, raise_on_signals
    raise_on_signals()
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except Interrupted as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        print("cleaned up")
        raise SystemExit(stop.exit_code)
"""


def test_a_second_signal_does_not_cut_the_clean_up() -> None:
    argv = [sys.executable, "-c", textwrap.dedent(TWICE)]
    done = subprocess.run(argv, capture_output=True, check=False, cwd=Path(process.__file__).parents[2])
    assert (done.returncode, done.stdout) == (130, b"cleaned up\n"), done.stderr


ELSEWHERE = """
    import os, signal, threading
    from pipelinegen.edge.process import Interrupted, raise_on_signals, signals_held
    raise_on_signals()
    holding, done = threading.Event(), threading.Event()

    def hold():
        with signals_held():
            holding.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        done.wait(60)
    except Interrupted as stop:
        done.set()
        thread.join()
        raise SystemExit(stop.exit_code)
"""


def test_what_another_thread_does_holds_no_signal_back() -> None:
    argv = [sys.executable, "-c", textwrap.dedent(ELSEWHERE)]
    done = subprocess.run(argv, capture_output=True, check=False, cwd=Path(process.__file__).parents[2])
    assert (done.returncode, done.stderr) == (130, b"")


def test_an_interruption_knows_its_exit_code() -> None:
    assert (Interrupted().exit_code, Interrupted(signal.SIGTERM).exit_code) == (130, 143)
    assert isinstance(Interrupted(), KeyboardInterrupt)


def test_the_quick_path_does_without_heavy_modules() -> None:
    script = "import sys, pipelinegen.edge.process; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=True).stdout.split()
    assert not {b"subprocess", b"selectors", b"shlex", b"tempfile", b"random", b"asyncio", b"threading"} & set(loaded)
