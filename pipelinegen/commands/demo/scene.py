"""Where the story happens: a folder with the two repositories, and command lines that are shown and then really run."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pipelinegen.commands.asked import BumpOptions
from pipelinegen.commands.bump import run as bump
from pipelinegen.commands.demo.repositories import APPLICATION, MANIFESTS, git
from pipelinegen.commands.demo.stage import Stage
from pipelinegen.commands.show import error_document
from pipelinegen.errors import Defect, PipelinegenError
from pipelinegen.quick import bump_options

_SILENCED = (">", "/dev/null")
_CI_VARIABLES = ("PIPELINEGEN_", "GITHUB_", "GH_", "GITLAB_", "CI_", "JENKINS_")


@contextlib.contextmanager
def outside_ci() -> Iterator[None]:
    """Hide the CI system: the story is no job of it, must not write its outputs and must not use its credentials."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith(_CI_VARIABLES)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


class Run(NamedTuple):
    """A command line that was run: git's with its output, ours with its document."""

    command: str
    exit_code: int
    output: str | None = None
    document: Mapping[str, Any] | None = None

    def data(self) -> dict[str, Any]:
        return {key: value for key, value in self._asdict().items() if value is not None}


class Scene:
    """All command lines start in the application repository, as the ones that the user types would."""

    def __init__(self, folder: str, stage: Stage) -> None:
        self.stage = stage
        self.application = os.path.join(folder, APPLICATION)
        self.manifests = os.path.join(folder, MANIFESTS)
        stage.command(f"cd {shlex.quote(self.application)}")

    def run(self, command: str) -> Run:
        """Show the command line and run it. Raises PipelinegenError where the machine is in the way."""
        self.stage.command(command)
        words = shlex.split(command)
        self.stage.results_shown = tuple(words[-2:]) != _SILENCED
        words = words if self.stage.results_shown else words[:-2]
        if words[:3] == ["git", "-C", f"../{MANIFESTS}"]:
            output = git(self.manifests, *words[3:])
            self.stage.result(output.splitlines())
            return Run(command, 0, output=output)
        return self._bump(command, words)

    def _bump(self, command: str, words: Sequence[str]) -> Run:
        options = bump_options(words[1:], {})
        if words[0] != "pipelinegen" or options is None:
            raise Defect(f"the demo cannot run `{command}`", id="demo-differs")
        given = {name: options[name] for name in BumpOptions._fields if name in options}
        given["directory"] = self.application
        try:
            code = bump(BumpOptions(**given), self.stage)
            return Run(command, code, document=self.stage.documents[-1])
        except PipelinegenError as error:
            if error.exit_code > 2:
                raise
            self.stage.refusal(error)
            return Run(command, error.exit_code, document=error_document(error))

    def files(self) -> dict[str, bytes]:
        """What the manifest repository's tracked files hold now."""
        found = {}
        for path in git(self.manifests, "ls-files", "-z").split("\0")[:-1]:
            with open(os.path.join(self.manifests, path), "rb") as file:
                found[path] = file.read()
        return found
