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
    from pipelinegen.edge.image_tests.spec import TestReport


def count_of(tests: Tests) -> int:
    """How many tests there are; those of the metadata are one here, and a case each in the report."""
    lists = (tests.command_tests, tests.file_existence_tests, tests.file_content_tests)
    several = (*lists, tests.http_tests, tests.log_tests, tests.host_tests)
    return sum(map(len, several)) + (tests.metadata_test is not None)


def test_image(wanted: Wanted, built: Built, bench: Bench, tell: Callable[[str], object]) -> TestReport | None:
    """What the tests say; None where there are none, or none are to be run."""
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
    return report


def refuse_failed(report: TestReport | None, wanted: Wanted) -> None:
    """Nothing is pushed that has not passed."""
    if report is None or report.passed:
        return
    failed = report.failures
    details = [f"{case.kind} {case.name}: {case.message.splitlines()[0] if case.message else ''}" for case in failed]
    raise Refused(
        f"{len(failed)} of {len(report.cases)} tests of {wanted.name} failed",
        id="tests-failed",
        state="nothing was pushed",
        details=details,
    )


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
