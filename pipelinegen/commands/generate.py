"""`pipelinegen generate`: write the pipelines of both styles and the agent's files, and lose no edit of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelinegen.commands.generating import telling
from pipelinegen.commands.generating.asked import PLACEHOLDER, GenerateOptions, asked_for
from pipelinegen.commands.generating.files import generated
from pipelinegen.commands.generating.writing import carry_out, misplaced, planned, told_of
from pipelinegen.errors import PipelinegenError

if TYPE_CHECKING:
    from pipelinegen.pipelines.regeneration import Regeneration
    from pipelinegen.report import Report


def run(options: GenerateOptions, report: Report) -> int:
    """The exit code of a generation. Raises PipelinegenError."""
    from pipelinegen.commands.building.asked import configuration

    asked = asked_for(options, configuration(options.directory))
    if asked.application.manifests.url == PLACEHOLDER and any(target.style == "pull" for target in asked.targets):
        report.warn(f"the manifest repository is a folder without an address: {PLACEHOLDER} stands for it")
    if folder := misplaced(asked):
        report.warn(f"{folder} is not the root of the repository, which is where CI systems look for pipelines")
    files, explained = generated(asked, told_of(asked, options), explain=options.explain)
    done = planned(asked, files, options)
    error = _problem(options, done)
    writes = not (options.check or options.dry_run or done.refused)
    if writes:
        carry_out(asked, files, done)
        report.result(telling.paths(done.steps))
    else:
        telling.show_diff(done.refused or done.differing, report)
    if error is None or writes:
        telling.tell_steps(done, report, written=writes)
    for explanation in explained:
        report.result(explanation.lines())
    report.document(telling.document(asked, done, error, [each.data() for each in explained], written=writes))
    if error is not None:
        report.error(error)
        return error.exit_code
    return 0


def _problem(options: GenerateOptions, done: Regeneration) -> PipelinegenError | None:
    """What the answer "no" is about."""
    if options.check:
        return telling.differing(done.differing) if done.differing else None
    if done.refused:
        return telling.refused(done.refused)
    conflicts = [step for step in done.steps if step.action == "conflict"]
    return telling.conflicting(conflicts, written=not options.dry_run) if conflicts else None
