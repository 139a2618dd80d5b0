"""Where the story happens: the repositories, a server, and command lines that are shown and then really run."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pipelinegen.commands.demo.conductors import CONDUCTORS, values_of
from pipelinegen.commands.demo.forge import Report, merge
from pipelinegen.commands.demo.repositories import APPLICATION, MANIFESTS, git
from pipelinegen.commands.demo.server import Hosted
from pipelinegen.commands.demo.stage import Stage
from pipelinegen.errors import Defect, PipelinegenError

ON_SERVER = "on a git server and a forge that speaks GitHub's API, both in this process"
WITHOUT_SERVER = "in a bare repository, for this git has no http-backend and cannot be a server"

_SILENCED = (">", "/dev/null")
_CI_VARIABLES = ("PIPELINEGEN_", "GITHUB_", "GH_", "GITLAB_", "CI_", "JENKINS_")
_SUBSTITUTED = re.compile(r"\$\(git ([^()]*)\)")


@contextlib.contextmanager
def outside_ci() -> Iterator[None]:
    """Hide the CI system: the story is no job of it, must not write its outputs and must not use its credentials."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(_CI_VARIABLES):
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


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

    def __init__(self, folder: str, stage: Stage, server: Hosted) -> None:
        self.stage = stage
        self.server = server
        self.application = os.path.join(folder, APPLICATION)
        self.manifests = os.path.join(folder, MANIFESTS)
        self.proposals: list[str] = []  # the branches that were proposed
        stage.command(f"cd {shlex.quote(self.application)}")

    def run(self, command: str) -> Run:
        """Show the command line and run it. Raises PipelinegenError where the machine is in the way."""
        command = self.filled(command)
        if command.startswith("# "):
            self.stage.played(command)
            return Run(command, 0, output=self._play(command))
        self.stage.command(command)
        words = shlex.split(_SUBSTITUTED.sub(self._written_by_git, command))
        self.stage.results_shown = tuple(words[-2:]) != _SILENCED
        words = words if self.stage.results_shown else words[:-2]
        if words[0] == "export":
            return self._export(command, words[1:])
        if words[0] == "git":
            folder, words = (words[2], words[3:]) if words[1] == "-C" else (".", words[1:])
            output = git(os.path.join(self.application, folder), *words)
            self.stage.result(output.splitlines())
            return Run(command, 0, output=output)
        return self._ours(command, words)

    def filled(self, text: str) -> str:
        """A text of the story with what is known only now."""
        forge, where = ("github", ON_SERVER) if self.server.forge else ("none", WITHOUT_SERVER)
        return text.replace("{url}", self.server.url).replace("{forge}", forge).replace("{where}", where)

    def _written_by_git(self, found: re.Match[str]) -> str:
        return git(self.application, *found[1].split()).strip()

    def _export(self, command: str, settings: Sequence[str]) -> Run:
        for setting in settings:
            name, _, value = setting.partition("=")
            # The token is the one thing that is not shown.
            os.environ[name] = self.server.token if name == "PIPELINEGEN_TOKEN" else value
        return Run(command, 0)

    def _ours(self, command: str, words: Sequence[str]) -> Run:
        conductor = CONDUCTORS.get(words[1])
        if words[0] != "pipelinegen" or conductor is None:
            raise Defect(f"the demo cannot run `{command}`", id="demo-differs")
        values = {**values_of(conductor.table, words[2:]), "directory": self.application}
        try:
            code = conductor.run(values, self.stage)
            self._note_proposal(self.stage.documents[-1].get("delivery", {}))
            return Run(command, code, document=self.stage.documents[-1])
        except PipelinegenError as error:
            if error.exit_code > 2:
                raise
            self.stage.refusal(error)
            return Run(command, error.exit_code, document=conductor.document(error))

    def _note_proposal(self, delivery: Mapping[str, Any]) -> None:
        branch = delivery.get("branch")
        if delivery.get("how") == "pull-request" and branch and branch not in self.proposals:
            self.proposals.append(branch)

    def _play(self, command: str) -> str | None:
        """What a person or an agent does with a pull request, whose number is the last word."""
        forge, number = self.server.forge, int(command.rpartition(" ")[2])
        repository, branch = self.server.repository, self.proposals[number - 1]
        if " merges " in command:
            return forge.merge(number) if forge else merge(repository, "main", branch, f"Merge {branch}")
        if forge is None:
            text = git(repository, "log", "-1", "--format=%B", branch)
            self.stage.quote(text)
            return text
        pull = forge.pulls[number - 1]
        if " works on " in command:
            reports = [("pending", "Syncing"), ("success", "Synced and healthy")]
            forge.expect(pull.merged_sha or "", *(Report("argocd/shop-production", *each) for each in reports))
            return None
        text = f"{pull.title}\n\n{pull.body}"
        self.stage.quote(text)
        return text

    def files(self) -> dict[str, bytes]:
        """What the manifest repository's tracked files hold now, in the checkout."""
        found = {}
        for path in git(self.manifests, "ls-files", "-z").split("\0")[:-1]:
            with open(os.path.join(self.manifests, path), "rb") as file:
                found[path] = file.read()
        return found

    def delivered(self, branch: str) -> dict[str, str]:
        """The files of a branch on the server, and the ids of what they hold."""
        entries = git(self.server.repository, "ls-tree", "-r", "-z", branch).split("\0")[:-1]
        return {path: entry.split()[2] for entry, _, path in (line.partition("\t") for line in entries)}
