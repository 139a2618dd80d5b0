"""What a pipeline runs: each command with its step and job, and what it does to environments and repositories."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.actions import Known, known
from pipelinegen.pipelines.reading import Job, Reading, Step
from pipelinegen.pipelines.shell.git import GitAct, git_act
from pipelinegen.pipelines.shell.tools import Effect, effect_of
from pipelinegen.pipelines.shell.unwrap import Unwrapper
from pipelinegen.pipelines.shell.words import Command

# The shells of steps that are none.
OTHER_LANGUAGES = ("python", "node", "perl", "ruby", "deno", "bun")


@dataclass(frozen=True, slots=True)
class Run:
    """One command that a step runs."""

    step: int
    command: Command
    effect: Effect | None
    act: GitAct | None
    # The variables of its step whose values the pipeline says.
    values: Mapping[str, str]
    # The variables that reach the command in any way.
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Work:
    """What one job runs."""

    job: Job
    runs: tuple[Run, ...]
    # Are there more commands than were looked at?
    cut: bool = False

    @property
    def local_cluster(self) -> bool:
        """Does the job make a cluster of its own, which ends with it?"""
        return any(_makes_cluster(run.command) for run in self.runs) or any(
            action is not None and action.local for _, _, action in self.actions()
        )

    def actions(self) -> Iterator[tuple[int, Step, Known | None]]:
        """The actions of others, with what is known of them."""
        for number, step in enumerate(self.job.steps):
            if step.uses is not None and step.kind == "action":
                yield number, step, known(step.uses.name)

    def of_step(self, number: int) -> Iterator[Run]:
        return (run for run in self.runs if run.step == number)


def work_of(reading: Reading) -> tuple[Work, ...]:
    """What the jobs of a pipeline run, in their order."""
    return tuple(_work(job) for job in reading.jobs)


def _work(job: Job) -> Work:
    values = {each.name: each.value for each in job.variables if "${{" not in each.value}
    runs: list[Run] = []
    cut = False
    for number, step in enumerate(job.steps):
        if not step.script or step.shell.startswith(OTHER_LANGUAGES):
            continue
        own = {each.name: each.value for each in step.variables if "${{" not in each.value}
        unwrapper = Unwrapper({**values, **own})
        known = {**values, **own}
        runs += [
            Run(number, command, effect_of(command), git_act(command), known, frozenset(command.reads()))
            for command in unwrapper.run(step.script, step.shell)
        ]
        cut = cut or unwrapper.cut
    return Work(job, tuple(runs), cut)


def _makes_cluster(command: Command) -> bool:
    words = " ".join(command.arguments)
    patterns = {
        "kind": r"(?:create cluster|load|export|get)\b",
        "k3d": r"cluster create",
        "minikube": r"start",
        "curl": r".*\bget\.k3s\.io",
        "k3s": r"server",
        "microk8s": r"start|install",
        "ctlptl": r"create|apply",
    }
    pattern = patterns.get(command.program)
    return pattern is not None and re.match(pattern, words) is not None
