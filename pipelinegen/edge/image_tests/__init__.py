"""The tests of an image before it is pushed: container-structure-test's, requests from outside, logs, host commands."""

from __future__ import annotations

from pipelinegen.config.images import Tests
from pipelinegen.edge.engines.port import Engine, Tell, silent
from pipelinegen.edge.filesystem import ImageFiles
from pipelinegen.edge.image_tests.commands import command_cases
from pipelinegen.edge.image_tests.files import content_cases, existence_cases
from pipelinegen.edge.image_tests.host import host_cases
from pipelinegen.edge.image_tests.metadata import metadata_cases
from pipelinegen.edge.image_tests.served import served_cases
from pipelinegen.edge.image_tests.spec import TestReport
from pipelinegen.edge.image_tests.subject import Subject
from pipelinegen.edge.image_tests.variables import expanded, image_variables
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
    (but for an interruption, and for a layout that is broken).

    name: the image's, in the report. digest: of the manifest of the platform to test. local: the engine's name of
    the image, where it has it; else it is loaded if a test needs a container. reference: what host commands find in
    IMAGE, where that is not the engine's name. cwd: where host commands run.
    """
    config = layout.config(digest)
    variables = image_variables(config)
    shared = {**variables, **expanded(tests.global_env_vars, variables)}
    subject = Subject(layout, digest, engine, local)
    files = ImageFiles(layout, digest)
    cases = [
        *command_cases(tests.command_tests, tests.global_env_vars, subject, variables, tell),
        *existence_cases(tests.file_existence_tests, files, shared),
        *content_cases(tests.file_content_tests, files),
        *metadata_cases(tests.metadata_test, config),
        *served_cases(tests.http_tests, tests.log_tests, subject),
        *host_cases(tests.host_tests, subject, reference, cwd),
    ]
    platform = next((image.platform for image in layout.images() if image.digest == digest), None)
    return TestReport(name, platform, tuple(cases))
