"""The targets that can be asked for, and the whole tree of files of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, get_args

from pipelinegen.errors import Defect
from pipelinegen.pipelines.application import AgentName, Application, DeployerName
from pipelinegen.pipelines.checked import checked
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.model import GeneratedFile, Pipeline, Style, System

if TYPE_CHECKING:
    from pipelinegen.pipelines.agents import Agent
    from pipelinegen.pipelines.deployers import Deployer

STYLES: tuple[Style, ...] = get_args(Style)
SYSTEMS: tuple[System, ...] = get_args(System)
DEPLOYERS: tuple[DeployerName, ...] = get_args(DeployerName)
AGENTS: tuple[AgentName, ...] = get_args(AgentName)
SETUP = "SETUP.md"


@dataclass(frozen=True, slots=True)
class Target:
    """A pipeline that can be asked for. deployer: in push style."""

    style: Style
    system: System
    deployer: DeployerName | None = None

    @property
    def folder(self) -> str:
        """Where it stands in the grid: pull/github, push/gitlab/helm."""
        return "/".join(filter(None, (self.style, self.system, self.deployer)))


def targets(
    styles: Collection[Style], systems: Collection[System], deployers: Collection[DeployerName]
) -> tuple[Target, ...]:
    """All targets of a selection, in the order of the grid."""
    found: list[Target] = []
    for style in (each for each in STYLES if each in styles):
        for system in (each for each in SYSTEMS if each in systems):
            if style == "pull":
                found.append(Target(style, system))
            else:
                found += (Target(style, system, each) for each in DEPLOYERS if each in deployers)
    return tuple(found)


# Asked for the files and for what people must create; the files of a deployer are the same for every CI system.
@lru_cache(maxsize=32)
def pipeline_of(application: Application, target: Target) -> Pipeline:
    """The pipeline of a target, checked."""
    deployer = _deployer(target.deployer) if target.deployer else None
    return checked(design(application, target.style, target.system, deployer))


def files_of(application: Application, target: Target) -> tuple[GeneratedFile, ...]:
    """The files of a target at their real places in the application repository."""
    rendering = import_module(f"pipelinegen.pipelines.rendering.{target.system}")
    files: tuple[GeneratedFile, ...] = rendering.files(pipeline_of(application, target))
    if target.deployer is not None:
        files += _deployer_files(application, target.deployer)
    return _sorted(files, target.folder)


def agent_files_of(application: Application, agent: AgentName) -> tuple[GeneratedFile, ...]:
    """The skeleton of a manifest repository with the agent's files."""
    return _sorted(_agent(agent).files(application), agent)


def grid(
    application: Application, wanted: Collection[Target], agents: Collection[AgentName]
) -> Iterator[tuple[str, tuple[GeneratedFile, ...]]]:
    """Each folder of the grid with its files."""
    for target in wanted:
        yield target.folder, files_of(application, target)
    for agent in agents:
        yield f"agent/{agent}", agent_files_of(application, agent)


def setup_file(application: Application, wanted: Collection[Target], agents: Collection[AgentName]) -> GeneratedFile:
    """What a person must create for these targets."""
    from pipelinegen.pipelines import setup

    pipelines = tuple(pipeline_of(application, target) for target in wanted)
    return setup.file(application, pipelines, tuple(agents))


@lru_cache(maxsize=8)
def _deployer_files(application: Application, name: DeployerName) -> tuple[GeneratedFile, ...]:
    return _deployer(name).files(application)


def _deployer(name: DeployerName) -> Deployer:
    from pipelinegen.pipelines import deployers

    return deployers.DEPLOYERS[name]


def _agent(name: AgentName) -> Agent:
    from pipelinegen.pipelines import agents

    return agents.AGENTS[name]


def _sorted(files: tuple[GeneratedFile, ...], what: str) -> tuple[GeneratedFile, ...]:
    """By their paths, each once, and each inside the tree."""
    paths = [file.path for file in files]
    for path in paths:
        if paths.count(path) > 1 or path.startswith("/") or ".." in path.split("/") or not path:
            raise Defect(f"{what}: the path {path!r} is written twice, or leads out of the tree", id="bad-tree")
    return tuple(sorted(files, key=lambda file: file.path))
