"""Faults at every step of a delivery, the command run with time of its own, and what must hold after each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from pipelinegen.commands import connect
from pipelinegen.edge.http import Clock
from tests.support import canary
from tests.support.forges.server import FakeTime
from tests.support.forges.server import Fault as ForgeFault
from tests.support.forges.server import Request as ForgeRequest
from tests.support.githttp import (
    Fault,
    Hang,
    Matches,
    Redirect,
    ResetAfter,
    ResetBefore,
    Status,
    Truncate,
    discovery,
    fetch,
    push,
    push_discovery,
)
from tests.support.inside import run_inside
from tests.support.repos import Naps
from tests.support.world import Ran, World

DEADLINE_SECONDS = 600.0
API = "ghcr.io/acme/api"
STAGING = "apps/api/overlays/staging/kustomization.yaml"


# Running the command in this process, where its waits take no time.


@dataclass
class Waits:
    """Time that passes at once wherever the command would wait, and how much of it passed."""

    naps: Naps = field(default_factory=Naps)
    fake: FakeTime = field(default_factory=FakeTime)
    stall_seconds: int = 1

    def patience(self) -> connect.Patience:
        clock = Clock(self.fake.now, lambda: time.monotonic() + sum(self.fake.slept), self.fake.sleep, lambda: 1.0)
        return connect.Patience(self.naps.timing(), self.stall_seconds, clock)

    @property
    def seconds(self) -> float:
        return sum(self.naps.taken) + sum(self.fake.slept)


def run_here(
    world: World, *arguments: str, waits: Waits | None = None, ask_registry: bool = False, **variables: str
) -> Ran:
    """A bump of the world's repository in this process: as `World.bump`, many times as fast, and no wait is waited."""
    patience = (waits or Waits()).patience()
    words = ["bump", "-C", str(world.folder), *arguments, *world.place(), "--json"]
    words += [] if ask_registry else ["--no-verify-image"]
    with mock.patch.object(connect, "PATIENCE", patience):
        said = run_inside(words, world.variables(**variables))
    return Ran(said.code, said.out.decode(), said.err.decode())


# The steps of a delivery, as requests to the two servers.

GIT_STEPS = ("refs", "fetch", "push-refs", "push", "verify")
FORGE_STEPS = ("look", "find", "open", "update", "labels")


@dataclass
class When(ForgeFault):
    """A fault of the forge for the requests that fit; with an action, that is done first."""

    kind: Any = "nothing"
    fits: Callable[[ForgeRequest], bool] = lambda _: True
    action: Callable[[], object] | None = None

    def takes(self, request: ForgeRequest) -> bool:
        if self.times == 0 or not self.fits(request):
            return False
        self.times -= 1
        if self.action is not None:
            self.action()
        return bool(self.kind != "nothing")


