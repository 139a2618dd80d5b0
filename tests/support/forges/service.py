"""One name for both stand-ins, so that a test of the port says what happens and not on which forge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pipelinegen.edge.ci import CiContext
from pipelinegen.edge.forge import forge_for
from pipelinegen.edge.forge.port import Forge
from pipelinegen.edge.http import Clock
from pipelinegen.redact import Secret
from tests.support.forges import github, gitlab
from tests.support.forges.repository import Repository
from tests.support.forges.server import FakeTime

KINDS = ("github", "gitlab")
CANARIES = {"github": "ghp_canary_token", "gitlab": "glpat-canary-token"}


@dataclass
class Service:
    """A running stand-in with its repository, and the port opened on it."""

    kind: str
    stand_in: github.GitHub | gitlab.GitLab
    time: FakeTime = field(default_factory=FakeTime)
    said: list[str] = field(default_factory=list)
    opened: list[Forge] = field(default_factory=list)

    @property
    def repository(self) -> Repository:
        return self.stand_in.repository

    @property
    def url(self) -> str:
        return f"{self.stand_in.url}/{self.stand_in.path}.git"

    def open(self, token: str | None = None, **more: Any) -> Forge:
        clock = Clock(self.time.now, self.time.monotonic, self.time.sleep, lambda: 1.0)
        more.setdefault("clock", clock)
        forge = forge_for(
            self.url,
            self.kind,
            self.stand_in.api,
            Secret("PIPELINEGEN_TOKEN", token or CANARIES[self.kind]),
            more.pop("ci", CiContext()),
            environ={},
            tell=self.said.append,
            **more,
        )
        self.opened.append(forge)
        return forge

    def push(self, branch: str = "pipelinegen-bump", tag: str = "1.1.0", onto: str | None = None) -> str:
        """What a run of ours does before it comes to the forge."""
        files: Mapping[str, str] = {"kustomization.yaml": f"newTag: {tag}\n"}
        return self.repository.commit(branch, files, f"Bump to {tag}", onto or self.repository.tip("main"))

    def all(self) -> list[Any]:
        stand_in: Any = self.stand_in
        return cast("list[Any]", stand_in.pulls if self.kind == "github" else stand_in.merges)

    def open_ones(self) -> list[Any]:
        return [one for one in self.all() if one.state in ("open", "opened")]

    def comments(self, number: int) -> list[str]:
        one = self.all()[number - 1]
        return [text for _, text in (one.comments if self.kind == "github" else one.notes)]


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Service]:
    """A service for one test. What the real one would have refused fails the test."""
    made = github.new(folder) if kind == "github" else gitlab.new(folder)
    with made:
        service = Service(kind, made)
        yield service
        for forge in service.opened:
            forge.shutdown()
    if made.violations:
        raise AssertionError("\n".join(made.violations))
