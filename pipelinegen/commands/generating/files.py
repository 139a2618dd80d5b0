"""The files of a selection: of each target and agent, and the one that says what people must create."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipelinegen.commands.generating.asked import Asked
from pipelinegen.errors import InputError
from pipelinegen.pipelines import grid
from pipelinegen.pipelines.application import AgentName
from pipelinegen.pipelines.explain import Explanation, explain
from pipelinegen.pipelines.grid import Target
from pipelinegen.pipelines.model import GeneratedFile

# In the application repository `deploy/` is where what belongs to delivery lies.
SETUP_HERE = "deploy/SETUP.md"


def generated(
    asked: Asked, told: tuple[Sequence[Target], Sequence[AgentName]], *, explain: bool
) -> tuple[list[GeneratedFile], list[Explanation]]:
    """All files of the selection, by their paths from the folder that is written to. Raises InputError.

    told: the targets and agents for which it is said what people must create.
    """
    files: list[GeneratedFile] = []
    explained: list[Explanation] = []
    try:
        for target in asked.targets:
            own = grid.files_of(asked.application, target)
            files += _under(target.folder if asked.gridded else "", own)
            explained += _explained(asked, target, own) if explain else []
        for agent in asked.agents:
            files += _under(f"agent/{agent}", grid.agent_files_of(asked.application, agent))
        setup = grid.setup_file(asked.application, *told)
    except InputError as error:
        raise _placed(error, asked) from None
    return [*files, replace(setup, path=setup.path if asked.gridded else SETUP_HERE)], explained


def _under(folder: str, files: tuple[GeneratedFile, ...]) -> Iterator[GeneratedFile]:
    return (replace(file, path=f"{folder}/{file.path}" if folder else file.path) for file in files)


def _explained(asked: Asked, target: Target, files: tuple[GeneratedFile, ...]) -> list[Explanation]:
    prefix = f"{target.folder}/" if asked.gridded else ""
    return explain(grid.pipeline_of(asked.application, target), files, prefix)


def _placed(error: InputError, asked: Asked) -> InputError:
    """The error at its place in the file, where it names an address of the configuration."""
    address = error.where or ""
    if address.partition(".")[0] not in ("images", "manifests", "pipelines", "project"):
        return error
    return InputError(
        error.what, id=error.id, where=asked.config.where(address), next=error.next, details=error.details
    )
