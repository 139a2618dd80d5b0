"""`pipelinegen doctor`: say what works here, what is missing, and what mends it. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelinegen.commands.checking import agents, machine, registries, repository, workflow
from pipelinegen.commands.checking.finding import Finding

if TYPE_CHECKING:
    from pipelinegen.report import Report

MARKS = {"ok": "✓", "bad": "✗", "unsure": "–"}
COLORS = {"ok": "green", "bad": "red", "unsure": "yellow"}


class DoctorOptions(NamedTuple):
    """The options of `doctor`, as the command line gives them."""

    directory: str = "."
    repo: str | None = None


def run(options: DoctorOptions, report: Report) -> int:
    """0 where nothing is wrong, else 1."""
    found = []
    for finding in _findings(options, report):
        found.append(finding)
        report.result(_lines(finding, report))
    bad = [finding for finding in found if finding.state == "bad"]
    report.document(document(found))
    report.say(f"{len(bad)} of {len(found)} need mending" if bad else "nothing needs mending")
    return 1 if bad else 0


def document(found: list[Finding]) -> dict[str, Any]:
    bad = any(finding.state == "bad" for finding in found)
    return {
        "schema": "pipelinegen.doctor/1",
        "result": "bad" if bad else "ok",
        "findings": [finding.data() for finding in found],
    }


def _findings(options: DoctorOptions, report: Report) -> Iterator[Finding]:
    config, finding = machine.configuration(options.directory)
    yield finding
    yield machine.git()
    yield machine.engine(config)
    yield from machine.renderers()
    yield from repository.findings(config, options.repo, report)
    yield from registries.findings(config, report)
    yield from workflow.findings(str(config.folder) if config is not None else options.directory)
    yield agents.finding(config)


def _lines(finding: Finding, report: Report) -> list[str]:
    mark = report.in_color(COLORS[finding.state], MARKS[finding.state])
    lines = [f"{mark} {finding.subject}: {finding.why}"]
    if finding.state != "ok":
        lines += [f"    | {line}" for line in finding.details]
        lines += [f"    → {finding.mend}"] if finding.mend else []
    return lines
