"""The only module that prints: results to standard output, everything for people to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipelinegen.errors import PipelinegenError

_COLORS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "bold": 1, "dim": 2}


def _unmasked(text: str) -> str:
    return text


class Report:
    """Where a command tells what it does. verbosity: -1 quiet, 0 normal, 1 and more for detail."""

    def __init__(self, *, json: bool = False, color: str = "auto", verbosity: int = 0) -> None:
        self.json = json
        self.verbosity = verbosity
        self.mask: Callable[[str], str] = _unmasked
        self._color = color

    def result(self, lines: Iterable[str]) -> None:
        """The result itself (a diff, a file) on standard output; with --json only the document goes there."""
        if not self.json:
            self._write(sys.stdout, "".join(f"{line}\n" for line in lines))

    def diff(self, lines: Iterable[str]) -> None:
        """A unified diff on standard output, in colour on a terminal."""
        painted = self._colored(sys.stdout)
        self.result(_paint_diff(line) if painted else line for line in lines)

    def document(self, data: Mapping[str, Any]) -> None:
        """The one JSON document of --json."""
        if self.json:
            import json

            self._write(sys.stdout, json.dumps(data, indent=2, ensure_ascii=True) + "\n")

    def say(self, text: str) -> None:
        """A line for people."""
        if self.verbosity >= 0:
            self._write(sys.stderr, f"{text}\n")

    def detail(self, text: str) -> None:
        """A line for people who asked for detail."""
        if self.verbosity >= 1:
            self._write(sys.stderr, f"{self._paint('dim', text)}\n")

    def warn(self, text: str) -> None:
        """Something that a person should look at; told even when quiet."""
        self._write(sys.stderr, f"{self._paint('yellow', 'warning:')} {text}\n")

    def error(self, error: PipelinegenError) -> None:
        """The message of a failure."""
        head, *rest = error.lines()
        self._write(sys.stderr, "\n".join([f"{self._paint('red', 'error:')} {head}", *rest]) + "\n")

    def _paint(self, color: str, text: str) -> str:
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self._colored(sys.stderr) else text

    def _colored(self, stream: Any) -> bool:
        if self._color != "auto":
            return self._color == "always"
        return "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb" and bool(stream.isatty())

    def _write(self, stream: Any, text: str) -> None:
        data = self.mask(text).encode("utf-8", "surrogateescape")
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()


def _paint_diff(line: str) -> str:
    if line.startswith(("---", "+++")):
        color = "bold"
    elif line.startswith("@@"):
        color = "cyan"
    elif line.startswith("-"):
        color = "red"
    elif line.startswith("+"):
        color = "green"
    else:
        return line
    return f"\x1b[{_COLORS[color]}m{line}\x1b[0m"
