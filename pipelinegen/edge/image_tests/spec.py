"""What a test of an image is and what it gives: cases, and the report of one image."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from pipelinegen.errors import PipelinegenError
from pipelinegen.images.regex import BadRegex, compile_go

Kind = Literal["command", "file-existence", "file-content", "metadata", "http", "log", "host"]
SHOWN = 4000


class Case(NamedTuple):
    """One test of one image. `message`: why it has not passed, one fact a line; `output`: what was seen (a log)."""

    name: str
    kind: Kind
    passed: bool
    seconds: float
    message: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class TestReport:
    """All tests of one image, in the order of the configuration."""

    __test__: ClassVar[bool] = False  # its name begins as pytest's own classes do

    image: str
    platform: str | None
    cases: tuple[Case, ...]

    @property
    def passed(self) -> bool:
        return all(case.passed for case in self.cases)

    @property
    def failures(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if not case.passed)

    @property
    def seconds(self) -> float:
        return sum(case.seconds for case in self.cases)


class Found(NamedTuple):
    """What a test has found: no problems mean that it has passed."""

    problems: Sequence[str] = ()
    output: str = ""


def judge(name: str, kind: Kind, test: Callable[[], Found]) -> Case:
    """Run one test. One that cannot run has not passed, with the reason; an interruption is no matter of its own."""
    started = time.monotonic()
    try:
        found = test()
    except PipelinegenError as error:
        # The command of a container is long, and no news to the person who wrote the test.
        first = error.what if error.where is None or " " in error.where else error.lines()[0]
        tail = [f"next: {error.next}"] if error.next else []
        found = Found([f"it cannot run: {first}", *error.details, *tail])
    seconds = time.monotonic() - started
    return Case(name, kind, not found.problems, seconds, "\n".join(found.problems), found.output)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of Go's is found in a text; what is no pattern, which only a label's value can be, never is."""
    try:
        return compile_go(pattern).search(text) is not None
    except BadRegex:
        return False


def check_text(expected: Sequence[str], excluded: Sequence[str], text: str, where: str) -> list[str]:
    """The patterns that are not found though they are expected, and those that are though they are not."""
    problems = []
    for pattern, wanted in (*((each, True) for each in expected), *((each, False) for each in excluded)):
        if matches(pattern, text) != wanted:
            found = "is not found" if wanted else "is found"
            problems.append(f"{pattern!r} {found} in {where}, which is {shortened(text)!r}")
    return problems


def shortened(text: str, length: int = 300) -> str:
    return text if len(text) <= length else f"{text[: length // 2]}…{text[-length // 2 :]}"


def last(data: bytes, length: int = SHOWN) -> str:
    """The end of what a program wrote, as text."""
    text = data[-4 * length :].decode("utf-8", "replace")
    return text if len(text) <= length else f"…{text[-length:]}"
