"""Blast radius: what an attacker gets from one step, one dependency or one account, as a list and as counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.credentials import Credential
from pipelinegen.pipelines.analyse.delivery import Delivery
from pipelinegen.pipelines.analyse.work import Work
from pipelinegen.pipelines.reading import Foreign, Place, Reading

# What can change an environment, directly or through the manifests.
REACHING = frozenset({"cluster", "host", "cloud"})


@dataclass(frozen=True, slots=True)
class Reach:
    """One way in. who: dependency (code of others), step (scripts of a job) or account (who can change the file)."""

    who: str
    name: str
    gets: tuple[str, ...]
    environments: tuple[str, ...]
    pinned: str
    evidence: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Radius:
    """All ways in, and the counts of them that matter."""

    reaches: tuple[Reach, ...]
    stored: int
    writing: int
    jobs: tuple[str, ...]
    dependencies: int
    moving: int


def radius_of(
    reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery], credentials: Sequence[Credential]
) -> Radius:
    """What is within reach of each way into a pipeline.

    writing: stored credentials that open a cluster, host or cloud; jobs: where one of those is visible; dependencies:
    code of others that sees one; moving: those of them whose content can change without a change of the file.
    """
    real = [each for each in credentials if not each.identifier]
    reaches = (*_dependencies(works, real), *_steps(works, real), *_accounts(reading, deliveries, real))
    writing = [each for each in real if each.target in REACHING]
    seen = [each for each in reaches if each.who == "dependency" and _writes(each, writing)]
    return Radius(
        reaches,
        sum(each.stored for each in real),
        sum(each.stored for each in writing),
        tuple(dict.fromkeys(job for each in writing for job in each.jobs)),
        len(seen),
        sum(each.pinned not in {"commit", "digest"} for each in seen),
    )


def _writes(reach: Reach, writing: Sequence[Credential]) -> bool:
    return any(each.name in reach.gets for each in writing)


def _dependencies(works: Sequence[Work], credentials: Sequence[Credential]) -> Iterator[Reach]:
    foreign: dict[str, list[Foreign]] = {}
    for work in works:
        for each in work.job.foreign():
            foreign.setdefault(each.name, []).append(each)
    for name, several in foreign.items():
        held = [each for each in credentials if name in each.third_party]
        if held:
            yield Reach(
                "dependency",
                name,
                tuple(each.name for each in held),
                _environments(held),
                several[0].pinned,
                tuple(dict.fromkeys(each.place for each in several)),
            )


def _steps(works: Sequence[Work], credentials: Sequence[Credential]) -> Iterator[Reach]:
    """The scripts of a job, with what the job sees: a package that a build installs runs there."""
    names = dict.fromkeys(work.job.name for work in works)
    for name in names:
        held = [each for each in credentials if name in each.jobs]
        own = [work.job for work in works if work.job.name == name]
        if held and any(step.script for job in own for step in job.steps):
            yield Reach("step", name, tuple(each.name for each in held), _environments(held), "", (own[0].place,))


def _accounts(reading: Reading, deliveries: Sequence[Delivery], credentials: Sequence[Credential]) -> Iterator[Reach]:
    held = [each for each in credentials if each.stored or each.life == "oidc"]
    named = tuple(dict.fromkeys(each.environment or "(not named)" for each in deliveries))
    if held or deliveries:
        yield Reach(
            "account",
            "whoever can change this file on a branch that it runs for",
            tuple(e.name for e in held),
            named,
            "",
            (Place(reading.file, 1),),
        )


def _environments(held: Sequence[Credential]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in held if each.target in REACHING for name in each.environments))
