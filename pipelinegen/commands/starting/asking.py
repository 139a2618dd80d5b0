"""Ask on a terminal what a look cannot know; without one, the defaults stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelinegen.commands.starting.proposal import Proposal
from pipelinegen.pipelines.grid import AGENTS, DEPLOYERS, SYSTEMS

if TYPE_CHECKING:
    from pipelinegen.report import Report

SAID = "as you said"


def ask(proposal: Proposal, report: Report) -> Proposal:
    """The proposal with a person's answers; Enter takes what is proposed."""
    manifests = report.ask("Manifest repository (address, or path from here)", proposal.manifests)
    system = report.ask_one("CI system", proposal.system, SYSTEMS)
    agent = report.ask_one("Agent of the pull style", proposal.agent, AGENTS)
    deployer = report.ask_one("Deployer of the push style", proposal.deployer, DEPLOYERS)
    return replace(
        proposal,
        manifests=manifests,
        manifests_why=proposal.manifests_why if manifests == proposal.manifests else SAID,
        system=system,
        system_why=proposal.system_why if system == proposal.system else SAID,
        agent=agent,
        agent_why=proposal.agent_why if agent == proposal.agent else SAID,
        deployer=deployer,
        deployer_why=proposal.deployer_why if deployer == proposal.deployer else SAID,
    )