class Steps:
    """The steps of the next delivery of a world: what goes wrong, or is done, at the requests that belong to one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._before = world.server.count(push)

    def fail(self, step: str, fault: str, *, times: int = -1, elsewhere: str = "") -> None:
        """Let the next requests of a step go wrong (-1: all)."""
        if step in GIT_STEPS:
            self.world.server.fail(self._git(step), _git_fault(fault, elsewhere), times=None if times < 0 else times)
            return
        kind, status, headers = _forge_fault(fault, elsewhere)
        planned = When(kind=kind, status=status, headers=headers, times=times, fits=self._forge(step))
        if fault.isdigit():
            planned.body = {"message": "fault"}
        self.world.service.stand_in.faults.append(planned)

    def before(self, step: str, action: Callable[[], object], *, times: int = 1) -> None:
        """Do something when the first request of a step has come in, before it takes effect."""
        if step in GIT_STEPS:
            self.world.server.before(self._git(step), action, times=times)
        else:
            self.world.service.stand_in.faults.append(When(fits=self._forge(step), action=action, times=times))

    def heal(self) -> None:
        self.world.server.heal()
        self.world.service.stand_in.faults.clear()

    def _pushed(self) -> bool:
        """The looks before and after the push are told apart by it."""
        return self.world.server.count(push) > self._before

    def _git(self, step: str) -> Matches:
        known: dict[str, Matches] = {
            "refs": lambda request: discovery(request) and not push_discovery(request) and not self._pushed(),
            "fetch": lambda request: fetch(request) and not self._pushed(),
            "push-refs": push_discovery,
            "push": push,
            "verify": lambda request: discovery(request) and not push_discovery(request) and self._pushed(),
        }
        return known[step]

    def _forge(self, step: str) -> Callable[[ForgeRequest], bool]:
        github = self.world.kind == "github"
        collection = "/pulls" if github else "/merge_requests"

        def listing(request: ForgeRequest) -> bool:
            return request.method == "GET" and request.path.endswith(collection)

        def edits(request: ForgeRequest, field: str) -> bool:
            single = request.path.rpartition("/")[0].endswith(collection)
            return bool(request.method in ("PATCH", "PUT") and single and field in request.json())

        known: dict[str, Callable[[ForgeRequest], bool]] = {
            "look": lambda request: listing(request) and not self._pushed(),
            "find": lambda request: listing(request) and self._pushed(),
            "open": lambda request: request.method == "POST" and request.path.endswith(collection),
            "update": lambda request: edits(request, "title"),
            "labels": lambda request: request.path.endswith("/labels") if github else edits(request, "add_labels"),
        }
        return known[step]


def _git_fault(name: str, elsewhere: str) -> Fault:
    if name.isdigit():
        return Status(int(name))
    known: dict[str, Fault] = {
        "reset": ResetBefore(),
        "reset-after": ResetAfter(),
        "truncate": Truncate(20),
        "hang": Hang(),
        "redirect": Redirect(elsewhere),
    }
    return known[name]


def _forge_fault(name: str, elsewhere: str) -> tuple[str, int, dict[str, str]]:
    if name.isdigit():
        return "status", int(name), {}
    if name == "redirect":
        return "status", 307, {"Location": f"{elsewhere}/anything"}
    return {"reset": "reset-before"}.get(name, name), 0, {}


# What must hold.


@dataclass
class Scene:
    """A world whose token is a canary, with folders of its own; what strangers have done in it must survive."""

    world: World
    home: Path
    temporary: Path
    foreign: list[str] = field(default_factory=list)
    base: str | None = None

    @classmethod
    def of(cls, world: World, folder: Path) -> Scene:
        canary.arm(world)
        home, temporary = folder / "home", folder / "tmp"
        home.mkdir()
        temporary.mkdir()
        world.environment |= {"HOME": str(home), "TMPDIR": str(temporary)}
        tip = world.repository.tip("main")
        return cls(world, home, temporary, [tip] if tip else [], tip)

    def stranger(self, branch: str, files: Mapping[str, str], message: str = "A stranger's change") -> str:
        """Somebody else commits."""
        sha = self.world.repository.commit(branch, files, message)
        self.foreign.append(sha)
        if branch == "main":
            self.base = sha
        return sha

    def check(self, ran: Ran, *, code: int, ids: frozenset[str] = frozenset()) -> None:
        """The invariants of a run in pull-request mode that can be seen when it has ended."""
        repository = self.world.repository
        assert ran.code == code, f"{ran.err}\n{ran.out}"
        if code == 0:
            assert "error" not in ran.document
        else:
            error = ran.document["error"]
            assert error["exit"] == code
            assert not ids or error["id"] in ids, error
            assert sum(line.startswith("error: ") for line in ran.err.splitlines()) == 1, ran.err
        assert repository.tip("main") == self.base, "the base branch was changed"
        self.check_strangers()
        open_ones = self.world.service.open_ones()
        heads = [one.head if self.world.kind == "github" else one.source for one in open_ones]
        assert len(heads) == len(set(heads)), "two pull requests of one branch"
        self.check_clean()
        assert not self.leaks(ran)
        assert "Traceback" not in ran.err

    def check_strangers(self) -> None:
        branches = self.world.repository.branches()
        for sha in self.foreign:
            assert any(self.world.repository.contains(name, sha) for name in branches), f"{sha} is lost"

    def check_clean(self) -> None:
        assert list(self.temporary.iterdir()) == []
        assert not [path for path in self.world.repository.path.rglob("*.lock") if "refs" in path.parts]

    def leaks(self, ran: Ran) -> list[str]:
        """Where the token can be read, in what this run said and left."""
        leaks = canary.found(ran.out + ran.err)
        leaks += canary.in_files([self.home, self.temporary, self.world.folder, self.world.repository.path])
        for one in self.world.service.all():
            leaks += canary.found(repr(one))
        return leaks

    def writes(self) -> int:
        """The requests so far that were to change something."""
        return self.world.server.count(push) + len(self.world.service.stand_in.writes())
