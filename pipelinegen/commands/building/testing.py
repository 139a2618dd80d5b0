"""The tests of a built image: run on its own bytes before anything is pushed, told, and written as JUnit."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipelinegen.commands.building.asked import Wanted
from pipelinegen.commands.building.bench import Bench
from pipelinegen.errors import Refused, WorldError
from pipelinegen.images import platforms

if TYPE_CHECKING:
    from pipelinegen.config.images import Tests
    from pipelinegen.edge.engines.port import Built
    from pipelinegen.edge.image_tests.spec import Case, TestReport

SHOWN_LINES = 10


class TestsFailed(Refused):
    """With what the tests say."""

    def __init__(self, report: TestReport, wanted: Wanted) -> None:
        failed = report.failures
        super().__init__(
            f"{len(failed)} of {len(report.cases)} tests of {wanted.name} failed",
            id="tests-failed",
            state="nothing of it was pushed",
            details=[line for case in failed for line in _lines(case)],
        )
        self.report = report


def _lines(case: Case) -> list[str]:
    first, *more = case.message.splitlines() or ["it has not passed"]
    return [f"{case.kind} {case.name}: {first}", *(f"  {line}" for line in more[: SHOWN_LINES - 1])]


def count_of(tests: Tests) -> int:
    """How many tests there are; those of the metadata are one here, and a case each in the report."""
    lists = (tests.command_tests, tests.file_existence_tests, tests.file_content_tests)
    several = (*lists, tests.http_tests, tests.log_tests, tests.host_tests)
    return sum(map(len, several)) + (tests.metadata_test is not None)


def test_image(wanted: Wanted, built: Built, bench: Bench, tell: Callable[[str], object]) -> TestReport | None:
    """What the tests say, which is good; None where there are none, or none are to be run. Raises TestsFailed."""
    if not bench.tests or not count_of(wanted.image.tests):
        return None
    from pipelinegen.edge.image_tests import run_tests

    images = {image.platform or "": image.digest for image in built.layout.images()}
    # The one that this machine runs; programs of the others would need an emulator.
    platform = platforms.choose(platforms.host(), images) or next(iter(images))
    report = run_tests(
        wanted.image.tests,
        built.layout,
        images[platform],
        name=wanted.name,
        engine=bench.engine(),
        local=built.local if len(images) == 1 else None,
        cwd=str(bench.config.folder),
        tell=tell,
    )
    _write_junit(report, wanted, bench)
    if not report.passed:
        raise TestsFailed(report, wanted)
    return report


def _write_junit(report: TestReport, wanted: Wanted, bench: Bench) -> None:
    if bench.options.junit is None:
        return
    from pipelinegen.edge.image_tests.junit import junit

    folder = os.path.join(bench.options.directory, bench.options.junit)
    path = os.path.join(folder, f"{wanted.name}.xml")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(junit([report]))
    except OSError as error:
        raise WorldError(f"cannot write the test report: {error.strerror}", id="disk", where=path) from None
