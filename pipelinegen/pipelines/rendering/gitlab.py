"""A pipeline as GitLab's `.gitlab-ci.yml`: hidden jobs hold what jobs share, the model decides the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pipelinegen.errors import Defect
from pipelinegen.pipelines.checked import RESERVED
from pipelinegen.pipelines.model import (
    DEVOPS,
    GITOPS,
    Fact,
    GeneratedFile,
    Job,
    Literally,
    Pipeline,
)
from pipelinegen.pipelines.pins import images
from pipelinegen.pipelines.rendering.anchors import anchored
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.gitlab_jobs import opening_of, written
from pipelinegen.pipelines.rendering.gitlab_rules import question_variable, workflow_rules
from pipelinegen.pipelines.rendering.gitlab_scripts import FACTS, MATRIX, Scripts, scripts_of
from pipelinegen.pipelines.rendering.header import block, header

PATH = ".gitlab-ci.yml"
# GitHub's label of a hosted runner says nothing to GitLab; any other label is a runner's tag.
_HOSTED = re.compile(r"(ubuntu|windows|macos)-[\w.-]+")


@dataclass(frozen=True, slots=True)
class Shared:
    """A hidden job: what jobs with one image and the same opening have in common."""

    name: str
    image: str
    scripts: Scripts
    docker: bool


def files(pipeline: Pipeline) -> tuple[GeneratedFile, ...]:
    """The one file of a pipeline for GitLab."""
    for job in pipeline.jobs:
        if job.id in RESERVED or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", job.id):
            raise Defect(f"GitLab takes no job with the name {job.id!r}", id="reserved-job-name")
    shared = _shared(pipeline)
    stages, stage_of = _stages(pipeline)
    text = render(
        "ci/gitlab.yml.j2",
        header=header("#", (*pipeline.header, *_schedules(pipeline)), blocks=True),
        rules=workflow_rules(pipeline.triggers, pipeline.jobs),
        stages=stages,
        blocks={name: block("#", name) for name in ("stages", "jobs")},
        block=block,
        questions=[(question_variable(q.name), q, _options(q.choices, q.default)) for q in pipeline.triggers.questions],
        variables=_global(pipeline),
        image=str(images()["python"]),
        docker=str(images()["docker"]),
        tag=None if not pipeline.runner or _HOSTED.fullmatch(pipeline.runner) else pipeline.runner,
        matrix=MATRIX,
        shared=tuple({one.name: one for one in shared.values()}.values()),
        jobs=[written(job, pipeline, shared[job.id].name, stage_of[job.id]) for job in pipeline.jobs],
    )
    return (GeneratedFile(PATH, anchored(text) if pipeline.anchors else text),)


def _schedules(pipeline: Pipeline) -> list[str]:
    if not pipeline.triggers.schedule:
        return []
    return ["", f"Schedule, to be made under Build > Pipeline schedules: {pipeline.triggers.schedule} (UTC)"]


def _stages(pipeline: Pipeline) -> tuple[tuple[str, ...], dict[str, str]]:
    """The stages in their order, and the stage of each job.

    A job that needs one of a later stage, which GitLab refuses, gets a stage of its own behind that: production is
    changed after staging was observed.
    """
    order = list(DEVOPS if pipeline.style == "push" else GITOPS)
    found: dict[str, str] = {}
    for job in pipeline.jobs:
        stage = job.stages[0]
        earliest = max((order.index(found[needed]) for needed in job.needs), default=0)
        if order.index(stage) < earliest:
            stage = f"{stage}-{job.id.partition('-')[2] or job.id}"
            if stage not in order:
                order.insert(earliest + 1, stage)
        found[job.id] = stage
    return tuple(stage for stage in order if stage in found.values()), found


def _options(choices: tuple[str, ...], default: str) -> tuple[str, ...]:
    """GitLab wants the default to be one of the options."""
    return choices if not choices or default in choices else (default, *choices)


def _global(pipeline: Pipeline) -> dict[str, tuple[str, bool]]:
    """The variables of all jobs, each with whether GitLab may expand it."""
    found = {}
    for name, value in pipeline.variables.items():
        if isinstance(value, Literally):
            found[name] = (value.text, False)
        elif isinstance(value, Fact):
            found[name] = (FACTS[value.name].replace(":-", ""), True)
        else:
            raise Defect(f"{name} of a whole pipeline cannot be {value!r}", id="global-variable")
    return found


def _shared(pipeline: Pipeline) -> dict[str, Shared]:
    """For each job the hidden job that it extends."""
    kinds: dict[str, Shared] = {}
    found = {}
    for job in pipeline.jobs:
        kind = f"{job.image} {opening_of(job)!r}"
        if kind not in kinds:
            kinds[kind] = _hidden(job, {one.name for one in kinds.values()})
        found[job.id] = kinds[kind]
    return found


def _hidden(job: Job, taken: set[str]) -> Shared:
    begin = opening_of(job)
    words = [re.sub(r"^(?:install|get|set up)\s+|\s+v?\d[\w.]*$", "", step.name, flags=re.IGNORECASE) for step in begin]
    docker = job.image == "docker"
    if docker:
        words.append("docker")
    slug = re.sub(r"[^a-z0-9]+", "-", "-and-".join(words).lower()).strip("-") or "plain"
    name = next(each for each in (f".{slug}", *(f".{slug}-{n}" for n in range(2, 99))) if each not in taken)
    image = images()["python" if docker else job.image]
    return Shared(name, str(image), scripts_of(replace(job, steps=begin)), docker)
