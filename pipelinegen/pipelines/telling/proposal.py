"""The pull pipeline in the place of a push pipeline, as text, as Markdown and as a part of the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipelinegen.markdown import escaped, fence, visible
from pipelinegen.pipelines.compared import places
from pipelinegen.pipelines.costs import costs_of
from pipelinegen.pipelines.replacing import Proposal
from pipelinegen.pipelines.telling.rows import where


def sections(proposal: Proposal, files: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Headings with their lines; the configuration is told apart."""
    file = proposal.facts.reading.file
    yield (
        "Credentials that CI would no longer hold",
        [
            f"{each.credential.name} ({each.credential.kind}): {each.purpose}  {where(each.credential.evidence, file)}"
            for each in proposal.gone
        ]
        or ["none that is seen"],
    )
    yield (
        "Credentials that stay",
        [f"{each.name} ({each.kind} for {each.target})  {where(each.evidence, file)}" for each in proposal.staying]
        or ["none"],
    )
    yield (
        "A credential that comes",
        ["one for the manifest repository alone: a GitHub App's, a project token, or a deploy key"],
    )
    if proposal.remaining:
        yield "What no agent can take over", list(proposal.remaining)
    yield (
        "What would be generated",
        list(files) or ["write the configuration, then `pipelinegen generate --style pull --dry-run` shows it"],
    )
    yield (
        "What people must decide",
        [f"{each.question} {each.why}  {where(each.places, file)}".rstrip() for each in proposal.decisions],
    )
    yield "What pull costs", [f"{cost.what}: {cost.why}" for cost in costs_of([proposal.facts], proposed=True)]


def text(proposal: Proposal, files: Sequence[str]) -> list[str]:
    """The report for a terminal."""
    lines = ["pipelinegen.yaml", ""]
    lines += [f"  {visible(line)}" for line in proposal.config.splitlines()]
    for heading, items in sections(proposal, files):
        lines += ["", heading, *(f"  - {visible(item)}" for item in items)]
    return lines


def markdown(proposal: Proposal, files: Sequence[str]) -> list[str]:
    """The report for a comment."""
    lines = [
        "### A pull pipeline in the place of this one",
        "",
        *fence(proposal.config.rstrip("\n"), "yaml").split("\n"),
    ]
    for heading, items in sections(proposal, files):
        lines += ["", f"**{escaped(heading)}**", "", *(f"- {escaped(item)}" for item in items)]
    return lines


def document(proposal: Proposal, files: Sequence[str]) -> dict[str, Any]:
    """The proposal in the document of --json."""
    return {
        "config": proposal.config,
        "files": list(files),
        "credentials_gone": [
            {"name": each.credential.name, "purpose": each.purpose, "evidence": places(each.credential.evidence)}
            for each in proposal.gone
        ],
        "credentials_staying": [each.name for each in proposal.staying],
        "not_for_an_agent": list(proposal.remaining),
        "decisions": [
            {"question": each.question, "why": each.why, "evidence": places(each.places)} for each in proposal.decisions
        ],
    }
