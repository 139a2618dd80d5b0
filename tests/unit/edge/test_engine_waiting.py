"""A command under a waiting shell: its outputs whole, its exit code its own, whatever shell the image has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.engines.programs import Programs
from pipelinegen.edge.engines.waiting import has_no_shell, new_mark, waiting, was_refused
from pipelinegen.edge.process import Completed
from pipelinegen.errors import WorldError

SHELLS = {"sh": ["/bin/sh"], "dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}
# A relay that hands on what a program writes, and is ended with it, whatever it holds by then: buildah's in short.
RELAY = """\
import os, signal, subprocess, sys, threading, time
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
def relay(source, target):
    while block := os.read(source.fileno(), 8192):
        time.sleep(0.5)
        os.write(target, block)
for source, target in ((child.stdout, 1), (child.stderr, 2)):
    threading.Thread(target=relay, args=(source, target), daemon=True).start()
os._exit(child.wait())
"""


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> list[str]:
    words = SHELLS[request.param]
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    return words


@pytest.fixture
def programs() -> Iterator[Programs]:
    made = Programs(None)
    yield made
    made.end()
    made.remove_folders()


def run(programs: Programs, shell: list[str], *argv: str, before: tuple[str, ...] = ()) -> Completed:
    mark = new_mark()
    words = [*before, *shell, *waiting(mark, argv)[1:]]
    return programs.capture_marked(words, f"{mark}\n".encode(), env=programs.environment(), timeout=20)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo out; echo err >&2; exit 3", (3, b"out\n", b"err\n")),
        ("printf 'no line end'; printf x >&2", (0, b"no line end", b"x")),
        ("exit 127", (127, b"", b"")),
        ("kill -9 $$", (137, b"", b"")),
        ("cat; echo read", (0, b"read\n", b"")),
        ("echo pipelinegen-shell: no >&2", (0, b"", b"pipelinegen-shell: no\n")),
    ],
)
def test_outputs_and_exit_code_are_the_commands_own(
    programs: Programs, shell: list[str], script: str, expected: tuple[int, bytes, bytes]
) -> None:
    done = run(programs, shell, "/bin/sh", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == expected
    assert not was_refused(done.returncode, done.stderr)


def test_words_reach_the_command_as_they_are(programs: Programs, shell: list[str]) -> None:
    words = ["a b", "", "$HOME", "*", "-n", "'", "line\nbreak"]
    done = run(programs, shell, "printf", "<%s>", *words)
    assert done.stdout.decode() == "".join(f"<{word}>" for word in words)


def test_it_is_a_program_and_no_word_of_the_shell(programs: Programs, shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "read").write_text("#!/bin/sh\necho the program\n")
    (tmp_path / "read").chmod(0o755)
    assert run(programs, ["env", f"PATH={tmp_path}:{os.environ['PATH']}", *shell], "read").stdout == b"the program\n"


def test_what_a_command_leaves_behind_in_the_background_does_not_hold_it_up(
    programs: Programs, shell: list[str]
) -> None:
    done = run(programs, shell, "/bin/sh", "-c", "sleep 1 & echo here")
    assert (done.returncode, done.stdout) == (0, b"here\n")


def test_a_program_that_cannot_be_started_is_told_from_one_that_exits_so(
    programs: Programs, shell: list[str], tmp_path: Path
) -> None:
    (tmp_path / "plain").write_text("no program")
    for name in ("no-such-program", str(tmp_path / "none"), str(tmp_path / "plain"), str(tmp_path)):
        done = run(programs, shell, name)
        assert was_refused(done.returncode, done.stderr), done
        assert name in done.stderr.decode()


def test_a_relay_that_ends_with_the_program_loses_nothing(programs: Programs) -> None:
    python = shutil.which("python3") or "python3"
    script = "echo out; echo err >&2; exit 4"
    lost = programs.capture([python, "-c", RELAY, "sh", "-c", script], env=programs.environment(), timeout=20)
    assert (lost.returncode, lost.stdout) == (4, b"")
    done = run(programs, ["sh"], "sh", "-c", script, before=(python, "-c", RELAY))
    assert (done.returncode, done.stdout, done.stderr) == (4, b"out\n", b"err\n")


def test_much_output_is_not_searched_again_and_again(programs: Programs) -> None:
    done = run(programs, ["sh"], "head", "-c", "20000000", "/dev/zero")
    assert len(done.stdout) == 20_000_000


def test_the_time_out_ends_it_and_leaves_no_descriptor(programs: Programs) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    mark = new_mark()
    with pytest.raises(WorldError) as told:
        programs.capture_marked(waiting(mark, ["sleep", "100"]), mark.encode(), env=programs.environment(), timeout=0.2)
    assert told.value.id == "timeout"
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize(
    ("said", "none"),
    [
        (b"process failed to start with error: fork/exec /bin/sh: no such file or directoryprocess exited", True),
        (b'process failed to start with error: exec: "/bin/sh": stat /bin/sh: no such file or directory', True),
        (b"process failed to start with error: fork/exec /srv/app: no such file or directory", False),
        (b"/bin/sh: no such file or directory", False),
        (b"", False),
    ],
)
def test_an_image_without_a_shell_is_known_by_buildahs_words(said: bytes, none: bool) -> None:
    assert has_no_shell(said) is none
