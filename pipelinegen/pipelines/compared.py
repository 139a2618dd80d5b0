"""All facts of one pipeline together, and the document of `compare` that is made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelinegen.pipelines.analyse.agent import Agent
from pipelinegen.pipelines.analyse.audit import Audit, audits_of
from pipelinegen.pipelines.analyse.blast_radius import Radius, radius_of
from pipelinegen.pipelines.analyse.credentials import Credential, credentials_of
from pipelinegen.pipelines.analyse.delivery import Delivery, deliveries_of
from pipelinegen.pipelines.analyse.doubts import unknown_of
from pipelinegen.pipelines.analyse.drift import Drift, drift_of
from pipelinegen.pipelines.analyse.in_clear import masked
from pipelinegen.pipelines.analyse.recovery import Recovery, recoveries_of
from pipelinegen.pipelines.analyse.stages import Stage, stages_of
from pipelinegen.pipelines.analyse.truth import Source, sources_of
from pipelinegen.pipelines.analyse.work import work_of
from pipelinegen.pipelines.reading import Place, Reading, Unknown

SCHEMA = "pipelinegen.compare/1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about one pipeline."""

    reading: Reading
    deliveries: tuple[Delivery, ...]
    credentials: tuple[Credential, ...]
    unknown: tuple[Unknown, ...]
    sources: tuple[Source, ...]
    drift: tuple[Drift, ...]
    audits: tuple[Audit, ...]
    radius: Radius
    recoveries: tuple[Recovery, ...]
    stages: tuple[Stage, ...]
    agents: tuple[Agent, ...] = ()

    @property
    def styles(self) -> tuple[str, ...]:
        """push, pull, both, or none for a pipeline that delivers nowhere."""
        return tuple(dict.fromkeys(each.model for each in self.deliveries))

    @property
    def secrets(self) -> tuple[Credential, ...]:
        """The credentials without the names of who and where."""
        return tuple(each for each in self.credentials if not each.identifier)

    @property
    def stored(self) -> tuple[Credential, ...]:
        return tuple(each for each in self.secrets if each.stored)


def facts_of(reading: Reading, agents: Sequence[Agent] = ()) -> Facts:
    """Everything that follows from a reading, and from the manifests of the agent where they are given."""
    works = work_of(reading)
    deliveries = deliveries_of(works)
    credentials = credentials_of(reading, works)
    return Facts(
        reading,
        deliveries,
        credentials,
        unknown_of(reading, works, deliveries, credentials),
        sources_of(reading, works, deliveries, credentials),
        drift_of(reading, works, deliveries, agents),
        audits_of(reading, works, deliveries),
        radius_of(reading, works, deliveries, credentials),
        recoveries_of(reading, works, deliveries, credentials),
        stages_of(reading, works, deliveries),
        tuple(agents),
    )


def document(several: Sequence[Facts]) -> dict[str, Any]:
    """The JSON document (contract, section 5)."""
    from pipelinegen.pipelines.costs import costs_of

    pulled = [each for each in several if "pull" in each.styles]
    return {
        "schema": SCHEMA,
        "result": "compared" if len(several) > 1 else "told",
        "pipelines": [_pipeline(each) for each in several],
        "costs_of_pull": [
            {"what": cost.what, "why": cost.why, "evidence": places(cost.evidence)} for cost in costs_of(pulled)
        ],
    }


def _pipeline(facts: Facts) -> dict[str, Any]:
    reading = facts.reading
    return {
        "file": reading.file,
        "system": reading.system,
        "unknown": [_unknown(each) for each in facts.unknown],
        "delivery": [_delivery(each) for each in facts.deliveries],
        "credentials": [_credential(each) for each in facts.credentials],
        "sources_of_truth": [
            {"kind": each.kind, "what": each.what, "evidence": places(each.evidence)} for each in facts.sources
        ],
        "blast_radius": _radius(facts.radius),
        "drift": [
            {
                "environment": each.environment,
                "tool": each.tool,
                "found_by": each.found_by,
                "within": each.within or None,
                "healed_by": each.healed_by,
                "why": each.why,
                "evidence": places(each.evidence),
            }
            for each in facts.drift
        ],
        "audit": [
            {
                "environment": each.environment,
                "job": each.job,
                "approval": each.approval,
                "who": each.who,
                "trail": each.trail,
                "evidence": places(each.evidence),
            }
            for each in facts.audits
        ],
        "recovery": [
            {
                "environment": each.environment,
                "rollback_by": each.by,
                "rollback": list(each.rollback),
                "systems": list(each.systems),
                "rebuild": list(each.rebuild),
                "needs": list(each.needs),
                "evidence": places(each.evidence),
            }
            for each in facts.recoveries
        ],
        "stages": [
            {
                "flow": each.flow,
                "stage": each.name,
                "jobs": list(each.jobs),
                "outside": each.outside or None,
                "evidence": places(each.evidence),
            }
            for each in facts.stages
        ],
    }


def _unknown(each: Unknown) -> dict[str, Any]:
    return {"line": each.place.line, "what": masked(each.what), "file": each.place.file}


def _delivery(each: Delivery) -> dict[str, Any]:
    return {
        "environment": each.environment,
        "model": each.model,
        "job": each.job,
        "tool": each.tool,
        "evidence": places(each.evidence),
        "command": each.verb,
        "declarative": each.declarative,
    }


def _credential(each: Credential) -> dict[str, Any]:
    return {
        "name": each.name,
        "kind": each.kind,
        "stored": each.stored,
        "target": each.target,
        "jobs": list(each.jobs),
        "third_party": list(each.third_party),
        "evidence": places(each.evidence),
        "identifier": each.identifier,
        "environments": list(each.environments),
        "note": each.note or None,
    }


def _radius(radius: Radius) -> dict[str, Any]:
    return {
        "stored": radius.stored,
        "opening_an_environment": radius.writing,
        "jobs": list(radius.jobs),
        "third_party": radius.dependencies,
        "third_party_not_pinned": radius.moving,
        "reaches": [
            {
                "who": each.who,
                "name": each.name,
                "gets": list(each.gets),
                "environments": list(each.environments),
                "pinned": each.pinned or None,
                "evidence": places(each.evidence),
            }
            for each in radius.reaches
        ],
    }


def places(several: Sequence[Place]) -> list[Mapping[str, Any]]:
    """Evidence as the document has it."""
    return [{"file": each.file, "line": each.line} for each in several]
