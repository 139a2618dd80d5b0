"""Which job changes which environment, by which tool, and whether it pushes there or changes a manifest repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelinegen.pipelines.analyse import manifests
from pipelinegen.pipelines.analyse.actions import Known
from pipelinegen.pipelines.analyse.naming import environment_in
from pipelinegen.pipelines.analyse.work import Run, Work
from pipelinegen.pipelines.read.jenkins.known import KNOWN_PLUGINS
from pipelinegen.pipelines.reading import Job, Place, Setting, Step
from pipelinegen.pipelines.shell.lexer import commands_in
from pipelinegen.pipelines.shell.tools import Tool, effect_of, is_remote_docker, option, reads_manifests_of

Model = Literal["push", "pull"]
_CLUSTER_TOOLS = frozenset({"kubectl", "helm", "kustomize"})
_DEPLOYS = re.compile(r"deploy|release|prod|staging|rollout", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way by which an environment changes. environment is None where the file names none.

    named: where the name comes from: environment (the CI system's own word), job or command.
    """

    environment: str | None
    model: Model
    job: str
    tool: Tool
    evidence: tuple[Place, ...]
    verb: str
    declarative: bool
    named: str = ""
    repository: str = ""


def deliveries_of(works: Sequence[Work]) -> tuple[Delivery, ...]:
    """The deliveries of a pipeline, one for each environment, job and tool."""
    found: list[Delivery] = []
    for work in works:
        found += _pushed(work)
        found += _pulled(work)
    return tuple(_merged(found))


def _merged(several: Iterable[Delivery]) -> list[Delivery]:
    merged: dict[tuple[str | None, str, str, str], Delivery] = {}
    for each in several:
        key = (each.environment, each.job, each.tool, each.model)
        known = merged.get(key)
        if known is None:
            merged[key] = each
            continue
        evidence = tuple(dict.fromkeys((*known.evidence, *each.evidence)))
        merged[key] = Delivery(
            known.environment,
            known.model,
            known.job,
            known.tool,
            evidence,
            each.verb if "pull request" in each.verb else known.verb,
            known.declarative or each.declarative,
            known.named,
            known.repository or each.repository,
        )
    return list(merged.values())


def _pushed(work: Work) -> list[Delivery]:
    found: list[Delivery] = []
    skip_cluster = work.local_cluster and not holds_cluster_credential(work.job)
    skip_ssh = _only_looks(work)
    for run in work.runs:
        effect = run.effect
        if effect is not None and effect.tool == "ssh" and skip_ssh:
            continue
        if effect is None or effect.does not in {"deliver", "undo"} or not _counts(work, run):
            continue
        tool = tool_of(work, run)
        if tool in _CLUSTER_TOOLS and skip_cluster and "ssh" not in run.command.via:
            continue
        found += _delivery(work.job, tool, "push", run.command.place, effect.verb, effect.declarative, _words(run))
    for _, step, action in work.actions():
        if action is not None and action.delivers and not (skip_cluster and action.delivers in _CLUSTER_TOOLS):
            if not _acts(step, action):
                continue
            words = " ".join(each.value for each in step.inputs if "${{" not in each.value)
            found += _delivery(work.job, action.delivers, "push", step.place, action.verb, False, words)  # type: ignore[arg-type]  # of the table
    for step in work.job.steps:
        if step.kind == "plugin" and KNOWN_PLUGINS.get(step.name) and not is_dry(step.inputs):
            words = " ".join(each.value for each in step.inputs)
            found += _delivery(work.job, KNOWN_PLUGINS[step.name], "push", step.place, step.name, False, words)  # type: ignore[arg-type]  # of the table
    return found


# The programs whose arguments an action is given.
_PROGRAMS = {"kubectl": "kubectl", "helm": "helm", "argocd": "argocd", "ansible": "ansible-playbook"}


def _acts(step: Step, action: Known) -> bool:
    """Does an action that is given the arguments of a program change something by them?"""
    program = "terragrunt" if action.verb == "terragrunt" else _PROGRAMS.get(action.delivers, "")
    given = next(
        (s for name in ("args", "command", "options", "tg_command") if (s := step.input(name)) is not None), None
    )
    if given is None or not program or "${{" in given.value:
        return True
    text = given.value.removeprefix(f"{program} ")
    target = " site.yml" if program == "ansible-playbook" else ""
    effects = [effect_of(each) for each in commands_in(f"{program} {text}{target}", given.place)]
    return any(each is not None and each.does in {"deliver", "undo"} for each in effects)


