"""The steps of a job as they stand in a workflow: those of the model, and those that GitHub wants besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest

from pipelinegen.pipelines.model import Checkout, Custom, Job, Pipeline, Run, Step, Use
from pipelinegen.pipelines.rendering.github.fetching import fetched, used_by
from pipelinegen.pipelines.rendering.github.handing import given, taken
from pipelinegen.pipelines.rendering.github.values import entries, for_all
from pipelinegen.pipelines.rendering.github.written import WIDTH, Written, scripted, used
from pipelinegen.pipelines.rendering.header import block

_TOOLS = "${{ runner.temp }}/tools"
_CONDITIONS = {"success": "", "failure": "failure()", "always": "always()"}


def steps_of(pipeline: Pipeline, job: Job) -> tuple[Written, ...]:
    """All steps of a job, in their order."""
    job = _told(pipeline, job)
    handed = tuple(taken(pipeline, job))
    first = next((at for at, step in enumerate(job.steps) if isinstance(step, Checkout)), -1)
    # A checkout empties the workspace: what other jobs hand over comes after it.
    before = [_step(job, step) for step in job.steps[: first + 1]]
    after = _with_credentials(job, job.steps[first + 1 :])
    return tuple(_apart((*before, *handed, *after, *given(pipeline, job))))


def _told(pipeline: Pipeline, job: Job) -> Job:
    """The job, its steps with those variables of the pipeline that cannot stand at its top."""
    _, odd = for_all(pipeline.variables)
    steps = tuple(replace(step, env={**odd, **step.env}) if isinstance(step, Run) else step for step in job.steps)
    return replace(job, steps=steps) if odd else job


def _apart(steps: tuple[Written, ...]) -> Iterator[Written]:
    """A block at the end of a job is below a script of several lines, or yamllint takes it for a part of the key."""
    for step, following in zip_longest(steps, steps[1:]):
        last = following is None or following.block
        yield replace(step, line="", lines=(step.line,)) if step.line and last else step


def _with_credentials(job: Job, steps: Iterable[Step]) -> Iterator[Written]:
    """Credentials are fetched right before the first step that uses them: no earlier step can see them."""
    ready: set[str] = set()
    for step in steps:
        for credential in used_by(job, step):
            if credential.name not in ready:
                ready.add(credential.name)
                condition = _CONDITIONS[step.when] if isinstance(step, Run) else ""
                yield from (replace(each, condition=condition) for each in fetched(credential))
        yield _step(job, step)


def _step(job: Job, step: Step) -> Written:
    if isinstance(step, Checkout):
        return _checkout(step)
    if isinstance(step, Custom):
        return Written(block=block("#", step.name))
    if isinstance(step, Use):
        return used(step.name, step.action, entries(step.inputs, job, WIDTH))
    return _run(job, step)


def _checkout(step: Checkout) -> Written:
    depth = (("fetch-depth", "0"),) if step.history else ()
    return used(step.name, "checkout", (*depth, ("persist-credentials", "false")))


def _run(job: Job, step: Run) -> Written:
    env = entries(step.env, job, WIDTH)
    lines = step.script
    if step.installs:
        env = (*env, ("TOOLS", _TOOLS))
        lines = ('mkdir -p "$TOOLS/bin"', *lines, 'echo "$TOOLS/bin" >> "$GITHUB_PATH"')
    comment = f"Stage: {step.stage}" if step.stage else ""
    return scripted(step.name, lines, env, comment=comment, condition=_CONDITIONS[step.when])
