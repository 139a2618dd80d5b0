"""The report of bench.remote: time, traffic and damage of each way at each size, beside its targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.measure import Series
from bench.report import Machine, milliseconds, table

CLONE = "clone, git grep + sed, commit, push"
BARE = "bare fetch, git grep HEAD, fast-import, push"
TREELESS = "trees of one path, fast-import, push"
BUMP, BUMP_PATH = "bump", "bump --path"
HEAD = ("", "files", "wall ms", "min", "cpu ms", "min", "requests", "KB down", "peak MB", "lines")
GOALS = ("target", "files", "measured", "")


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of doing it at one size; the traffic is the median of the runs, as the server counted it."""

    files: int
    series: Series
    requests: int
    received: int

    @property
    def ok(self) -> bool:
        return bool(self.series.samples) and not self.series.failure


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound of issue 4 or of a T number, and what was measured."""

    text: str
    files: int
    value: float
    bound: float

    @property
    def met(self) -> bool:
        return self.value <= self.bound


def goals(found: Sequence[Measured], *, in_memory: bool) -> list[Goal]:
    by = {(one.files, one.series.name): one for one in found if one.ok}
    sizes = sorted({one.files for one in found})
    judged: list[Goal] = []
    whole = 0.6 if in_memory else 0.25
    for size in sizes:
        judged += _ratio(by, (size, BUMP), (size, BARE), "issue 4: bump, wall ≤ 1.5 × bare fetch … push", 1.5)
        judged += _ratio(
            by, (size, BUMP_PATH), (size, TREELESS), "issue 4: bump --path, wall ≤ 1.5 × trees of one path", 1.5
        )
        judged += _ratio(by, (size, BUMP), (size, CLONE), f"T6: bump, wall ≤ {whole:g} × clone … push", whole)
    if len(sizes) > 1:
        ends = (sizes[-1], BUMP_PATH), (sizes[0], BUMP_PATH)
        text = f"bump --path, ≤ 1.3 × of {sizes[0]:,} files"
        for metric in ("wall", "cpu", "received"):
            judged += _ratio(by, *ends, f"issue 4, T7: {text}, {metric}", 1.3, metric)
    return judged


_Key = tuple[int, str]


def _ratio(
    by: dict[_Key, Measured], subject: _Key, floor: _Key, text: str, bound: float, metric: str = "wall"
) -> list[Goal]:
    if subject not in by or floor not in by:
        return []
    return [Goal(text, subject[0], _value(by[subject], metric) / _value(by[floor], metric), bound)]


def _value(one: Measured, metric: str) -> float:
    return one.received if metric == "received" else one.series.median(metric)


def as_text(found: Sequence[Measured], facts: Machine, *, markdown: bool) -> str:
    judged = goals(found, in_memory=facts.filesystem == "tmpfs")
    rows = [(g.text, f"{g.files:,}", f"{g.value:.2f}", "met" if g.met else "missed") for g in judged]
    parts = [str(facts), table([HEAD, *(_row(one) for one in found)], markdown=markdown)]
    parts += [f"{one.series.name}: {one.series.failure}" for one in found if one.series.failure]
    return "\n\n".join([*parts, *([table([GOALS, *rows], markdown=markdown)] if rows else [])])


def _row(one: Measured) -> tuple[str, ...]:
    series, verdict = one.series, one.series.verdict
    if not one.ok:
        return (series.name, f"{one.files:,}", *("–",) * (len(HEAD) - 3), "failed")
    return (
        series.name,
        f"{one.files:,}",
        *(milliseconds(series.median("wall")), milliseconds(series.minimum("wall"))),
        *(milliseconds(series.median("cpu")), milliseconds(series.minimum("cpu"))),
        str(one.requests),
        f"{one.received / 1000:,.1f}",
        f"{series.peak / 1_000_000:.0f}",
        f"{verdict.right}/{verdict.expected}{'' if verdict.exact else f' +{len(verdict.extra)}'}" if verdict else "",
    )


def as_json(found: Sequence[Measured], facts: Machine) -> dict[str, Any]:
    return {
        "schema": "pipelinegen.bench-remote/1",
        "machine": facts.data(),
        "measured": [
            {"files": one.files, "name": one.series.name, "requests": one.requests, "received": one.received}
            | {"samples": one.series.samples, "failure": one.series.failure}
            | {"exact": one.series.verdict.exact if one.series.verdict else None}
            for one in found
        ],
        "targets": [
            {"text": g.text, "files": g.files, "value": round(g.value, 3), "bound": g.bound, "met": g.met}
            for g in goals(found, in_memory=facts.filesystem == "tmpfs")
        ],
    }
