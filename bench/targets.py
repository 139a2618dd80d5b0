"""The goals that the measurements are held beside: said as met or missed, never as a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.cases import FLOOR, FLOOR_IMPORTS, PYTHON, Case

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on `subject`: a ratio to `floor` in `metric`, or where there is no floor the peak memory in MB.

    It is judged where the tree has `files` files or more, and fewer than `below`.
    """

    id: str
    case: str
    metric: str
    subject: str
    floor: str | None
    bound: float
    files: int = 0
    below: int = 1 << 40

    @property
    def text(self) -> str:
        held = f"≤ {self.bound:.3g} × {self.floor}" if self.floor else f"≤ {self.bound:g} MB"
        return f"{self.subject}: {self.metric} {held}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A target with what was measured: by the medians, and by the minima, which noise moves less."""

    target: Target
    value: float
    least: float

    @property
    def met(self) -> bool:
        return self.value <= self.target.bound


TARGETS = (
    Target("T1 cpu", "version", "cpu", "--version", PYTHON, 2.0),
    Target("T1 wall", "version", "wall", "--version", PYTHON, 2.0),
    Target("issue 3, one file", "one-file", "cpu", "bump", PYTHON, 5.5),
    Target("T2", "one-file", "wall", "bump", PYTHON, 6.0),
    Target("issue 3, 10,000 files", "tree", "cpu", "bump", FLOOR, 1.3, 10_000, 100_000),
    Target("issue 3, 100,000 files", "tree", "cpu", "bump", FLOOR, 1.1, 100_000),
    Target("T3, 10,000 files", "tree", "wall", "bump", FLOOR_IMPORTS, 1.5, 10_000, 100_000),
    Target("T3, 100,000 files", "tree", "wall", "bump", FLOOR_IMPORTS, 1.2, 100_000),
    Target("T4", "tree", "cpu", "bump", "git grep + yq -i", 0.6, 10_000),
    Target("T5, 1,000 files", "tree", "cpu", "bump", "renovate, extract only", 1 / 30, 1_000, 10_000),
    Target("T5, 10,000 files", "tree", "cpu", "bump", "renovate, extract only", 1 / 60, 10_000),
    Target("T10", "tree", "peak", "bump", None, 40, 0, 100_000),
    Target("issue 3, memory", "tree", "peak", "bump", None, 80),
    Target("T11", "images", "cpu", "bump of 50 images", "bump of one image", 2.5),
    Target("issue 3, 200 images", "images", "cpu", "bump of 200 images", "bump of one image", 3.0),
)


def outcomes(cases: Sequence[Case], files: int) -> list[Outcome]:
    """Every target whose case was run and whose programs were there."""
    by_name = {case.name: case for case in cases}
    found = [
        _outcome(target, by_name[target.case])
        for target in TARGETS
        if target.case in by_name and target.files <= files < target.below
    ]
    return [outcome for outcome in found if outcome]


def _outcome(target: Target, case: Case) -> Outcome | None:
    subject = case.find(target.subject)
    floor = case.find(target.floor) if target.floor else None
    if subject is None or (target.floor and floor is None):
        return None
    if floor is None:
        return Outcome(target, subject.peak / MEGABYTE, subject.peak / MEGABYTE)
    metric = target.metric
    return Outcome(
        target, subject.median(metric) / floor.median(metric), subject.minimum(metric) / floor.minimum(metric)
    )
