"""The pipelines that `generate` writes for a project, made in memory and read like anybody's files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelinegen.errors import InputError

if TYPE_CHECKING:
    from pipelinegen.commands.generating.asked import Asked
    from pipelinegen.config import Config
    from pipelinegen.pipelines.analyse.agent import Agent
    from pipelinegen.pipelines.compared import Facts
    from pipelinegen.pipelines.grid import Target
    from pipelinegen.pipelines.model import GeneratedFile


class Generated:
    """The files of one target, as a repository that a pipeline may name files of."""

    def __init__(self, folder: str, files: Sequence[GeneratedFile], config: bytes = b"") -> None:
        self.folder = folder
        self.files = {file.path: file.text.encode() for file in files}
        if config:
            self.files["pipelinegen.yaml"] = config

    def read(self, path: str) -> bytes | None:
        return self.files.get(path.removeprefix("./"))

    def match(self, pattern: str) -> list[str]:
        from fnmatch import fnmatchcase

        return sorted(path for path in self.files if fnmatchcase(path, pattern))

    def shown(self, path: str) -> str:
        return f"{self.folder}/{path}"

    def pipelines(self) -> list[str]:
        """Those of the files that are pipelines."""
        return [
            path
            for path in self.files
            if path.startswith(".github/workflows/") or path.rpartition("/")[2] in {".gitlab-ci.yml", "Jenkinsfile"}
        ]


def pair_of(config: Config, directory: str) -> list[Facts]:
    """The pull pipeline and the push pipeline of a project, for its first CI system and its first deployer."""
    from pipelinegen.commands.generating.asked import GenerateOptions, asked_for

    systems = config.pipelines.ci[:1] or ("github",)
    deployers = config.pipelines.push.deploy[:1]
    options = GenerateOptions(directory=directory, style="both", ci=systems, deploy=deployers, out=".")
    asked = asked_for(options, config)
    pull = next(each for each in asked.targets if each.style == "pull")
    text = (config.folder / config.file_name).read_bytes()
    facts = [*_facts(asked, pull, text)]
    for target in asked.targets:
        if target.style == "push":
            try:
                return [*facts, *_facts(asked, target, text)]
            except InputError:
                # A deployer for hosts has nothing to deploy to where no environment names hosts.
                if deployers:
                    raise
    return facts


def _facts(asked: Asked, target: Target, config: bytes) -> list[Facts]:
    from pipelinegen.pipelines import grid
    from pipelinegen.pipelines.analyse.agent import agents_in, is_agent
    from pipelinegen.pipelines.compared import facts_of
    from pipelinegen.pipelines.read import read

    generated = Generated(target.folder, grid.files_of(asked.application, target), config)
    agents: list[Agent] = []
    if target.style == "pull":
        name = asked.application.agent
        for file in grid.agent_files_of(asked.application, name):
            data = file.text.encode()
            if file.path.endswith((".yaml", ".yml")) and is_agent(data):
                agents += agents_in(f"agent/{name}/{file.path}", data)
    return [
        facts_of(read(generated.shown(path), generated.files[path], generated), agents)
        for path in generated.pipelines()
    ]
