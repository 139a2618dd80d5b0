"""The agents of the pull style: for each a whole manifest repository, with what the agent itself needs in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from pipelinegen.pipelines.agents import argocd, flux
from pipelinegen.pipelines.agents.layout import Layout, Overlay
from pipelinegen.pipelines.application import AgentName, Application
from pipelinegen.pipelines.model import GeneratedFile


class Agent(Protocol):
    """What a module of this folder gives."""

    NAME: str

    def files(self, application: Application) -> tuple[GeneratedFile, ...]:
        """The manifest repository, from its root."""

    def setup(self, application: Application) -> str:
        """What people create for it, in Markdown: a section of SETUP.md."""

    def context(self, layout: Layout, overlay: Overlay) -> str:
        """The name of the commit status in which the agent reports on an environment."""


# A member is one module and one line.
AGENTS: Mapping[AgentName, Agent] = MappingProxyType({"argocd": argocd, "flux": flux})
