"""The only module that prints: results to standard output, everything for people to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

from pipelinegen.errors import PipelinegenError

T = TypeVar("T", bound=str)
# https://docs.github.com/actions/reference/limits: more than these of one step are dropped without a word.
MOST_ANNOTATIONS = 10
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
        self._lock: AbstractContextManager[Any] = nullcontext()
        self._passing = False
        self._annotations = 0

    def from_threads(self) -> None:
        """From here on several threads tell lines; each line stays whole."""
        import threading

        self._lock = threading.RLock()

    def result(self, lines: Iterable[str]) -> None:
        """The result itself (a diff, a file) on standard output; with --json only the document goes there."""
        if not self.json:
            self._write(sys.stdout, "".join(f"{line}\n" for line in lines))

    def diff(self, lines: Iterable[str]) -> None:
        """A unified diff on standard output, in colour on a terminal."""
        painted = self._colored(sys.stdout)
        self.result(_paint_diff(line) if painted else line for line in lines)

    @property
    def painted(self) -> bool:
        """Whether the result is shown in colour."""
        return self._colored(sys.stdout)

    def in_color(self, color: str, text: str) -> str:
        """A part of the result, in colour where the result is shown in colour."""
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self.painted else text

    def document(self, data: Mapping[str, Any]) -> None:
        """The one JSON document of --json."""
        if self.json:
            import json

            self._write(sys.stdout, json.dumps(data, indent=2, ensure_ascii=True) + "\n")

    @property
    def asks(self) -> bool:
        """Whether somebody sits there who can answer: both ends are a terminal."""
        return not self.json and sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str, default: str) -> str:
        """A person's answer; Enter takes the default."""
        import click

        return str(click.prompt(question, default=default, err=True))

    def ask_one(self, question: str, default: T, choices: tuple[T, ...]) -> T:
        """One of several words; asked again until it is one of them."""
        import click

        answer: T = click.prompt(question, default=default, type=click.Choice(list(choices)), err=True)
        return answer

    def say(self, text: str) -> None:
        """A line for people."""
        self._tell(_one_line(text))

    def _tell(self, text: str) -> None:
        """Lines of our own making, with colours."""
        if self.verbosity >= 0:
            self._write(sys.stderr, f"{text}\n")

    def detail(self, text: str) -> None:
        """A line for people who asked for detail."""
        if self.verbosity >= 1:
            self._write(sys.stderr, f"{self._paint('dim', _one_line(text))}\n")

    def progress(self, text: str) -> None:
        """What is being done right now: one passing line on a terminal, and elsewhere a detail."""
        if self.verbosity == 0 and sys.stderr.isatty():
            self._pass(_one_line(text))
        else:
            self.detail(text)

    def warn(self, text: str) -> None:
        """Something that a person should look at; told even when quiet."""
        self._write(sys.stderr, f"{self._paint('yellow', 'warning:')} {_one_line(text)}\n")
        self._annotate("warning", text)

    def error(self, error: PipelinegenError) -> None:
        """The message of a failure."""
        head, *rest = map(_one_line, error.lines())
        self._write(sys.stderr, "\n".join([f"{self._paint('red', 'error:')} {head}", *rest]) + "\n")
        told = any(line.startswith(f"{error.where}:") for line in error.details)
        for text in (*(() if told else (f"{error.where}: {error.what}",)), *error.details):
            self._annotate("error", text)

    def _annotate(self, level: str, text: str) -> None:
        """A line that begins with its place is shown at that place by GitHub, which shows ten of a step at most."""
        if self._annotations < MOST_ANNOTATIONS and os.environ.get("GITHUB_ACTIONS") == "true":
            line = annotation(level, text)
            if line is not None:
                self._annotations += 1
                self._write(sys.stderr, line + "\n")

    @contextmanager
    def fold(self, title: str, *, live: bool = True) -> Iterator[Callable[[str], None]]:
        """Lines that another program writes, under a title: a fold in a CI log, one passing line on a terminal.

        live: they are told as they come; otherwise when all are there, since folds of several threads do not mix.
        """
        mark = os.urandom(16).hex()
        begin = _fold_begin(title, mark) if self.verbosity >= 0 else ""
        lines: list[str] = []

        def tell(line: str) -> None:
            if live or not begin:
                self._other(title, line, folded=bool(begin))
            else:
                lines.append(f"{harmless(line)}\n")

        if begin and live:
            self._write(sys.stderr, begin)
        try:
            yield tell
        finally:
            if begin and (live or lines):
                self._write(sys.stderr, ("" if live else begin + "".join(lines)) + _fold_end(mark))

    def _other(self, title: str, line: str, *, folded: bool) -> None:
        if self.verbosity < 0:
            return
        text = harmless(line)
        if folded:
            self._write(sys.stderr, f"{text}\n")
        elif self.verbosity >= 1 or not sys.stderr.isatty():
            self._write(sys.stderr, f"{self._paint('dim', f'{title} | {text}')}\n")
        elif text.strip():
            self._pass(f"{title}: {text}")

    def _pass(self, text: str) -> None:
        """A line that the next one takes the place of."""
        width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        with self._lock:
            self._write(sys.stderr, f"{text.expandtabs()[: width - 1]}")
            self._passing = True

    def _paint(self, color: str, text: str) -> str:
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self._colored(sys.stderr) else text

    def _colored(self, stream: Any) -> bool:
        if self._color != "auto":
            return self._color == "always"
        return "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb" and bool(stream.isatty())

    def _write(self, stream: Any, text: str) -> None:
        data = self.mask(text).encode("utf-8", "surrogateescape")
        with self._lock:
            if self._passing and stream.isatty():
                data, self._passing = b"\r\x1b[K" + data, False
            stream.flush()
            stream.buffer.write(data)
            stream.buffer.flush()


