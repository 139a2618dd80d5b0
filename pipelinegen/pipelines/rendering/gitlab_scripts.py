"""How the steps of a job become GitLab's variables and scripts, in which no value stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from types import MappingProxyType

from pipelinegen.errors import Defect
from pipelinegen.pipelines.model import (
    Answer,
    Credential,
    Custom,
    Each,
    Fact,
    Job,
    Literally,
    Run,
    Step,
    Use,
    Value,
)
from pipelinegen.pipelines.pins import images
from pipelinegen.pipelines.rendering.gitlab_rules import question_variable

# Variables of the project and its groups win over those of a job: a NAMESPACE or URL that somebody has set for another
# purpose would say where is deployed. So a step's variables have names of their own.
# https://docs.gitlab.com/ci/variables/#cicd-variable-precedence
OWN = "STEP_"
MATRIX = "MATRIX_IMAGE"
# What GitLab knows of a run. A variable that is not there in every pipeline is empty in the others.
FACTS: Mapping[str, str] = MappingProxyType(
    {
        "commit": "$CI_COMMIT_SHA",
        "branch": "${CI_COMMIT_BRANCH:-}",
        "tag": "${CI_COMMIT_TAG:-}",
        "ref": "$CI_COMMIT_REF_NAME",
        "actor": "$GITLAB_USER_LOGIN",
        "event": "$CI_PIPELINE_SOURCE",
        "repository-url": "$CI_PROJECT_URL",
        "run-url": "$CI_PIPELINE_URL",
        "temporary-folder": "$JOB_TEMP",
        "workspace": "$CI_PROJECT_DIR",
    }
)
# GitLab's own names for the token that every job has.
_JOB_TOKEN = MappingProxyType({"username": "CI_REGISTRY_USER", "password": "CI_REGISTRY_PASSWORD"})
# All steps of a job share one shell. One of these words would reach beyond its step.
_OWN_SHELL = re.compile(r"(?:^|[;&|({\s])(?:cd|pushd|exit|exec|trap|umask|shopt|set|unset|return|export)\b")
_SIGNS = re.compile(r"[^\w .,:;()/@+='-]")
_HERE_DOCUMENT = re.compile(r"(?<!<)<<(?!<)")


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a script: lines of shell, or the name of a block for the user's own items."""

    lines: tuple[str, ...] = ()
    block: str = ""


@dataclass(frozen=True, slots=True)
class Scripts:
    """What a job does. after: also when it has failed."""

    variables: Mapping[str, str] = field(default_factory=dict)
    script: tuple[Item, ...] = ()
    after: tuple[Item, ...] = ()


def scripts_of(job: Job) -> Scripts:
    """The scripts of a job. GitLab checks out by itself, and has no actions: some are a command here."""
    steps = [own for step in job.steps if (own := _own(step))]
    job = replace(job, steps=tuple(steps))
    names = _Names(job)
    items = [(step, _item(step, names)) for step in steps]
    return Scripts(
        names.variables,
        tuple(item for step, item in items if not _late(step)),
        tuple(item for step, item in items if _late(step)),
    )


def opening(job: Job) -> tuple[Run, ...]:
    """The steps that a job begins with and that say nothing of this job alone: they bring the programs."""
    found: list[Run] = []
    for step in job.steps:
        if isinstance(step, Run):
            if not step.installs or step.when != "success":
                break
            found.append(step)
        elif isinstance(step, Custom):
            break
    return tuple(found)


def variable_name(credential: Credential, part: str = "") -> str:
    """The variable that holds a credential, or one part of it; GitLab has names of its own for a job's token."""
    if credential.kind == "job-token":
        return _JOB_TOKEN.get(part.lower(), "CI_JOB_TOKEN") if credential.target == "registry" else "CI_JOB_TOKEN"
    return f"{credential.name}_{part.upper()}" if part else credential.name


def _own(step: Step) -> Run | Custom | None:
    """A step as GitLab has it."""
    if isinstance(step, Run | Custom):
        return step
    if isinstance(step, Use) and step.action == "setup-qemu-action":
        emulators = Literally(str(images()["binfmt"]))
        return Run(step.name, ('docker run --privileged --rm "$EMULATORS" --install all',), {"EMULATORS": emulators})
    return None


def _late(step: Step) -> bool:
    return isinstance(step, Run) and step.when != "success"


class _Names:
    """Which variable holds each value of a job's steps: GitLab has variables of jobs, none of steps."""

    def __init__(self, job: Job) -> None:
        self._credentials = {credential.name: credential for credential in job.credentials}
        self._runs = [step for step in job.steps if isinstance(step, Run)]
        self.variables: dict[str, str] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        for run in self._runs:
            for name, value in run.env.items():
                if isinstance(value, Literally):
                    self._hold(name, value.text)

    def exports(self, run: Run) -> list[str]:
        """The lines that give a step its values where the variable has another name."""
        lines = []
        for name, value in run.env.items():
            expression = self._expression(name, value)
            if expression != f"${name}":
                lines.append(f'export {name}="{expression}"')
        return lines

    def _hold(self, name: str, text: str) -> None:
        own = f"{OWN}{name}"
        alias = self._aliases.setdefault((name, text), own if self._means_one(name) else self._other(own))
        self.variables[alias] = text

    def _other(self, name: str) -> str:
        """A name that no step knows."""
        known = {f"{OWN}{known}" for run in self._runs for known in run.env} | set(self.variables)
        return next(other for number in count(1) if (other := f"{name}_{number}") not in known)

    def _means_one(self, name: str) -> bool:
        """Do all steps that know the variable know it with one value?"""
        return len({run.env[name] for run in self._runs if name in run.env}) == 1

    def _expression(self, name: str, value: Value) -> str:
        if isinstance(value, Literally):
            return f"${self._aliases[name, value.text]}"
        if isinstance(value, Fact):
            return FACTS[value.name]
        if isinstance(value, Answer):
            return f"${question_variable(value.name)}"
        if isinstance(value, Each):
            return f"${MATRIX}"
        if value.credential not in self._credentials:
            raise Defect(f"the job has no credential {value.credential}", id="unknown-credential")
        return f"${variable_name(self._credentials[value.credential], value.part)}"


def _item(step: Step, names: _Names) -> Item:
    if isinstance(step, Custom):
        return Item(block=step.name)
    if not isinstance(step, Run):
        raise Defect(f"{step!r} is no step of a script", id="unknown-step")
    exports = names.exports(step)
    title = _title(step.name)
    if step.when == "failure":
        return Item(
            (title, 'if [[ "$CI_JOB_STATUS" != success ]]; then (', *_indented([*exports, *step.script]), "); fi")
        )
    if exports or any(_OWN_SHELL.search(line) for line in step.script):
        return Item((title, "(", *_indented([*exports, *step.script]), ")"))
    return Item((title, *step.script))


def _title(name: str) -> str:
    """The first line of an item. Runners echo it before they run the item, and gitlab-ci-local lets a shell read it on
    the way: what stands between backticks there is run. So it has words and harmless signs alone."""
    return f"# {_SIGNS.sub('?', name)}".rstrip()


def _indented(lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    # The end of a here-document must stand at the beginning of its line.
    move: Callable[[str], str] = str if any(_HERE_DOCUMENT.search(line) for line in lines) else _moved
    return [move(line) for line in lines]


def _moved(line: str) -> str:
    return f"  {line}" if line.strip() else line
