"""What a pipeline file says, for any CI system: jobs, steps, secrets and where each is visible, with places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

System = Literal["github", "gitlab", "jenkins"]
# stored: kept by the CI system until somebody changes it. job: made for one job and worthless after it.
# oidc: a signed statement of who the job is, exchanged for something. file: written in clear in the pipeline itself.
Life = Literal["stored", "job", "oidc", "file"]
Scope = Literal["pipeline", "job", "step"]


class Files(Protocol):
    """The other files of the repository that a pipeline may name."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file, by its path from the root of the repository; None where there is none."""

    def match(self, pattern: str) -> list[str]:
        """The files that a pattern with `*` and `**` names, in order."""

    def shown(self, path: str) -> str:
        """The path as people here would write it."""


class NoFiles:
    """A pipeline that is read alone."""

    def read(self, path: str) -> bytes | None:
        del path
        return None

    def match(self, pattern: str) -> list[str]:
        del pattern
        return []

    def shown(self, path: str) -> str:
        return path


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file, counted from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, order=True)
class Unknown:
    """Something that is not understood, so that nothing may be concluded from it."""

    place: Place
    what: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a script."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Setting:
    """A name and its value as it is written: a variable, or an input of an action or a plugin's step."""

    name: str
    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class Grant:
    """A secret that becomes visible, where, and as what.

    holder: the variable or input that holds it; empty where it is written into a script by itself.
    via: env, with, script, binding (of a plugin), container (the login for its image), call (handed to code elsewhere).
    kind and target are what the binding itself says about it, where it does.
    """

    name: str
    life: Life
    place: Place
    scope: Scope
    via: str
    holder: str = ""
    kind: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Code of others that a job runs: an action or an image. pinned: commit, digest, tag, branch or none."""

    name: str
    place: Place
    pinned: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step. kind: run (a script), action (`uses`), call, plugin (a step of Jenkins) or image."""

    name: str
    place: Place
    kind: str
    script: tuple[Line, ...] = ()
    shell: str = ""
    uses: Foreign | None = None
    inputs: tuple[Setting, ...] = ()
    variables: tuple[Setting, ...] = ()
    grants: tuple[Grant, ...] = ()
    condition: str = ""

    def input(self, name: str) -> Setting | None:
        """An input by its name; GitHub takes them in any case."""
        lowered = name.lower()
        return next((each for each in self.inputs if each.name.lower() == lowered), None)


@dataclass(frozen=True, slots=True)
class Named:
    """An environment as the file names it. dynamic: its name is made when the pipeline runs."""

    name: str
    place: Place
    dynamic: bool = False
    url: str = ""
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """A person must agree. how: manual (a button), input (a question), environment (rules that the forge keeps)."""

    how: str
    place: Place
    who: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    scope: str
    level: str
    place: Place


@dataclass(frozen=True, slots=True)
class Job:
    """One job (a stage, in Jenkins)."""

    id: str
    place: Place
    title: str = ""
    stage: str = ""
    needs: tuple[str, ...] = ()
    environments: tuple[Named, ...] = ()
    approvals: tuple[Approval, ...] = ()
    images: tuple[Foreign, ...] = ()
    runner: str = ""
    permissions: tuple[Permission, ...] = ()
    variables: tuple[Setting, ...] = ()
    grants: tuple[Grant, ...] = ()
    steps: tuple[Step, ...] = ()
    condition: str = ""
    lock: str = ""
    matrix: bool = False
    # The job of this file that calls a file with this one in it.
    caller: str = ""

    @property
    def name(self) -> str:
        """The job of the pipeline's own file that this one belongs to."""
        return self.caller or self.id

    @property
    def shown(self) -> str:
        """Its title, for people."""
        return self.title or self.id

    def everything(self) -> Iterator[Grant]:
        """Each grant of the job, of all scopes."""
        yield from self.grants
        for step in self.steps:
            yield from step.grants

    def foreign(self) -> Iterator[Foreign]:
        """The code of others that runs in it."""
        yield from (image for image in self.images if not image.own)
        yield from (step.uses for step in self.steps if step.uses is not None and not step.uses.own)


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts the pipeline. kind: push, pull-request, tag, schedule, manual, call, other."""

    kind: str
    detail: str
    place: Place


@dataclass(frozen=True, slots=True)
class Reading:
    """One pipeline file, read."""

    file: str
    system: System
    name: str = ""
    triggers: tuple[Trigger, ...] = ()
    jobs: tuple[Job, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    # The text of each file that was read on the way, for showing the lines that prove a fact.
    texts: Mapping[str, str] = field(default_factory=dict)
    # How pipelinegen.yaml says that changes reach each environment's manifests, where a job runs our own commands.
    delivers: Mapping[str, str] = field(default_factory=dict)

    def job(self, name: str) -> Job | None:
        return next((job for job in self.jobs if job.id == name), None)