def _only_looks(work: Work) -> bool:
    """Is all that is known of what the job runs on hosts a dry run?"""
    inner = [run.effect for run in work.runs if run.effect is not None and "ssh" in run.command.via]
    return any(effect.does == "dry" for effect in inner) and all(effect.does in {"dry", "watch"} for effect in inner)


def is_dry(inputs: Sequence[Setting]) -> bool:
    """Is a step of a plugin told to change nothing?"""
    text = " ".join(each.value for each in inputs)
    return re.search(r"--check\b|--syntax-check|--dry-run", text) is not None


def holds_cluster_credential(job: Job) -> bool:
    """Does a secret of the job say by its name that it is for a cluster?"""
    from pipelinegen.pipelines.analyse.naming import sort_of

    return any(sort_of(grant.name).target == "cluster" or grant.target == "cluster" for grant in job.everything())


def _counts(work: Work, run: Run) -> bool:
    """Docker on the runner itself is a test, unless the job says that the runner is the environment."""
    if run.effect is None or run.effect.tool != "compose":
        return True
    if any(via in {"ssh", "plink", "gcloud", "az"} for via in run.command.via) or is_remote_docker(
        run.command, run.values
    ):
        return True
    if run.effect.verb.startswith(("stack", "service")):
        return True
    names_it = bool(work.job.environments) or _DEPLOYS.search(work.job.shown) is not None
    return names_it and run.effect.verb in {"compose up", "compose restart", "compose down", "run"}


def tool_of(work: Work, run: Run) -> Tool:
    """The tool by which a command changes an environment: what feeds kubectl decides where it is fed."""
    effect = run.effect
    if effect is None or effect.tool != "kubectl" or effect.verb not in {"apply", "replace", "create", "delete"}:
        return effect.tool if effect is not None else "kubectl"
    feeders = [each.program for each in run.command.upstream()]
    fed = [each for each in run.command.upstream() if "kustomize" in each.arguments]
    if "kustomize" in feeders or fed:
        return "kustomize"
    if "helm" in feeders:
        return "helm"
    file = option(run.command, "-f", "--filename")
    written = _written_by(work, file) if file else ""
    if written:
        return "kustomize" if written == "kustomize" else "helm"
    overlaid = option(run.command, "-k", "--kustomize")
    if overlaid and reads_manifests_of([each.command for each in work.runs]):
        return "kustomize"
    return "kubectl"


def _written_by(work: Work, file: str) -> str:
    """The program that made a file of manifests: kustomize or helm, where one of them did."""
    for each in work.runs:
        if any(word.text == file for _, word in each.command.redirects):
            if each.command.program == "kustomize" or "kustomize" in each.command.arguments[:1]:
                return "kustomize"
            if each.command.program == "helm":
                return "helm"
    return ""


def _pulled(work: Work) -> list[Delivery]:
    found: list[Delivery] = []
    for change in manifests.changes_of(work):
        words = " ".join(change.words)
        names = change.environments or ("",)
        for name in names:
            found += _delivery(
                work.job, "manifest-repository", "pull", change.place, change.how, True, words, name, change.repository
            )
    return found


def _words(run: Run) -> str:
    return " ".join((*run.command.arguments, *(word.text for _, word in run.command.assignments)))


def _delivery(
    job: Job,
    tool: Tool,
    model: Model,
    place: Place,
    verb: str,
    declarative: bool,
    words: str,
    given: str = "",
    repository: str = "",
) -> list[Delivery]:
    return [
        Delivery(name, model, job.name, tool, (place,), verb, declarative, named, repository)
        for name, named in environments_of(job, words, given)
    ]


def environments_of(job: Job, words: str, given: str = "") -> list[tuple[str | None, str]]:
    """The environments of a job that a command changes, and where their names stand."""
    if given:
        return [(given, "command")]
    named = [each.name for each in job.environments]
    if named:
        computed = [name for name in named if re.fullmatch(r"\s*(?:\$\{\{.*\}\}|\$\{?\w+\}?)\s*", name, re.DOTALL)]
        return [(None if name in computed else name, "environment") for name in dict.fromkeys(named)]
    for text, source, certain in ((job.shown, "job", True), (job.id, "job", True), (words, "command", False)):
        name = environment_in(text, certain=certain)
        if name:
            return [(name, source)]
    return [(None, "")]
