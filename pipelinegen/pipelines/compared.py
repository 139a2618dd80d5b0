"""All facts of one pipeline together, and the document of `compare` that is made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelinegen.pipelines.analyse.credentials import Credential, credentials_of
from pipelinegen.pipelines.analyse.delivery import Delivery, deliveries_of
from pipelinegen.pipelines.analyse.doubts import unknown_of
from pipelinegen.pipelines.analyse.work import Work, work_of
from pipelinegen.pipelines.reading import Place, Reading, Unknown

SCHEMA = "pipelinegen.compare/1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about one pipeline."""

    reading: Reading
    works: tuple[Work, ...]
    deliveries: tuple[Delivery, ...]
    credentials: tuple[Credential, ...]
    unknown: tuple[Unknown, ...]


def facts_of(reading: Reading) -> Facts:
    """Everything that follows from a reading."""
    works = work_of(reading)
    deliveries = deliveries_of(works)
    credentials = credentials_of(reading, works)
    return Facts(reading, works, deliveries, credentials, unknown_of(reading, works, deliveries, credentials))


def document(several: Sequence[Facts]) -> dict[str, Any]:
    """The JSON document (contract, section 5)."""
    return {
        "schema": SCHEMA,
        "result": "compared" if len(several) > 1 else "told",
        "pipelines": [_pipeline(f) for f in several],
    }


def _pipeline(facts: Facts) -> dict[str, Any]:
    reading = facts.reading
    return {
        "file": reading.file,
        "system": reading.system,
        "unknown": [_unknown(each) for each in facts.unknown],
        "delivery": [_delivery(each) for each in facts.deliveries],
        "credentials": [_credential(each) for each in facts.credentials],
    }


def _unknown(each: Unknown) -> dict[str, Any]:
    return {"line": each.place.line, "what": each.what, "file": each.place.file}


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
        "note": each.note,
    }


def places(several: Sequence[Place]) -> list[Mapping[str, Any]]:
    return [{"file": each.file, "line": each.line} for each in several]
