"""JUnit XML of the tests of images, as GitLab, Jenkins and GitHub's actions read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipelinegen.edge.image_tests.spec import Case, TestReport

# What XML 1.0 cannot hold, not even escaped; logs of programs are full of it.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(reports: Sequence[TestReport]) -> str:
    """One suite for each image, one case for each test."""
    total = sum(len(report.cases) for report in reports)
    failures = sum(len(report.failures) for report in reports)
    seconds = sum(report.seconds for report in reports)
    head = f'<testsuites name="pipelinegen" tests="{total}" failures="{failures}" errors="0" time="{seconds:.3f}">'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', head]
    for report in reports:
        lines += _suite(report)
    return "\n".join([*lines, "</testsuites>", ""])


def _suite(report: TestReport) -> Iterator[str]:
    name = report.image if report.platform is None else f"{report.image} ({report.platform})"
    counts = f'tests="{len(report.cases)}" failures="{len(report.failures)}" errors="0" skipped="0"'
    yield f'  <testsuite name="{_escaped(name)}" {counts} time="{report.seconds:.3f}">'
    for case in report.cases:
        yield from _case(case, name)
    yield "  </testsuite>"


def _case(case: Case, suite: str) -> Iterator[str]:
    names = f'name="{_escaped(case.name)}" classname="{_escaped(f"{suite}.{case.kind}")}"'
    yield f'    <testcase {names} time="{case.seconds:.3f}">'
    if not case.passed:
        first = case.message.partition("\n")[0]
        yield f'      <failure type="{case.kind}" message="{_escaped(first)}">{_escaped(case.message)}</failure>'
    if case.output:
        yield f"      <system-out>{_escaped(case.output)}</system-out>"
    yield "    </testcase>"


def _escaped(text: str) -> str:
    """For an attribute in double quotes as for text."""
    clean = _NOT_XML.sub("\ufffd", text)
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        clean = clean.replace(char, entity)
    return clean
