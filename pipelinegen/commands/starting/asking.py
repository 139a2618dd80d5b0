"""Ask on a terminal what a look cannot know; without one, the defaults stand."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TypeVar

from pipelinegen.commands.starting.proposal import Proposal
from pipelinegen.pipelines.grid import AGENTS, DEPLOYERS, SYSTEMS

T = TypeVar("T", bound=str)


def can_ask() -> bool:
    """Whether somebody sits there: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(proposal: Proposal) -> Proposal:
    """The proposal with a person's answers; Enter takes what is proposed."""
    manifests = _text("Manifest repository (address, or path from here)", proposal.manifests)
    why = proposal.manifests_why if manifests == proposal.manifests else "as you said"
    system = _choice("CI system", proposal.system, SYSTEMS)
    agent = _choice("Agent of the pull style", proposal.agent, AGENTS)
    deployer = _choice("Deployer of the push style", proposal.deployer, DEPLOYERS)
    return replace(
        proposal,
        manifests=manifests,
        manifests_why=why,
        system=system,
        system_why=proposal.system_why if system == proposal.system else "as you said",
        agent=agent,
        agent_why=proposal.agent_why if agent == proposal.agent else "as you said",
        deployer=deployer,
        deployer_why=proposal.deployer_why if deployer == proposal.deployer else "as you said",
    )


def _text(question: str, default: str) -> str:
    import click

    return str(click.prompt(question, default=default, err=True))


def _choice(question: str, default: T, choices: tuple[T, ...]) -> T:
    import click

    answer: T = click.prompt(question, default=default, type=click.Choice(list(choices)), err=True)
    return answer
