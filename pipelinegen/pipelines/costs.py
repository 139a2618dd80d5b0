"""What the pull style costs: told beside what it saves, since a report that only flatters is an advertisement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelinegen.pipelines.reading import Place

if TYPE_CHECKING:
    from pipelinegen.pipelines.compared import Facts


@dataclass(frozen=True, slots=True)
class Cost:
    what: str
    why: str
    evidence: tuple[Place, ...] = ()


def costs_of(pulled: Sequence[Facts], *, proposed: bool = False) -> tuple[Cost, ...]:
    """The costs of the pull pipelines among those that are compared; none where there is none.

    proposed: of a pull pipeline that would be in the place of these.
    """
    if not pulled:
        return ()
    deliveries = [each for facts in pulled for each in facts.deliveries if each.model == "pull"]
    agents = [agent for facts in pulled for agent in facts.agents]
    writers = [each for facts in pulled for each in facts.stored if each.target == "manifest-repository"]
    elsewhere = [each for each in deliveries if each.repository]
    intervals = sorted({agent.interval for agent in agents if agent.interval})
    delay = (
        f"up to one interval ({', '.join(intervals)})"
        if intervals
        else "up to one interval of the agent (Argo CD: 3 minutes)"
    )
    found = [
        Cost(
            "an agent with wide rights",
            "it may change all that it manages, and must be installed, updated and watched inside each cluster",
            tuple(agent.place for agent in agents),
        ),
        Cost(
            "delay",
            f"a change waits {delay} after the merge, unless a webhook tells the agent",
            tuple(p for a in agents for p in a.evidence[:1]),
        ),
        Cost(
            "no answer for plain hosts",
            "hosts without Kubernetes have no such agent; there it is push, or an agent of configuration management",
        ),
        Cost(
            "success is not seen by the pipeline",
            "the job ends when the change is proposed or pushed; whether it became healthy must be observed separately",
            tuple(each.evidence[0] for each in deliveries[:1]),
        ),
    ]
    if elsewhere or proposed:
        found.insert(
            1,
            Cost(
                "a second repository",
                "with rules, reviewers and checks of its own, whose history must be kept; who may merge there deploys",
                tuple(dict.fromkeys(each.evidence[0] for each in elsewhere)),
            ),
        )
    if writers:
        names = ", ".join(dict.fromkeys(each.name for each in writers))
        found.append(
            Cost(
                "still a credential that leads to production",
                f"{names} writes to the manifest repository: where no review is asked for, that is a deployment",
                tuple(dict.fromkeys(each.evidence[0] for each in writers)),
            )
        )
    return tuple(found)
