"""The tests of an image before it is pushed: container-structure-test's, requests from outside, logs, host commands."""

from __future__ import annotations

from pipelinegen.config.images import Tests
from pipelinegen.edge.engines.port import Engine, Tell, silent
from pipelinegen.edge.image_tests.spec import TestReport
from pipelinegen.edge.layout import Layout


def run_tests(
    tests: Tests,
    layout: Layout,
    digest: str,
    *,
    name: str,
    engine: Engine | None = None,
    local: str | None = None,
    reference: str | None = None,
    cwd: str | None = None,
    tell: Tell = silent,
) -> TestReport:
    """Run all tests of one image; a test that fails, or cannot run, is a case that has not passed, never an exception
    (but for an interruption).

    name: the image's, in the report. digest: of the manifest of the platform to test. local: the engine's name of
    the image, where it has it; else it is loaded if a test needs a container. reference: what host commands find in
    IMAGE, where that is not the engine's name. cwd: where host commands run.
    """
    raise NotImplementedError
