"""Rollback and disaster recovery: the steps, who does them, which systems must be alive, what is needed beyond git."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.credentials import Credential
from pipelinegen.pipelines.analyse.delivery import Delivery
from pipelinegen.pipelines.analyse.work import Work
from pipelinegen.pipelines.reading import Place, Reading


@dataclass(frozen=True, slots=True)
class Recovery:
    """rollback: how an environment gets the version before; by is git-revert, command (one in the pipeline) or re-run.

    rebuild: how an environment that is gone comes back; needs: what git does not have.
    """

    environment: str | None
    by: str
    rollback: tuple[str, ...]
    systems: tuple[str, ...]
    rebuild: tuple[str, ...]
    needs: tuple[str, ...]
    evidence: tuple[Place, ...]


_SYSTEMS = {"github": "GitHub Actions", "gitlab": "GitLab CI", "jenkins": "Jenkins"}
_TARGETS = {
    "kubectl": "the cluster's API",
    "helm": "the cluster's API",
    "kustomize": "the cluster's API",
    "argocd": "Argo CD",
    "terraform": "the state of Terraform",
    "ansible": "SSH to the hosts",
    "ssh": "SSH to the hosts",
    "compose": "SSH to the hosts",
    "chef": "the hosts, and the Chef server where there is one",
    "puppet": "the hosts, and the Puppet server where there is one",
    "cloud": "the cloud's API",
}


def recoveries_of(
    reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery], credentials: Sequence[Credential]
) -> tuple[Recovery, ...]:
    """For each environment that a pipeline delivers to."""
    found: dict[str | None, Recovery] = {}
    for name in dict.fromkeys(each.environment for each in deliveries):
        own = [each for each in deliveries if each.environment == name]
        pulled = [each for each in own if each.model == "pull"]
        found[name] = _pull(pulled) if pulled else _push(reading, works, own, credentials)
    return tuple(found.values())


def _pull(deliveries: Sequence[Delivery]) -> Recovery:
    first = deliveries[0]
    ours = first.verb.startswith("pipelinegen")
    revert = (
        f"pipelinegen rollback --env {first.environment or 'ENVIRONMENT'}"
        if ours
        else "git revert of the commit in the manifest repository"
    )
    return Recovery(
        first.environment,
        "git-revert",
        (revert, "merge it; the agent applies it"),
        ("the forge of the manifest repository", "the agent"),
        ("make the cluster", "install the agent", "apply its one root manifest; it brings the rest from git"),
        (
            "secrets of the cluster that are not in git",
            "data of volumes and databases",
            "the agent's key for the manifest repository",
        ),
        first.evidence,
    )


def _push(
    reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery], credentials: Sequence[Credential]
) -> Recovery:
    system = _SYSTEMS[reading.system]
    jobs = {each.job for each in deliveries}
    undoing = [
        run
        for work in works
        if work.job.name in jobs or "roll" in work.job.shown.lower()
        for run in work.runs
        if run.effect is not None and run.effect.does == "undo"
    ]
    named = [
        work.job for work in works if "rollback" in work.job.shown.lower() or "roll back" in work.job.shown.lower()
    ]
    targets = tuple(dict.fromkeys(_TARGETS.get(each.tool, each.tool) for each in deliveries))
    if undoing or named:
        command = undoing[0].command.shown if undoing else f"the job {named[0].shown}"
        place = undoing[0].command.place if undoing else named[0].place
        steps: tuple[str, ...] = ("find the version before in the history of runs", f"start it: {command}", "watch it")
        by, evidence = "command", (place, *deliveries[0].evidence[:0])
    else:
        steps = (
            "find the run that deployed the version before",
            "run it again, or revert the code and wait for build and tests",
            "watch it",
        )
        by, evidence = "re-run", deliveries[0].evidence[:1]
    opened = [each.name for each in credentials if each.stored and not each.identifier and set(each.jobs) & jobs]
    needs = ["which version ran last, from the history of runs", "data of volumes and databases"]
    needs += [f"{', '.join(opened)}, made anew for the new environment and stored in {system}"] if opened else []
    needs += ["the state of Terraform"] if any(each.tool == "terraform" for each in deliveries) else []
    rebuild = (
        "make the cluster, hosts or accounts",
        *(f"make and store {name} anew" for name in opened),
        "find which version of each application ran last",
        *(f"run {each} for it" for each in sorted(each for each in jobs if not re.search("roll.?back", each, re.I))),
    )
    name = deliveries[0].environment
    return Recovery(name, by, steps, (system, *targets, "the registry"), rebuild, tuple(needs), evidence)
