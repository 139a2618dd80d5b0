"""SETUP.md: all that people create so that pipelines and agents work, in order, with the command or page for each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import ModuleType

from pipelinegen.pipelines.agents import AGENTS
from pipelinegen.pipelines.application import AgentName, Application
from pipelinegen.pipelines.model import GeneratedFile, Pipeline, System
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.header import header
from pipelinegen.pipelines.setup import accounts, forge, github, gitlab, jenkins

PATH = "SETUP.md"
_PROGRAMS = ("gh", "glab", "kubectl")
# In which order the systems stand.
_SYSTEMS: Mapping[System, ModuleType] = {"github": github, "gitlab": gitlab, "jenkins": jenkins}


def file(application: Application, pipelines: Sequence[Pipeline], agents: Sequence[AgentName]) -> GeneratedFile:
    """What these pipelines and agents need, and nothing else."""
    sections = [*accounts.sections(application, pipelines)]
    for system, module in _SYSTEMS.items():
        own = [pipeline for pipeline in pipelines if pipeline.system == system]
        if own:
            sections.append(module.section(application, own))
    sections += [AGENTS[agent].setup(application) for agent in agents]
    # Behind the agents, whose files are pushed once as a whole: with the rules in place, each change is a request.
    if agents or any(pipeline.style == "pull" for pipeline in pipelines):
        sections += forge.sections(application, pipelines)
    text = render(
        "setup/SETUP.md.j2",
        header="".join(f"<!--{line} -->\n" for line in header("", blocks=True).splitlines()).rstrip("\n"),
        project=application.project,
        sections=[section.strip("\n") for section in sections],
        programs=_listed([f"`{name}`" for name in _PROGRAMS if _calls(name, sections)]),
    )
    return GeneratedFile(PATH, text)


def _calls(program: str, sections: Sequence[str]) -> bool:
    return any(re.search(rf"(?:^|[|(] ?){program} ", section, re.MULTILINE) for section in sections)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
