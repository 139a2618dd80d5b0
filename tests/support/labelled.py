"""The labelled pipelines: what people have written down about each, and what is computed from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelinegen.edge.beside import Beside
from pipelinegen.pipelines.compared import Facts, facts_of
from pipelinegen.pipelines.read import read

ROOT = Path(__file__).parent.parent / "pipelines-labelled"
# Each analysis that is labelled. `unknown` and `proof` are lines, named by what stands in them.
ANALYSES = (
    "delivery",
    "credentials",
    "seen_by",
    "unknown",
    "approval",
    "drift",
    "truth",
    "rollback",
    "stages",
)


@dataclass(frozen=True)
class Case:
    """One pipeline with its labels."""

    name: str
    folder: Path
    labels: Mapping[str, Any]

    def facts(self) -> Facts:
        file = self.labels["file"]
        return facts_of(read(file, (self.folder / file).read_bytes(), Beside(str(self.folder))))

    def line(self, facts: Facts, file: str, number: int) -> str:
        return facts.reading.texts[file].split("\n")[number - 1].strip()

    def expected(self, analysis: str) -> set[str]:
        return set(self.labels[analysis])

    def found(self, facts: Facts, analysis: str) -> set[str]:
        """What is computed, in the words of the labels."""
        return set(_COMPUTED[analysis](facts)) if analysis != "unknown" else self._unknown(facts)

    def _unknown(self, facts: Facts) -> set[str]:
        """The lines that are not understood, by the labels' words where one of them stands in the line."""
        labels = self.expected("unknown")
        lines = [self.line(facts, each.place.file, each.place.line) for each in facts.unknown]
        return {next((label for label in labels if label in line), line) for line in lines}

    def unproved(self, facts: Facts) -> list[str]:
        """The labelled proofs that are not among the evidence."""
        several = [each.evidence for each in facts.deliveries] + [each.evidence for each in facts.credentials]
        lines = [self.line(facts, place.file, place.line) for evidence in several for place in evidence]
        return [label for label in self.labels["proof"] if not any(label in line for line in lines)]


def cases() -> list[Case]:
    return [
        Case(str(path.parent.relative_to(ROOT)), path.parent, yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(ROOT.glob("*/*/labels.yaml"))
    ]


def _null(name: str | None) -> str:
    return name if name is not None else "null"


def _delivery(facts: Facts) -> Iterator[str]:
    for each in facts.deliveries:
        yield f"{_null(each.environment)} {each.model} {each.tool} {each.job}"


def _credentials(facts: Facts) -> Iterator[str]:
    for each in facts.credentials:
        yield f"{each.name} {each.kind} {each.life} {each.target}"


def _seen_by(facts: Facts) -> Iterator[str]:
    for each in facts.credentials:
        for name in (*each.jobs, *each.third_party):
            yield f"{each.name} {name}"


def _approval(facts: Facts) -> Iterator[str]:
    for each in facts.audits:
        yield f"{_null(each.environment)} {each.approval}"


def _drift(facts: Facts) -> Iterator[str]:
    for each in facts.drift:
        yield f"{_null(each.environment)} {each.found_by} {each.healed_by}"


def _truth(facts: Facts) -> Iterator[str]:
    for each in facts.sources:
        yield each.kind


def _rollback(facts: Facts) -> Iterator[str]:
    for each in facts.recoveries:
        yield f"{_null(each.environment)} {each.by}"


def _stages(facts: Facts) -> Iterator[str]:
    for each in facts.stages:
        if each.flow == "devops":
            for job in each.jobs:
                yield f"{each.name} {job}"


_COMPUTED = {
    "delivery": _delivery,
    "credentials": _credentials,
    "seen_by": _seen_by,
    "approval": _approval,
    "drift": _drift,
    "truth": _truth,
    "rollback": _rollback,
    "stages": _stages,
}
