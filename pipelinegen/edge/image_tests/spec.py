"""What a test of an image is and what it gives: cases, and the report of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["command", "file-existence", "file-content", "metadata", "http", "log", "host"]


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
