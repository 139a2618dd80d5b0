"""The report of a run, as text, Markdown or JSON: figures, ratios to the floor, damage, targets, the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import Case
from bench.measure import Series
from bench.targets import MEGABYTE, Outcome

HEAD = ("", "cpu ms", "min", "× floor", "by min", "wall ms", "min", "× floor", "peak MB", "lines")


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts that a figure depends on; nothing that names the machine or its folders."""

    cores: int
    system: str
    filesystem: str
    python: str
    git: str
    load: tuple[float, ...]

    def data(self) -> dict[str, object]:
        return {slot: getattr(self, slot) for slot in self.__slots__}

    def __str__(self) -> str:
        load = ", ".join(f"{value:.1f}" for value in self.load)
        return f"{self.cores} cores, {self.system}, {self.filesystem}, {self.python}, {self.git}; load {load}"


def machine(directory: Path, python: str) -> Machine:
    code = "import platform; print(platform.python_implementation(), platform.python_version())"
    said = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    git = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        filesystem=_filesystem(directory),
        python=said,
        git=git,
        load=tuple(round(value, 1) for value in os.getloadavg()),
    )


def _filesystem(directory: Path) -> str:
    """The type of the file system that holds the trees: tmpfs is memory, everything else is a disk."""
    here = directory.resolve()
    mounts = (line.split(" ") for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines())
    holding = [(len(mount[1]), mount[2]) for mount in mounts if here.is_relative_to(mount[1])]
    kind = max(holding, default=(0, "unknown"))[1]
    return kind if kind == "tmpfs" else f"disk ({kind})"


def as_json(cases: Sequence[Case], judged: Sequence[Outcome], facts: Machine, asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "pipelinegen.bench/1",
        "asked": asked,
        "machine": facts.data(),
        "cases": [
            {"name": c.name, "title": c.title, "series": [_series(s, c.series[0]) for s in c.series]} for c in cases
        ],
        "targets": [
            {"id": o.target.id, "text": o.target.text, "bound": o.target.bound}
            | {"value": round(o.value, 3), "by_minimum": round(o.least, 3), "met": o.met}
            for o in judged
        ],
    }


def _series(series: Series, floor: Series) -> dict[str, Any]:
    if series.failure or not series.samples:
        return {"name": series.name, "failure": series.failure or "not measured"}
    verdict = series.verdict
    figures = {
        metric: {
            "median": series.median(metric),
            "minimum": series.minimum(metric),
            "ratio": series.median(metric) / floor.median(metric),
            "ratio_by_minimum": series.minimum(metric) / floor.minimum(metric),
        }
        for metric in ("cpu", "wall")
    }
    damage = verdict and {
        "expected": verdict.expected,
        "right": verdict.right,
        "missing": list(verdict.missing),
        "extra": list(verdict.extra),
    }
    return {"name": series.name, **figures, "peak": series.peak, "samples": series.samples, "damage": damage}


def as_table(cases: Sequence[Case], judged: Sequence[Outcome], facts: Machine, *, markdown: bool) -> str:
    """Tables that a person reads; in Markdown they are tables there too."""
    parts = [str(facts)]
    for case in cases:
        rows = [_row(series, case.series[0]) for series in case.series]
        title = f"### {case.title}" if markdown else f"{case.title}   (floor: {case.series[0].name})"
        parts.append(f"{title}\n\n{table([HEAD, *rows], markdown=markdown)}")
        parts += [f"{series.name}: {series.failure}" for series in case.series if series.failure]
        parts += [
            f"{series.name}: {len(series.verdict.missing)} missing, {len(series.verdict.extra)} extra lines"
            for series in case.series
            if series.verdict and not series.verdict.exact
        ]
    rows = [
        (o.target.id, o.target.text, f"{o.value:.3g}", f"{o.least:.3g}", "met" if o.met else "missed") for o in judged
    ]
    head = ("target", "", "measured", "by min", "")
    if rows:
        parts.append(f"{'### ' if markdown else ''}Targets\n\n{table([head, *rows], markdown=markdown)}")
    return "\n\n".join(parts)


def _row(series: Series, floor: Series) -> tuple[str, ...]:
    if series.failure or not series.samples:
        return (series.name, *("–",) * (len(HEAD) - 2), "failed")
    cpu, wall = series.median("cpu"), series.median("wall")
    least, least_wall = series.minimum("cpu"), series.minimum("wall")
    verdict = series.verdict
    return (
        series.name,
        *(milliseconds(cpu), milliseconds(least)),
        *(f"{cpu / floor.median('cpu'):.2f}", f"{least / floor.minimum('cpu'):.2f}"),
        *(milliseconds(wall), milliseconds(least_wall), f"{wall / floor.median('wall'):.2f}"),
        f"{series.peak / MEGABYTE:.0f}",
        f"{verdict.right}/{verdict.expected}{'' if verdict.exact else f' +{len(verdict.extra)}'}" if verdict else "",
    )


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}" if seconds < 1 else f"{seconds * 1000:,.0f}"


def table(rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        [
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in lines)
    rule = "|".join(["---", *["---:"] * (len(widths) - 1)])
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], f"|{rule}|", *text[1:]])
