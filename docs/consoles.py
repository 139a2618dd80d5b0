"""The command lines that the documents show: run in the demo's repositories, one terminal for each document."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipelinegen.commands.demo.repositories import APPLICATION, make_repositories

ROOT = Path(__file__).parent.parent
# "```console" is run; "```console network" needs the world and is not.
_FENCE = re.compile(r"(?ms)^```console\n(.*?)^```$")
_PROMPT = "$ "


class Line(NamedTuple):
    """A command line and what it wrote to its terminal."""

    command: str
    output: str


def documents() -> list[str]:
    """The documents that may show command lines, as paths from the root."""
    names = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in names)


def lines_of(text: str) -> list[Line]:
    """The command lines of a document, with the output that it shows."""
    return [line for fence in _FENCE.finditer(text) for line in _lines(fence.group(1))]


def _lines(block: str) -> Iterator[Line]:
    for part in filter(None, re.split(r"(?m)^(?=\$ )", block)):
        command, _, output = part.partition("\n")
        if not command.startswith(_PROMPT):
            raise ValueError(f"a console block starts with a prompt, not with {command!r}")
        yield Line(command.removeprefix(_PROMPT), output)


def run_again(text: str) -> str:
    """The document with the output that its command lines have now, run one after the other in one terminal."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = _Terminal(os.path.realpath(folder))
        return _FENCE.sub(lambda fence: "```console\n" + terminal.block(fence.group(1)) + "```", text)


class _Terminal:
    """A shell in the demo's application repository; a folder and the last exit code are all that it remembers."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.code = 0
        make_repositories(home)
        self.folder = os.path.join(home, APPLICATION)
        programs = os.path.join(home, ".bin")
        os.mkdir(programs)
        ours = Path(programs, "pipelinegen")
        ours.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pipelinegen "$@"\n', encoding="utf-8")
        ours.chmod(0o700)
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": home,
            "TMPDIR": home,
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "100",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def block(self, block: str) -> str:
        return "".join(f"{_PROMPT}{line.command}\n{self.output(line.command)}" for line in _lines(block))

    def output(self, command: str) -> str:
        folder, words = self.folder, shlex.split(command)
        if words[0] == "cd":
            self.folder = os.path.join(self.folder, words[1])
            return ""
        if words[0] == "make":
            # What it does is done by CI; that there is such a target is seen here.
            folder, command = str(ROOT), f"make --dry-run {shlex.join(words[1:])} >/dev/null"
        done = subprocess.run(
            ["/bin/sh", "-c", f"(exit {self.code})\n{command}"],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.code = done.returncode
        return done.stdout.decode().replace(self.home, "/home/you")
