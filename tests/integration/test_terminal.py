"""Manners on a terminal: progress that passes, colour that can be refused, suggestions, completion in a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.world import World, world

PROGRAM = f'#!/bin/sh\nexec "{sys.executable}" -m pipelinegen "$@"\n'


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "pipelinegen").write_text(PROGRAM)
    (folder / "pipelinegen").chmod(0o700)
    return folder


def on_a_terminal(place: World, *words: str, **variables: str) -> str:
    """What a person sees, standard output and error on one terminal."""
    leader, follower = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pipelinegen", *words],
        cwd=place.folder,
        env={**place.variables(), "TERM": "xterm", **variables},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        said = b""
        while block := _read(leader):
            said += block
    os.close(leader)
    assert process.returncode == 0, said
    return said.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # EIO: nobody holds the other end any more
        return b""


def test_a_delivery_shows_what_it_is_doing_and_leaves_only_what_it_did(tmp_path: Path) -> None:
    with world("github", tmp_path) as place:
        words = ("bump", "ghcr.io/acme/web:2.0.0", "--no-verify-image", *place.place())
        shown = on_a_terminal(place, *words, NO_COLOR="1")
        elsewhere = place.run("bump", "ghcr.io/acme/web:3.0.0", "--no-verify-image", *place.place())
    assert f"fetching {place.url}" in shown
    assert f"\r\x1b[Kpushing to {place.url}\r\x1b[Kpushed " in shown.replace(f"fetching {place.url}", "")
    assert "\x1b[3" not in shown, "a colour, though none is wanted"
    assert "\x1b" not in elsewhere.out + elsewhere.err
    assert "fetching" not in elsewhere.err


@pytest.mark.parametrize(
    ("words", "variables", "colored"),
    [
        pytest.param((), {}, True, id="terminal"),
        pytest.param((), {"NO_COLOR": "1"}, False, id="NO_COLOR"),
        pytest.param((), {"TERM": "dumb"}, False, id="dumb"),
        pytest.param(("--color", "never"), {}, False, id="never"),
    ],
)
def test_a_diff_is_in_colour_where_it_is_wanted(
    words: tuple[str, ...], variables: dict[str, str], colored: bool, tmp_path: Path
) -> None:
    with world("github", tmp_path) as place:
        (place.folder / "app.yaml").write_text("image: ghcr.io/acme/api:1.0.0\n")
        subprocess.run(["git", "init", "--quiet"], cwd=place.folder, check=True)
        subprocess.run(["git", "add", "app.yaml"], cwd=place.folder, check=True)
        shown = on_a_terminal(place, "bump", "ghcr.io/acme/api:1.1.0", "--dry-run", *words, **variables)
    assert ("\x1b[32m+image: ghcr.io/acme/api:1.1.0\x1b[0m" in shown) is colored
    assert ("\x1b[3" in shown) is colored


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        pytest.param(["bmup"], "Did you mean 'bump'?", id="command"),
        pytest.param(["bump", "a/b:1", "--drry-run"], "Did you mean '--dry-run'?", id="option"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_what_was_meant(words: list[str], suggestion: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelinegen", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert suggestion in done.stderr
    assert not done.stdout


# The shells' own words for "complete this line": fish has a command for it, the others are called as they call us.
BASH = """\
set -eu
source <(pipelinegen completion bash)
complete -p pipelinegen >/dev/null
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_pipelinegen_completion pipelinegen
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """\
compdef() {{ whose=$2 }}
compadd() {{ print -l -- $completions }}
_describe() {{ print -l -- ${{completions_with_descriptions%%:*}} }}
source <(pipelinegen completion zsh)
[[ $whose = pipelinegen ]] || exit 9
words=({words})
CURRENT=$#words
_pipelinegen_completion
"""
FISH = """\
pipelinegen completion fish | source
complete --do-complete "{words}" | string split --fields 1 \\t
true
"""
SHELLS = {"bash": (BASH, ("--norc", "-c")), "zsh": (ZSH, ("-f", "-c")), "fish": (FISH, ("--no-config", "-c"))}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        pytest.param("pipelinegen pro", ["promote"], id="command"),
        pytest.param("pipelinegen bump --dry", ["--dry-run"], id="option"),
        pytest.param("pipelinegen bump --deliver pu", ["pull-request", "push"], id="value"),
    ],
)
def test_a_shell_completes(shell: str, words: str, completed: list[str], programs: Path, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script, options = SHELLS[shell]
    done = subprocess.run(
        [program, *options, script.format(words=words)],
        env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == completed
