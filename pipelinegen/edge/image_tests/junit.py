"""JUnit XML of the tests of images, as GitLab, Jenkins and GitHub's actions read it."""

from __future__ import annotations

from collections.abc import Sequence

from pipelinegen.edge.image_tests.spec import TestReport


def junit(reports: Sequence[TestReport]) -> str:
    """One suite for each image, one case for each test."""
    raise NotImplementedError
