"""A pipeline as Jenkins reads it: one declarative Jenkinsfile for a multibranch project."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from pipelinegen.pipelines.model import (
    Artifact,
    Checkout,
    Custom,
    GeneratedFile,
    Job,
    Literally,
    Pipeline,
    Run,
)
from pipelinegen.pipelines.rendering import jenkins_when
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.functions import with_functions
from pipelinegen.pipelines.rendering.header import header
from pipelinegen.pipelines.rendering.jenkins_values import TOOLS, credential_kind, credentials_id, listed, surroundings
from pipelinegen.pipelines.rendering.languages import groovy

PATH = "Jenkinsfile"
# What a Jenkins must have, by the short names of its plugins.
PLUGINS = (
    *("workflow-aggregator", "workflow-multibranch", "git", "credentials-binding", "junit", "timestamper"),
    *("plain-credentials", "ssh-credentials"),
)
APPROVAL_DAYS = 7
_FOLDER = ('mkdir -p "$TOOLS/bin"',)
# A command of ours ends with 3 where the same command again may go through; other programs mean other things by it.
_OURS = re.compile(r"(?:^|[\s;&|({])pipelinegen\s")


@dataclass(frozen=True, slots=True)
class _Approval:
    message: str
    submitter: str


@dataclass(frozen=True, slots=True)
class _Step:
    """A step as the template writes it. kind: checkout, custom, unstash or run."""

    kind: str
    name: str
    script: str = ""
    variables: str = ""
    bindings: str = ""
    again: bool = False
    stage: str | None = None
    shared: str = ""  # the name of the function that does it in each job that has it


@dataclass(frozen=True, slots=True)
class _Leg:
    """A stage that does a job, or one leg of its matrix. function: what its functions are called after a verb."""

    name: str
    function: str
    about: tuple[str, ...]
    label: str
    tools: str
    approval: _Approval | None
    block: str
    timeout: int
    steps: tuple[_Step, ...]
    stashes: tuple[Artifact, ...]
    reports: tuple[str, ...]
    texts: tuple[str, ...]
    on_failure: tuple[_Step, ...]
    at_last: tuple[_Step, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """A stage, or several at the same time."""

    name: str
    conditions: tuple[str, ...]
    legs: tuple[_Leg, ...]


def files(pipeline: Pipeline) -> tuple[GeneratedFile, ...]:
    """The Jenkinsfile.  ValueError: a name in the pipeline that Jenkins cannot have."""
    pipeline = jenkins_when.with_nothing_asked(pipeline)
    groups = tuple(_groups(pipeline))
    text = render(
        "ci/Jenkinsfile.j2",
        # A backslash before a `u` would be read as a character, in a comment too.
        header=header("//", pipeline.header, blocks=True).replace("\\", "\\\\").rstrip("\n"),
        groups=groups,
        shared=tuple({step.shared: step for step in _all(groups) if step.shared}.values()),
        again=any(step.again for step in _all(groups)),
        questions=tuple(
            {
                "name": each.name,
                "help": each.help,
                "default": each.default,
                "choices": listed(map(groovy, each.choices)),
            }
            for each in pipeline.triggers.questions
        ),
        schedule=jenkins_when.schedule_of(pipeline),
        cancels=all(job.cancel for job in pipeline.jobs if "change" in job.when.events),
        hours=_hours(pipeline),
    )
    return (GeneratedFile(PATH, with_functions(text)),)


def _all(groups: Iterable[_Group]) -> Iterable[_Step]:
    return (step for group in groups for leg in group.legs for step in leg.steps)


def _groups(pipeline: Pipeline) -> Iterable[_Group]:
    """The stages, from top to bottom. Jobs that start together and need nothing of each other run at the same time,
    but deployments: one that fails keeps those behind it from beginning."""
    groups: list[list[Job]] = []
    for job in pipeline.jobs:
        at = next((at for at, group in enumerate(groups) if _joins(job, groups[:at], group)), None)
        if at is None:
            groups.append([job])
        else:
            groups[at].append(job)
    for jobs in groups:
        legs = tuple(_leg(pipeline, job, each) for job in jobs for each in job.matrix or ("",))
        yield _Group(", ".join(job.title for job in jobs), jenkins_when.conditions(pipeline, jobs[0]), legs)


def _joins(job: Job, before: Sequence[Sequence[Job]], group: Sequence[Job]) -> bool:
    done = {each.id for jobs in before for each in jobs}
    alike = all(each.when == job.when and not _deploys(each) for each in group)
    return alike and not _deploys(job) and done.issuperset(job.needs)


def _deploys(job: Job) -> bool:
    return job.lock is not None or (job.environment is not None and job.environment.action == "deploy")


def _leg(pipeline: Pipeline, job: Job, each: str) -> _Leg:
    made = [_of_leg(artifact, job, each) for artifact in job.produces if artifact.leg in ("", each)]
    steps = _steps(pipeline, job, each)
    return _Leg(
        name=f"{job.title}: {each}" if each else job.title,
        function=_camel(job.id, str(job.matrix.index(each) + 1) if each else ""),
        about=tuple(_about(job)) if each in ("", *job.matrix[:1]) else (),
        label=pipeline.runner,
        tools=listed(TOOLS) if any(isinstance(step, Run) and step.installs for step in job.steps) else "",
        approval=_approval(job),
        # For a lock of the plugin Lockable Resources: runs of two branches know nothing of each other.
        block=f"options-{job.id}" if job.lock else "",
        timeout=job.timeout,
        steps=tuple(written for when, written in steps if when == "success"),
        stashes=tuple(artifact for artifact in made if artifact.kind in ("handoff", "binary")),
        reports=tuple(artifact.path for artifact in made if artifact.kind == "junit"),
        texts=tuple(artifact.path for artifact in made if artifact.kind == "text"),
        on_failure=tuple(written for when, written in steps if when == "failure"),
        at_last=tuple(written for when, written in steps if when == "always"),
    )


def _camel(*words: str) -> str:
    """`deploy-staging` as DeployStaging. Ids differ by more than case; legs are numbers, as images have odd names."""
    return "".join(part[:1].upper() + part[1:] for word in words for part in word.split("-"))


def _of_leg(artifact: Artifact, job: Job, each: str) -> Artifact:
    shared = bool(job.matrix) and not artifact.leg
    return replace(artifact, name=f"{artifact.name}-{each}") if shared else artifact


def _about(job: Job) -> Iterable[str]:
    """What a reader wants to know of a stage before its code."""
    yield f"Stages: {', '.join(job.stages)}"
    if job.environment is not None:
        url = f", {job.environment.url}" if job.environment.url else ""
        yield f"Environment: {job.environment.name}{url}"
    for credential in job.credentials:
        words = f"{credentials_id(credential)} ({credential_kind(credential)}): {credential.rights}; {credential.why}"
        yield from wrap(words, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _approval(job: Job) -> _Approval | None:
    environment = job.environment
    if environment is None or not environment.approval or environment.action != "deploy":
        return None
    return _Approval(f"{job.title}?", ",".join(environment.reviewers))


def _steps(pipeline: Pipeline, job: Job, each: str) -> list[tuple[str, _Step]]:
    """The steps with when they run. What the job takes of others lies there before its first script."""
    written: list[tuple[str, _Step]] = []
    taken = [("success", _Step("unstash", name)) for name in _names_of_taken(pipeline, job)]
    for step in job.steps:
        if isinstance(step, Run):
            written += taken
            taken = []
            written.append((step.when, _run(pipeline, job, step, each)))
        elif isinstance(step, Checkout):
            written.append(("success", _Step("checkout", step.name)))
        elif isinstance(step, Custom):
            # Each leg has the block for itself: a name stands once in a file.
            written.append(("success", _Step("custom", f"{step.name}-{each}" if each else step.name)))
    return written


def _names_of_taken(pipeline: Pipeline, job: Job) -> Iterable[str]:
    for name in job.takes:
        maker, artifact = next((each, made) for each in pipeline.jobs for made in each.produces if made.name == name)
        if artifact.leg or not maker.matrix:
            yield name
        else:
            yield from (f"{name}-{leg}" for leg in maker.matrix)


def _run(pipeline: Pipeline, job: Job, step: Run, each: str) -> _Step:
    around = surroundings(pipeline, job, step.env, each)
    # With a first line of its own, Jenkins does not run it as `sh -xe`, which would print every command.
    lines = ("#!/usr/bin/env bash", "set -euo pipefail", *_FOLDER[: step.installs], *around.exports, *step.script)
    return _Step(
        "run",
        step.name,
        script="\n".join(lines) + "\n",
        variables=listed(around.variables),
        bindings=listed(around.bindings),
        again=step.when == "success" and any(_OURS.search(line) for line in step.script),
        stage=step.stage,
        shared=_shared(step) if step.installs and _alike(step, pipeline) else "",
    )


def _alike(step: Run, pipeline: Pipeline) -> bool:
    """Is it the same in every job? Facts and secrets may not be."""
    return not pipeline.variables and all(isinstance(value, Literally) for value in step.env.values())


def _shared(step: Run) -> str:
    words = re.findall("[A-Za-z0-9]+", step.name.removeprefix("Install "))
    return f"install{_camel(*words)}"


def _hours(pipeline: Pipeline) -> int:
    """A bound for the whole run, waiting for agents and people too; each stage has its own for the work."""
    if any(_approval(job) for job in pipeline.jobs):
        return 24 * APPROVAL_DAYS
    return max(1, math.ceil(2 * sum(job.timeout for job in pipeline.jobs) / 60))
