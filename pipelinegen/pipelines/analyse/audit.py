"""Audit and approval: what a change of an environment leaves behind, and who must agree before it happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.delivery import Delivery
from pipelinegen.pipelines.analyse.work import Work
from pipelinegen.pipelines.reading import Approval, Job, Place, Reading


@dataclass(frozen=True, slots=True)
class Audit:
    """approval: review (of a pull request), manual, input, environment (rules that the forge keeps), or none."""

    environment: str | None
    job: str
    approval: str
    who: str
    trail: str
    evidence: tuple[Place, ...]


_HOW = {
    "manual": "a person presses a button",
    "input": "a person answers",
    "environment": "whatever rules the CI system keeps for the environment; they are in no file",
}


def audits_of(reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery]) -> tuple[Audit, ...]:
    """For each environment and job that delivers."""
    jobs = {work.job.id: work.job for work in works}
    found: dict[tuple[str | None, str], Audit] = {}
    for each in deliveries:
        key = (each.environment, each.job)
        known = found.get(key)
        if known is None or (known.approval == "none" and each.model == "pull"):
            found[key] = _audit(reading, jobs, each)
    return tuple(found.values())


def _audit(reading: Reading, jobs: dict[str, Job], delivery: Delivery) -> Audit:
    own = [job for job in jobs.values() if job.name == delivery.job]
    approvals = [approval for job in own for approval in _before(jobs, job)]
    order = ("input", "manual", "environment")
    best = min(approvals, key=lambda each: order.index(each.how)) if approvals else None
    if delivery.model == "pull":
        trail = "a commit in the manifest repository: who, when, what was before"
        if _is_reviewed(reading, delivery):
            return Audit(delivery.environment, delivery.job, "review", "who may merge there", trail, delivery.evidence)
        if best is None:
            return Audit(delivery.environment, delivery.job, "none", "", trail, delivery.evidence)
        return Audit(
            delivery.environment,
            delivery.job,
            best.how,
            best.who or _HOW[best.how],
            trail,
            (best.place, *delivery.evidence),
        )
    trail = f"the log of the run in {_SYSTEMS[reading.system]}, as long as it is kept"
    if best is None:
        return Audit(delivery.environment, delivery.job, "none", "", trail, delivery.evidence)
    return Audit(delivery.environment, delivery.job, best.how, best.who or _HOW[best.how], trail, (best.place,))


_SYSTEMS = {"github": "GitHub Actions", "gitlab": "GitLab CI", "jenkins": "Jenkins"}


def _is_reviewed(reading: Reading, delivery: Delivery) -> bool:
    if delivery.verb.startswith("pipelinegen"):
        return reading.delivers.get(delivery.environment or "", "pull-request") == "pull-request"
    return "pull request" in delivery.verb


def _before(jobs: dict[str, Job], job: Job) -> list[Approval]:
    """The approvals of a job, and of the jobs that it waits for."""
    found: list[Approval] = []
    waiting, seen = [job], {job.id}
    while waiting:
        each = waiting.pop()
        # An environment's rules hold for the job that names it; a button or a question holds up all that follows.
        found += [one for one in each.approvals if each is job or one.how != "environment"]
        for need in each.needs:
            if need in jobs and need not in seen:
                seen.add(need)
                waiting.append(jobs[need])
    return found
