"""A pipeline as GitLab's `.gitlab-ci.yml`: hidden jobs hold what jobs share, the model decides the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from textwrap import wrap
from types import MappingProxyType

from pipelinegen.errors import Defect
from pipelinegen.pipelines.model import (
    DEVOPS,
    GITOPS,
    Artifact,
    Checkout,
    Credential,
    Fact,
    GeneratedFile,
    Job,
    Literally,
    Pipeline,
    Run,
)
from pipelinegen.pipelines.pins import images
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.gitlab_rules import Rule, job_rules, may_miss, question_variable, workflow_rules
from pipelinegen.pipelines.rendering.gitlab_scripts import FACTS, MATRIX, Item, Scripts, opening, scripts_of
from pipelinegen.pipelines.rendering.header import block, header

PATH = ".gitlab-ci.yml"
_WIDTH = 116
# Keywords of the root of the file, and names with a meaning of their own: a job of that name is no job.
# https://docs.gitlab.com/ci/jobs/#job-names
RESERVED = frozenset(
    [
        *("image", "services", "stages", "types", "before_script", "after_script", "variables", "cache", "include"),
        *("true", "false", "nil", "default", "workflow", "spec", "pages", "pages:deploy"),
    ]
)
# GitHub's label of a hosted runner says nothing to GitLab; any other label is a runner's tag.
_HOSTED = re.compile(r"(ubuntu|windows|macos)-[\w.-]+")
_TIERS = MappingProxyType(
    {
        "prod": "production",
        "live": "production",
        "stag": "staging",
        "pre": "staging",
        "test": "testing",
        "qa": "testing",
        "dev": "development",
    }
)


@dataclass(frozen=True, slots=True)
class Shared:
    """A hidden job: what jobs with one image and the same opening have in common."""

    name: str
    image: str
    scripts: Scripts
    docker: bool


@dataclass(frozen=True, slots=True)
class Need:
    job: str
    artifacts: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class Artifacts:
    paths: tuple[str, ...]
    junit: tuple[str, ...]
    always: bool
    private: bool


@dataclass(frozen=True, slots=True)
class Environment:
    name: str
    tier: str
    looks: bool
    url: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """A job as the template writes it."""

    job: Job
    stage: str
    extends: str
    comments: tuple[str, ...]
    rules: tuple[Rule, ...]
    needs: tuple[Need, ...]
    tokens: Mapping[str, str]
    variables: Mapping[str, str]
    script: tuple[Item, ...]
    after: tuple[Item, ...]
    artifacts: Artifacts | None
    environment: Environment | None


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
        tag=None if _HOSTED.fullmatch(pipeline.runner) else pipeline.runner,
        matrix=MATRIX,
        shared=tuple({one.name: one for one in shared.values()}.values()),
        jobs=[_written(job, pipeline, shared[job.id], stage_of[job.id]) for job in pipeline.jobs],
    )
    return (GeneratedFile(PATH, text),)


def variable_name(credential: Credential, part: str = "") -> str:
    """The variable of the project that a stored credential, or one part of it, is kept in."""
    return f"{credential.name}_{part.upper()}" if part else credential.name


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
        kind = f"{job.image} {_opening(job)!r}"
        if kind not in kinds:
            kinds[kind] = _hidden(job, {one.name for one in kinds.values()})
        found[job.id] = kinds[kind]
    return found


def _opening(job: Job) -> tuple[Run, ...]:
    """The opening that may be shared: not where the job has other values under the same names."""
    begin = opening(job)
    ours, rest = scripts_of(replace(job, steps=begin)), scripts_of(_rest(job, begin))
    clash = any(rest.variables.get(name, text) != text for name, text in ours.variables.items())
    return () if clash else begin


def _rest(job: Job, begin: tuple[Run, ...]) -> Job:
    return replace(job, steps=tuple(step for step in job.steps if not any(step is one for one in begin)))


def _hidden(job: Job, taken: set[str]) -> Shared:
    begin = _opening(job)
    words = [re.sub(r"^(?:install|get|set up)\s+", "", step.name, flags=re.IGNORECASE) for step in begin]
    docker = job.image == "docker"
    if docker:
        words.append("docker")
    slug = re.sub(r"[^a-z0-9]+", "-", "-and-".join(words).lower()).strip("-") or "plain"
    name = next(each for each in (f".{slug}", *(f".{slug}-{n}" for n in range(2, 99))) if each not in taken)
    image = images()["python" if docker else job.image]
    return Shared(name, str(image), scripts_of(replace(job, steps=begin)), docker)


def _written(job: Job, pipeline: Pipeline, shared: Shared, stage: str) -> Written:
    scripts = scripts_of(_rest(job, _opening(job)))
    variables = dict(scripts.variables)
    checkout = next((step for step in job.steps if isinstance(step, Checkout)), None)
    if checkout is None:
        variables["GIT_STRATEGY"] = "none"
    elif checkout.history:
        variables["GIT_DEPTH"] = "0"
    return Written(
        job=job,
        stage=stage,
        extends=shared.name,
        comments=_comments(job),
        rules=job_rules(job.when, pipeline.triggers, approval=_approved(job)),
        needs=tuple(_need(job, pipeline.job(needed)) for needed in job.needs),
        tokens={one.name: _audience(one) for one in job.credentials if one.kind == "oidc"},
        variables=variables,
        script=scripts.script,
        after=scripts.after,
        artifacts=_artifacts(job.produces),
        environment=_environment(job),
    )


def _comments(job: Job) -> tuple[str, ...]:
    """What the job does, which credentials it sees and why, and who must agree."""
    lines = [f"{job.title}. Stages: {', '.join(job.stages)}."]
    for one in job.credentials:
        names = ", ".join(variable_name(one, part) for part in one.parts or ("",))
        lines.append(f"  {names}: {_kept(one, job)}; {one.why} ({one.rights})")
    if job.environment and _approved(job):
        who = f" ({', '.join(job.environment.reviewers)})" if job.environment.reviewers else ""
        lines.append(
            f"A person starts it{who}: whoever may deploy to the protected environment {job.environment.name}."
        )
    return tuple(part for line in lines for part in wrap(line, _WIDTH, subsequent_indent="    "))


def _approved(job: Job) -> bool:
    return job.environment is not None and job.environment.approval and job.environment.action == "deploy"


def _kept(credential: Credential, job: Job) -> str:
    """Where a credential of a job comes from."""
    if credential.kind == "job-token":
        return "the token of the job itself, CI_JOB_TOKEN"
    if credential.kind == "oidc":
        return "the identity of the job itself"
    how = "a variable of type File" if credential.file else "a variable"
    # Protected variables are there for protected branches and tags alone, never for merge requests.
    how += ", masked" if "change" in job.when.events else ", masked and protected"
    return f"{how}, for the environment {environment_name(job)} alone" if credential.environment else how


def _need(job: Job, needed: Job) -> Need:
    takes = set(job.takes) & {artifact.name for artifact in needed.produces}
    return Need(needed.id, bool(takes), may_miss(needed, job))


def _audience(credential: Credential) -> str:
    """Whom an identity is meant for. Each credential has one: a token for one reader is nothing to another."""
    return "sigstore" if "SIGSTORE" in credential.name else "$CI_SERVER_URL"


def _artifacts(produced: Iterable[Artifact]) -> Artifacts | None:
    produced = tuple(produced)
    if not produced:
        return None
    return Artifacts(
        tuple(dict.fromkeys(_path(one) for one in produced if one.kind != "junit")),
        tuple(dict.fromkeys(_reports(one.path) for one in produced if one.kind == "junit")),
        any(one.kind in ("junit", "text") for one in produced),
        any(one.kind == "binary" for one in produced),
    )


def _path(artifact: Artifact) -> str:
    """A leg of a matrix looks for its own file alone."""
    leg = f"-{artifact.leg}."
    return artifact.path.replace(leg, f"-${MATRIX}.") if artifact.leg else artifact.path


def _reports(path: str) -> str:
    return path if path.endswith(".xml") else f"{path.rstrip('/')}/*.xml"


def environment_name(job: Job) -> str | None:
    """The environment whose variables a job gets.

    Merge requests get no protected variable, and what they get is to change nothing: their looks have an environment
    of their own, whose variables hold a credential that may only read.
    """
    if job.environment is None:
        return None
    look = job.environment.action == "look" and "change" in job.when.events
    return f"{job.environment.name}-look" if look else job.environment.name


def _environment(job: Job) -> Environment | None:
    name, environment = environment_name(job), job.environment
    if name is None or environment is None:
        return None
    looks = environment.action == "look"
    # A `$` would begin a variable of GitLab; its code in a URL does not.
    url = None if looks or environment.url is None else environment.url.replace("$", "%24")
    return Environment(name, _tier(environment.name), looks, url)


def _tier(name: str) -> str:
    """What GitLab would guess from the name, said openly. https://docs.gitlab.com/ci/environments/#deployment-tier"""
    found = [tier for part, tier in _TIERS.items() if part in name.lower()]
    return found[0] if found else "other"
