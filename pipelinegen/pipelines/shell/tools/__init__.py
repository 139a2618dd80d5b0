"""What a command would change: the tool by the contract's name, the verb, and whether it only looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelinegen.pipelines.shell.tools import clouds, cluster, hosts
from pipelinegen.pipelines.shell.tools.cluster import reads_manifests_of
from pipelinegen.pipelines.shell.tools.effect import Does, Effect, Tool, has, option, plain_words
from pipelinegen.pipelines.shell.tools.hosts import is_remote_docker
from pipelinegen.pipelines.shell.words import Command

JUDGES: Mapping[str, Callable[[Command], Effect | None]] = {**cluster.JUDGES, **hosts.JUDGES, **clouds.JUDGES}


def effect_of(command: Command) -> Effect | None:
    """What a command does to an environment, or None when it has nothing to do with one."""
    judge = JUDGES.get(command.program.removesuffix(".exe").lower())
    return judge(command) if judge is not None else None


__all__ = [
    "JUDGES",
    "Does",
    "Effect",
    "Tool",
    "effect_of",
    "has",
    "is_remote_docker",
    "option",
    "plain_words",
    "reads_manifests_of",
]
