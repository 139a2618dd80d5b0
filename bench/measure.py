"""Measurements of programs: CPU and wall time and peak memory with all children, many contenders in turn."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bench.check import Verdict

Environment = dict[str, str]


class Sample(NamedTuple):
    """One run: seconds of wall and of CPU (user and system, with children), bytes of the largest process."""

    wall: float
    cpu: float
    peak: int


class Failed(Exception):
    """A contender that ended with another exit code than 0; the text is its last words."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A program to be measured. `after` judges what it did and restores what it wrote, outside the measured time."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    after: Callable[[], Verdict | None] | None = None


@dataclass(slots=True)
class Series:
    """The samples of one contender in one case."""

    name: str
    samples: list[Sample] = field(default_factory=list)
    verdict: Verdict | None = None
    failure: str | None = None

    def median(self, metric: str) -> float:
        return float(statistics.median(getattr(sample, metric) for sample in self.samples))

    def minimum(self, metric: str) -> float:
        return float(min(getattr(sample, metric) for sample in self.samples))

    @property
    def peak(self) -> int:
        return max(sample.peak for sample in self.samples)


class Launcher:
    """The process that starts what is measured (see bench.launcher)."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, environment: Environment) -> None:
        self._process = process
        self._stderr = folder / "stderr"
        self._environment = environment

    def run(self, argv: Sequence[str], cwd: Path) -> Sample:
        """Run and measure. Raises Failed on an exit code other than 0."""
        request = {"argv": list(argv), "cwd": str(cwd), "env": self._environment, "stdout": os.devnull}
        answer = self._ask({**request, "stderr": str(self._stderr)})
        if answer["code"]:
            words = self._stderr.read_text(encoding="utf-8", errors="replace")
            for folder in (f"{cwd}/", f"{Path(argv[0]).parent}/"):
                words = words.replace(folder, "")
            raise Failed(f"exit {answer['code']}: {' / '.join(words.splitlines()[-3:])[-300:] or 'no words'}")
        return Sample(answer["wall"], answer["cpu"], answer["peak"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("the launcher has no pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def end_on_signals() -> None:
    """Let SIGTERM unwind the stack: the trees are large and lie in memory, so they must not stay behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@contextmanager
def launcher(environment: Environment) -> Iterator[Launcher]:
    script = Path(__file__).with_name("launcher.py")
    argv = [sys.executable, "-I", "-S", str(script)]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
    ):
        yield Launcher(process, Path(folder), environment)


def interleave(runner: Launcher, contenders: Sequence[Contender], runs: int) -> list[Series]:
    """One unmeasured round to warm caches, then `runs` rounds: A B C, A B C. Who fails is left out from then on."""
    series = [Series(contender.name) for contender in contenders]
    for number in range(runs + 1):
        for contender, result in zip(contenders, series, strict=True):
            if result.failure is None:
                _run(runner, contender, result, measured=number > 0)
    return series


def _run(runner: Launcher, contender: Contender, result: Series, *, measured: bool) -> None:
    try:
        sample = runner.run(contender.argv, contender.cwd)
    except Failed as failure:
        result.failure = str(failure)
        sample = None
    verdict = contender.after() if contender.after else None
    if sample is None:
        return
    if measured:
        result.samples.append(sample)
    if verdict and (result.verdict is None or not verdict.exact):
        result.verdict = verdict


def total(name: str, parts: Sequence[Series]) -> Series:
    """The sum of several series, round by round: a floor that is made of more than one program."""
    rounds = zip(*(part.samples for part in parts), strict=True)
    samples = [Sample(sum(s.wall for s in one), sum(s.cpu for s in one), max(s.peak for s in one)) for one in rounds]
    failure = next((part.failure for part in parts if part.failure), None)
    return Series(name, samples, failure=failure)
