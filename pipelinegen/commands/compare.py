"""`pipelinegen compare`: what pipelines deliver, hold and cost, computed from their files."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelinegen.errors import InputError, PipelinegenError

if TYPE_CHECKING:
    from pipelinegen.pipelines.analyse.agent import Agent
    from pipelinegen.pipelines.compared import Facts
    from pipelinegen.pipelines.reading import Reading
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

    if options.from_pipeline is not None:
        from pipelinegen.commands.comparing.replacing import replace_pipeline

        return replace_pipeline(options, report)
    several = read_all(options, options.files) if options.files else generated(options)
    report.result(_told(several, options.format or "table", report))
    report.document(compared.document(several))
    return 0


def _told(several: list[Facts], form: str, report: Report) -> list[str]:
    """The report in the form that was asked for."""
    if report.json:
        return []
    if form == "html":
        from pipelinegen.pipelines.telling.html import html

        return html(several)
    if form == "markdown":
        from pipelinegen.pipelines.telling.markdown_text import markdown

        return markdown(several)
    from pipelinegen.pipelines.telling.table import table

    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 180))
    return table(several, width, colored=report.painted)


def read_all(options: CompareOptions, names: tuple[str, ...]) -> list[Facts]:
    """The facts of each file; what is wrong with any of them is told at once. Raises InputError."""
    from pipelinegen.edge.beside import beside, pipelines_in
    from pipelinegen.pipelines.analyse.agent import agents_in, is_agent
    from pipelinegen.pipelines.compared import facts_of
    from pipelinegen.pipelines.read import read

    readings: list[Reading] = []
    agents: list[Agent] = []
    problems: list[InputError] = []
    for name in (*names, *options.agent):
        folder = os.path.isdir(os.path.join(options.directory, name))
        inner = pipelines_in(options.directory, name) if folder else [name]
        if not inner:
            problems.append(
                InputError("no pipeline file is in this folder", id="bad-path", where=name, next=_NAME_THEM)
            )
        for each in inner:
            try:
                data, files = beside(each, options.directory)
                if name in options.agent or is_agent(data):
                    agents += agents_in(each, data)
                else:
                    readings.append(read(os.path.normpath(each), data, files))
            except InputError as error:  # noqa: PERF203 - every file is told of
                problems.append(error)
    if problems:
        raise _together(problems)
    if not readings:
        raise InputError("only manifests of an agent are given, and no pipeline", id="bad-path", next=_NAME_THEM)
    return [facts_of(reading, agents if agents and _pulls(reading) else ()) for reading in readings]


_NAME_THEM = "name a GitHub workflow, a .gitlab-ci.yml or a Jenkinsfile"


def _pulls(reading: Reading) -> bool:
    """Are the manifests of an agent about what this pipeline changes?"""
    from pipelinegen.pipelines.analyse.delivery import deliveries_of
    from pipelinegen.pipelines.analyse.work import work_of

    return any(each.model == "pull" or each.tool == "argocd" for each in deliveries_of(work_of(reading)))


def generated(options: CompareOptions) -> list[Facts]:
    """The facts of the pair that `generate` writes for the project here, read by the same door as anybody's files.

    Raises InputError where there is no configuration.
    """
    from pipelinegen.commands.asked import configuration
    from pipelinegen.commands.comparing.pair import pair_of

    config = configuration(options.directory)
    if config is None:
        raise InputError(
            "no file is named, and there is no pipelinegen.yaml here",
            id="bad-path",
            next="name pipeline files, or write the configuration (`pipelinegen init`) to compare what is generated",
        )
    return pair_of(config, options.directory)


def _together(problems: list[InputError]) -> InputError:
    """All problems as one error: the first one, and the lines of the others."""
    first, *others = problems
    details = [*first.details, *(line for other in others for line in other.lines())]
    return InputError(first.what, id=first.id, where=first.where, next=first.next, details=details)


def compare_error(error: PipelinegenError) -> dict[str, Any]:
    """The JSON document of a comparison that ended with an error."""
    return {"schema": SCHEMA, "result": "refused", "pipelines": [], "error": error.data()}
