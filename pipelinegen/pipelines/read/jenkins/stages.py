"""Stages as jobs: what is gathered of each, and what those around it say for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pipelinegen.pipelines.read import names
from pipelinegen.pipelines.read.jenkins.steps import Around, Found, State, lines_of
from pipelinegen.pipelines.read.jenkins.values import Quoted
from pipelinegen.pipelines.reading import Approval, Foreign, Job, Named, Trigger

OUTSIDE = "pipeline"


@dataclass(slots=True)
class Stages:
    """The jobs as they are found."""

    jobs: list[Job] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outer:
    """What the stages around a stage say for it."""

    around: Around
    images: tuple[Foreign, ...] = ()
    approvals: tuple[Approval, ...] = ()
    lock: str = ""
    runner: str = ""
    condition: str = ""
    matrix: bool = False
    environments: tuple[Named, ...] = ()


def job_of(state: State, name: str, line: int, found: Found, outer: Outer, needs: Sequence[str]) -> Job:
    around = outer.around
    shared = set(around.grants)
    # What holds for the whole stage is the stage's, and not told again for each step.
    steps = tuple(replace(step, grants=tuple(g for g in step.grants if g not in shared)) for step in found.steps)
    return Job(
        name,
        state.place(line),
        title=name,
        stage=name,
        needs=tuple(needs),
        environments=outer.environments,
        approvals=(*outer.approvals, *found.approvals),
        images=(*outer.images, *found.images),
        runner=outer.runner,
        variables=around.variables,
        grants=around.grants,
        steps=steps,
        condition=outer.condition,
        lock=found.locks[0] if found.locks else outer.lock,
        matrix=outer.matrix,
    )


def unique(name: str, stages: Stages) -> str:
    taken = {job.id for job in stages.jobs}
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name} ({number})", number + 1
    return unique


def pod_images(state: State, text: Quoted) -> list[Foreign]:
    found = []
    for line in lines_of(state, text):
        key, colon, value = line.text.strip().removeprefix("- ").partition(":")
        if key.strip() == "image" and colon and value.strip():
            found.append(names.image(value.strip().strip("'\""), line.place))
    return found
