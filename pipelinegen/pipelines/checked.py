"""What must be true of a pipeline before it is written: a broken one is a defect of ours, whatever was configured."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelinegen.errors import Defect
from pipelinegen.pipelines.design.parts import stages_of
from pipelinegen.pipelines.model import DEVOPS, GITOPS, Answer, Each, Job, Pipeline, Run, Secret, Use, Value

# Keywords of the root of `.gitlab-ci.yml`: a job of that name is taken for the keyword, and its needs are lost.
# https://docs.gitlab.com/ci/jobs/#job-names
RESERVED = frozenset(
    (
        *("image", "services", "stages", "types", "before_script", "after_script", "variables", "cache", "include"),
        *("true", "false", "nil", "default", "workflow", "spec", "pages"),
    )
)
_ID = re.compile(r"[a-z][a-z0-9-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What a CI system would read in a script before the shell does: GitHub's expressions, GitLab's inputs.
_EXPRESSIONS = ("${{", "$[[")
_CLUSTERS = frozenset(("cluster", "host", "cloud"))


def checked(pipeline: Pipeline) -> Pipeline:
    """The same pipeline. Raises Defect with everything that is wrong with it."""
    problems = list(_problems(pipeline))
    if problems:
        raise Defect(
            f"the {pipeline.style} pipeline for {pipeline.system} is not sound", id="pipeline-unsound", details=problems
        )
    return pipeline


def _problems(pipeline: Pipeline) -> Iterator[str]:
    yield from _ids(pipeline)
    yield from _needs(pipeline)
    yield from _artifacts(pipeline)
    yield from _stages(pipeline)
    for job in pipeline.jobs:
        yield from (f"{job.id}: {problem}" for problem in (*_credentials(pipeline, job), *_scripts(pipeline, job)))


def _ids(pipeline: Pipeline) -> Iterator[str]:
    seen: set[str] = set()
    for job in pipeline.jobs:
        if _ID.fullmatch(job.id) is None or job.id in RESERVED or len(job.id) > 100:
            yield f"{job.id!r} is no id of a job that every CI system takes"
        if job.id in seen:
            yield f"two jobs are called {job.id}"
        seen.add(job.id)


def _needs(pipeline: Pipeline) -> Iterator[str]:
    """A job needs only jobs that stand before it: then there is no circle, and Jenkins can go from top to bottom."""
    before: set[str] = set()
    for job in pipeline.jobs:
        yield from (
            f"{job.id} needs {need}, which does not stand before it" for need in job.needs if need not in before
        )
        before.add(job.id)


def _artifacts(pipeline: Pipeline) -> Iterator[str]:
    makers = [(artifact.name, job) for job in pipeline.jobs for artifact in job.produces if artifact.kind != "junit"]
    names = [name for name, _ in makers]
    yield from (
        f"two artifacts are called {name}" for name in sorted({name for name in names if names.count(name) > 1})
    )
    for job in pipeline.jobs:
        reached = _reached(pipeline, job)
        for taken in job.takes:
            if not any(name == taken and maker.id in reached for name, maker in makers):
                yield f"{job.id} takes {taken}, which no job makes that it needs"
        for artifact in job.produces:
            if artifact.leg and artifact.leg not in job.matrix:
                yield f"{job.id} has no leg {artifact.leg}"


def _reached(pipeline: Pipeline, job: Job) -> set[str]:
    known = {each.id: each for each in pipeline.jobs}
    reached, waiting = set[str](), list(job.needs)
    while waiting:
        name = waiting.pop()
        if name in known and name not in reached:
            reached.add(name)
            waiting += known[name].needs
    return reached


def _stages(pipeline: Pipeline) -> Iterator[str]:
    known = GITOPS if pipeline.style == "pull" else DEVOPS
    done = {stage for job in pipeline.jobs for stage in stages_of(job)}
    said = {each.stage for each in pipeline.elsewhere}
    yield from (f"nobody does the stage {stage}" for stage in known if stage not in done | said)
    yield from (f"{stage} is no stage of the {pipeline.style} style" for stage in sorted((done | said) - set(known)))
    yield from (f"{job.id} does no stage" for job in pipeline.jobs if not job.stages)


def _credentials(pipeline: Pipeline, job: Job) -> Iterator[str]:
    names = [credential.name for credential in job.credentials]
    yield from (
        f"two credentials are called {name}" for name in sorted({name for name in names if names.count(name) > 1})
    )
    for credential in job.credentials:
        if not credential.rights or not credential.why:
            yield f"{credential.name} does not say what it may do, and why"
        if pipeline.style == "pull" and credential.target in _CLUSTERS:
            yield f"{credential.name} opens a {credential.target}, and this is the pull style"
        if credential.environment and (job.environment is None or job.environment.name != credential.environment):
            yield f"{credential.name} is for {credential.environment}, and the job is not"
        if credential.stored and "change" in job.when.events and job.when.forks:
            yield f"{credential.name} lies in a job that the change of a fork starts"
    if pipeline.style == "pull" and job.environment is not None:
        yield f"it works on the environment {job.environment.name}, and this is the pull style"


def _scripts(pipeline: Pipeline, job: Job) -> Iterator[str]:
    parts = {credential.name: credential.parts or ("",) for credential in job.credentials}
    questions = {question.name for question in pipeline.triggers.questions}
    for step in job.steps:
        values = step.env if isinstance(step, Run) else step.inputs if isinstance(step, Use) else {}
        for name, value in values.items():
            if isinstance(step, Run) and _VARIABLE.fullmatch(name) is None:
                yield f"{name!r} is no name of a variable"
            if problem := _value_problem(value, job, parts, questions):
                yield f"{name}: {problem}"
        if isinstance(step, Run):
            if not step.script or any("\n" in line for line in step.script):
                yield f"{step.name}: a script is lines"
            yield from (f"{step.name}: {mark} in a script" for mark in _EXPRESSIONS if mark in "\n".join(step.script))


def _value_problem(value: Value, job: Job, parts: dict[str, tuple[str, ...]], questions: set[str]) -> str | None:
    if isinstance(value, Secret) and value.part not in parts.get(value.credential, ()):
        return f"the job does not hold {value.credential} {value.part}".rstrip()
    if isinstance(value, Answer) and value.name not in questions:
        return f"nobody is asked for {value.name}"
    if isinstance(value, Each) and not job.matrix:
        return "the job has no legs"
    return None
