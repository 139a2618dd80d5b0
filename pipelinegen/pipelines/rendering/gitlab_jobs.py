"""A job of a pipeline as GitLab's template writes it: its comments, rules, needs, environment and artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from textwrap import wrap
from types import MappingProxyType

from pipelinegen.pipelines.model import Artifact, Checkout, Credential, Job, Pipeline, Run
from pipelinegen.pipelines.rendering.gitlab_rules import Rule, job_rules, may_miss
from pipelinegen.pipelines.rendering.gitlab_scripts import MATRIX, Item, opening, scripts_of, variable_name

_WIDTH = 116
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


def opening_of(job: Job) -> tuple[Run, ...]:
    """The opening that may be shared: not where the job has other values under the same names."""
    begin = opening(job)
    ours, rest = scripts_of(replace(job, steps=begin)), scripts_of(_rest(job, begin))
    clash = any(rest.variables.get(name, text) != text for name, text in ours.variables.items())
    return () if clash else begin


def _rest(job: Job, begin: tuple[Run, ...]) -> Job:
    return replace(job, steps=tuple(step for step in job.steps if not any(step is one for one in begin)))


def written(job: Job, pipeline: Pipeline, extends: str, stage: str) -> Written:
    scripts = scripts_of(_rest(job, opening_of(job)))
    variables = dict(scripts.variables)
    checkout = next((step for step in job.steps if isinstance(step, Checkout)), None)
    if checkout is None:
        variables["GIT_STRATEGY"] = "none"
    elif checkout.history:
        variables["GIT_DEPTH"] = "0"
    return Written(
        job=job,
        stage=stage,
        extends=extends,
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
    return tuple(
        part for line in lines for part in wrap(line, _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    )


def _approved(job: Job) -> bool:
    return job.environment is not None and job.environment.approval and job.environment.action == "deploy"


def _kept(credential: Credential, job: Job) -> str:
    """Where a credential of a job comes from."""
    if credential.kind == "job-token":
        return "the token of the job itself"
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
