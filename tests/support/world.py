"""A manifest repository served by real git over HTTP with its forge beside it, and the command run against both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.forges.github import GitHub, Token
from tests.support.forges.repository import Repository
from tests.support.forges.service import CANARIES, Service, running
from tests.support.githttp import GitServer
from tests.support.inside import run_inside

USERS = {"github": "x-access-token", "gitlab": "oauth2"}

FILES = {
    "apps/api/base/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
        - name: api
          image: ghcr.io/acme/api:1.0.0  # the application
        - name: web
          image: ghcr.io/acme/web:1.0.0
""",
    "apps/api/overlays/staging/kustomization.yaml": """\
resources: [../../base]
images:
  - name: ghcr.io/acme/api
    newTag: 1.0.0
""",
    "apps/api/overlays/production/kustomization.yaml": """\
resources: [../../base]
images:
  - name: ghcr.io/acme/api
    newTag: 1.0.0
""",
}


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


@dataclass
class World:
    """Everything that a CI job with a token sees."""

    service: Service
    server: GitServer
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.service.kind

    @property
    def repository(self) -> Repository:
        return self.service.repository

    @property
    def url(self) -> str:
        return self.server.url(f"{self.service.stand_in.path}.git")

    def variables(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
        return {**kept, "PIPELINEGEN_TOKEN": CANARIES[self.kind], **self.environment, **more}

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a command in a folder of its own, as a CI job would."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipelinegen", *arguments],
            cwd=self.folder,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *arguments: str, **variables: str) -> Ran:
        with self.start(*arguments, **variables) as process:
            out, err = process.communicate(timeout=120)
        return Ran(process.returncode, out.decode(), err.decode())

    def bump(self, *arguments: str, **variables: str) -> Ran:
        """A bump of the remote repository on this forge, its document on standard output."""
        return self.run("bump", *arguments, *self.place(), "--no-verify-image", "--json", **variables)

    def here(self, *arguments: str, **variables: str) -> Ran:
        """As `run`, in this process: for what is not about processes."""
        said = run_inside(arguments, self.variables(**variables), self.folder)
        return Ran(said.code, said.out.decode(), said.err.decode())

    def bump_here(self, *arguments: str, **variables: str) -> Ran:
        """As `bump`, in this process."""
        return self.here("bump", *arguments, *self.place(), "--no-verify-image", "--json", **variables)

    def place(self) -> list[str]:
        forge = ["--forge", self.kind, "--forge-url", self.service.stand_in.api]
        return ["--repo", self.url, *forge]


@contextmanager
def world(
    kind: str, folder: Path, files: Mapping[str, str] | None = None, tokens: Mapping[str, str] | None = None
) -> Iterator[World]:
    """A world for one test, with the files on the branch main. tokens: further ones, and who has them (GitHub Apps)."""
    with running(kind, folder / "forge") as service:
        token = CANARIES[kind]
        service.repository.commit("main", files or FILES, "Applications")
        service.repository.configure(
            uploadpack__allowFilter="true", uploadpack__allowAnySHA1InWant="true", http__receivepack="true"
        )
        work = folder / "work"
        work.mkdir()
        # The forge's own path for it, owner/name, is what the forge is asked about.
        served = folder / "served" / f"{service.stand_in.path}.git"
        served.parent.mkdir(parents=True)
        served.symlink_to(service.repository.path)
        users = {USERS[kind]: token}
        for value, login in (tokens or {}).items():
            users[USERS[kind]] = value
            if isinstance(service.stand_in, GitHub):
                rights = {"contents": "write", "pull_requests": "write"}
                service.stand_in.tokens[value] = Token(login, None, rights)
        with GitServer(folder / "served", users=users) as server:
            yield World(service, server, work)