def annotation(level: str, text: str) -> str | None:
    """`file:line:column: words` as a command to GitHub's runner; None where the text does not begin so."""
    import re

    found = re.match(r"(?P<file>[^:\s][^:]*):(?P<line>[0-9]+)(?::(?P<column>[0-9]+))?: (?P<words>.+)", text)
    if found is None:
        return None
    column = f",col={found['column']}" if found["column"] else ""
    file = _command_text(found["file"]).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} file={file},line={found['line']}{column}::{_command_text(_one_line(found['words']))}"


def _command_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def harmless(line: str) -> str:
    """Text of someone else's as it may stand in a log: without colours, other control characters by their numbers."""
    import re

    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)
    return "".join(char if char.isprintable() or char == "\t" else f"\\u{ord(char):04x}" for char in plain)


def _fold_begin(title: str, mark: str) -> str:
    """What begins a fold in the log of this CI system; empty where it has none."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        # What is inside is a stranger's, and the runner would obey lines like ::add-mask:: in it.
        return f"::group::{harmless(title)}\n::stop-commands::{mark}\n"
    return _gitlab_section("start", f"{mark}[collapsed=true]") + f"{harmless(title)}\n" if _in_gitlab() else ""


def _fold_end(mark: str) -> str:
    return _gitlab_section("end", mark) + "\n" if _in_gitlab() else f"::{mark}::\n::endgroup::\n"


def _in_gitlab() -> bool:
    return os.environ.get("GITLAB_CI") == "true"


def _gitlab_section(what: str, name: str) -> str:
    import time

    return f"\x1b[0Ksection_{what}:{int(time.time())}:pipelinegen_{name}\r\x1b[0K"


def _one_line(text: str) -> str:
    """The text with what is not printable as escapes.

    Names in a repository may hold line breaks, and what stands on a line of its own can be a command to the CI system.
    """
    if text.isprintable():
        return text
    from pipelinegen.markdown import visible

    return visible(text)


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
