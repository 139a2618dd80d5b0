"""Drift: who would notice that an environment is not what was asked for, after how long, and who heals it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.agent import Agent
from pipelinegen.pipelines.analyse.delivery import Delivery
from pipelinegen.pipelines.analyse.work import Work
from pipelinegen.pipelines.reading import Job, Place, Reading


@dataclass(frozen=True, slots=True)
class Drift:
    """found_by: nobody, schedule (a job looks), agent or configuration-management. healed_by: these, or a person."""

    environment: str | None
    tool: str
    found_by: str
    within: str
    healed_by: str
    why: str
    evidence: tuple[Place, ...]


def drift_of(
    reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery], agents: Sequence[Agent] = ()
) -> tuple[Drift, ...]:
    """For each environment and tool that a pipeline delivers by."""
    found: dict[tuple[str | None, str], Drift] = {}
    for each in deliveries:
        found.setdefault((each.environment, each.tool), _drift(reading, works, each, agents))
    return tuple(found.values())


def _drift(reading: Reading, works: Sequence[Work], delivery: Delivery, agents: Sequence[Agent]) -> Drift:
    key = (delivery.environment, delivery.tool)
    if delivery.model == "pull" or delivery.tool == "argocd":
        return _by_agent(delivery, agents)
    looks = _looks(reading, works, delivery)
    if looks is not None:
        job, when = looks
        what = f"{job.shown} runs by schedule ({when})"
        return Drift(
            *key, "schedule", when, "a person", f"{what} and compares; a person must act on what it says", (job.place,)
        )
    if _by_schedule(reading) and not _for_something_else(works, delivery):
        when = ", ".join(each.detail for each in reading.triggers if each.kind == "schedule")
        place = next(each.place for each in reading.triggers if each.kind == "schedule")
        return Drift(
            *key, "nobody", "", "schedule", f"the delivery itself runs by schedule ({when}) and overwrites", (place,)
        )
    if delivery.tool in {"chef", "puppet"} and not _local(works, delivery):
        why = f"the {delivery.tool} client on each host, 30 minutes by default, if it runs as a service"
        return Drift(*key, "configuration-management", "30m", "configuration-management", why, delivery.evidence)
    return Drift(
        *key,
        "nobody",
        "",
        "nobody",
        "nothing looks between two deliveries; the next one overwrites some of it",
        delivery.evidence,
    )


def _by_agent(delivery: Delivery, agents: Sequence[Agent]) -> Drift:
    own = [each for each in agents if each.environment == delivery.environment] or [
        each for each in agents if each.environment is None
    ]
    if not own:
        why = "the agent, as its own manifests say; they are not among the files given (--agent)"
        return Drift(delivery.environment, delivery.tool, "agent", "", "agent", why, delivery.evidence)
    agent = own[0]
    healed = "agent" if agent.automatic and agent.heals else "a person"
    then = "heals" if healed == "agent" else "tells, and does not heal"
    why = f"{agent.kind} looks every {agent.interval or '?'}; it {then}"
    return Drift(delivery.environment, delivery.tool, "agent", agent.interval, healed, why, agent.evidence)


def _by_schedule(reading: Reading) -> bool:
    return any(each.kind == "schedule" for each in reading.triggers)


def _looks(reading: Reading, works: Sequence[Work], delivery: Delivery) -> tuple[Job, str] | None:
    """A job that only compares, and runs by schedule."""
    if not _by_schedule(reading):
        return None
    when = ", ".join(each.detail for each in reading.triggers if each.kind == "schedule")
    found: list[Job] = []
    for work in works:
        dry = any(run.effect is not None and run.effect.does == "dry" for run in work.runs)
        delivers = work.job.name == delivery.job
        condition = work.job.condition
        scheduled = "schedule" in condition or "TimerTrigger" in condition or "drift" in work.job.shown.lower()
        if dry and not delivers and scheduled:
            found.append(work.job)
    own = [job for job in found if delivery.environment and delivery.environment in f"{job.shown} {job.id}"]
    return next(((job, when) for job in (*own, *found)), None)


def _for_something_else(works: Sequence[Work], delivery: Delivery) -> bool:
    """Does the job of the delivery keep itself out of scheduled runs?"""
    job = next((work.job for work in works if work.job.name == delivery.job), None)
    condition = job.condition if job is not None else ""
    return any(
        word in condition
        for word in (
            "event_name == 'push'",
            "!= 'schedule'",
            '== "push"',
            '!= "schedule"',
            "refs/tags",
            "CI_COMMIT_TAG",
        )
    )


def _local(works: Sequence[Work], delivery: Delivery) -> bool:
    """Without a server nothing runs on the hosts by itself."""
    commands = [run.command for work in works if work.job.name == delivery.job for run in work.runs]
    servers = {"knife", "berks", "r10k"}
    agents = any(
        each.program == "puppet" and each.arguments[:1] in {("agent",), ("code",), ("job",)} for each in commands
    )
    return not agents and not any(each.program in servers for each in commands)
