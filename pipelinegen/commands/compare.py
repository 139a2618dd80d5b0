"""`pipelinegen compare`: what pipelines deliver, hold and cost, computed from their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelinegen.errors import InputError, PipelinegenError

if TYPE_CHECKING:
    from pipelinegen.pipelines.compared import Facts
    from pipelinegen.report import Report

SCHEMA = "pipelinegen.compare/1"


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """What the command line asks for."""

    directory: str = "."
    files: tuple[str, ...] = ()
    format: str | None = None
    from_pipeline: str | None = None
    agent: tuple[str, ...] = ()


def run(options: CompareOptions, report: Report) -> int:
    """The exit code of a comparison. Raises PipelinegenError."""
    from pipelinegen.pipelines import compared

    several = read_all(options, options.files)
    report.document(compared.document(several))
    return 0


def read_all(options: CompareOptions, names: tuple[str, ...]) -> list[Facts]:
    """The facts of each file; what is wrong with any of them is told at once. Raises InputError."""
    from pipelinegen.edge.beside import beside, pipelines_in
    from pipelinegen.pipelines.compared import facts_of
    from pipelinegen.pipelines.read import read

    found: list[Facts] = []
    problems: list[InputError] = []
    for name in names:
        folder = os.path.isdir(os.path.join(options.directory, name))
        inner = pipelines_in(options.directory, name) if folder else [name]
        if not inner:
            problems.append(
                InputError("no pipeline file is in this folder", id="bad-path", where=name, next="name the files")
            )
        for each in inner:
            try:
                data, files = beside(each, options.directory)
                found.append(facts_of(read(os.path.normpath(each), data, files)))
            except InputError as error:  # noqa: PERF203 - every file is told of
                problems.append(error)
    if problems:
        raise _together(problems)
    return found


def _together(problems: list[InputError]) -> InputError:
    """All problems as one error: the first one, and the lines of the others."""
    first, *others = problems
    details = [*first.details, *(line for other in others for line in other.lines())]
    return InputError(first.what, id=first.id, where=first.where, next=first.next, details=details)


def compare_error(error: PipelinegenError) -> dict[str, Any]:
    """The JSON document of a comparison that ended with an error."""
    return {"schema": SCHEMA, "result": "refused", "pipelines": [], "error": error.data()}
