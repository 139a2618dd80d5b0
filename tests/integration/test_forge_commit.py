"""A commit that GitHub makes, and so signs: on a new branch, on one that is there, and in a race."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.forge.port import Forge
from pipelinegen.errors import InputError, NotPermitted, WorldError
from tests.support.forges import github
from tests.support.forges.service import Service, running

BRANCH = "pipelinegen-bump"
MESSAGE = "Bump to 1.1.0\n\nWords.\n\nPipelinegen-Image: redis:7\n"
FILES = {"kustomization.yaml": b"newTag: 1.1.0\n", "apps/caf\xc3\xa9.yaml".encode("latin-1").decode(): b"\x00\xff\r\n"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running("github", tmp_path) as started:
        yield started


def commit(forge: Forge, service: Service, expected: str | None, **files: bytes) -> str:
    base = str(service.repository.tip("main"))
    return forge.commit(BRANCH, expected, base, MESSAGE, files or FILES).sha


def test_a_new_branch(service: Service) -> None:
    forge = service.open()
    assert forge.makes_commits
    base = service.repository.tip("main")
    sha = commit(forge, service, None)
    assert service.repository.branches() == {"main": base, BRANCH: sha}
    assert service.repository.message(sha) == MESSAGE.strip()
    assert service.repository.git("rev-parse", f"{sha}^") == base
    assert service.repository.read(sha, "kustomization.yaml") == "newTag: 1.1.0"
    names = service.repository.git("ls-tree", "-r", "-z", "--name-only", sha).split("\0")
    assert set(FILES) <= set(names)


def test_a_branch_that_is_there_starts_again_from_the_base_and_keeps_its_pull_request(service: Service) -> None:
    old = service.push(BRANCH, "1.0.5")
    forge = service.open()
    forge.open(BRANCH, "main", "Bump", "Words")
    service.repository.commit("main", {"other.yaml": "x"}, "Someone else's")
    sha = commit(forge, service, old)
    assert service.repository.tip(BRANCH) == sha
    assert service.repository.ahead("main", BRANCH) == 1
    assert service.repository.read(sha, "other.yaml") == "x"
    assert forge.get(1).state == "open"
    assert set(service.repository.branches()) == {"main", BRANCH}


def test_a_scratch_branch_of_a_run_that_died_is_in_no_ones_way(service: Service) -> None:
    service.push(f"{BRANCH}-next", "0.0.1")
    sha = commit(service.open(), service, None)
    assert set(service.repository.branches()) == {"main", BRANCH}
    assert service.repository.ahead("main", BRANCH) == 1
    assert service.repository.tip(BRANCH) == sha


@pytest.mark.parametrize("expected", [None, "1" * 40])
def test_a_branch_that_was_moved_is_left_alone(service: Service, expected: str | None) -> None:
    theirs = service.push(BRANCH, "9.9.9")
    with pytest.raises(WorldError) as caught:
        commit(service.open(), service, expected)
    assert caught.value.id == "push-race"
    assert service.repository.tip(BRANCH) == theirs


def test_a_branch_that_is_moved_meanwhile_is_left_alone(service: Service) -> None:
    stand_in: Any = service.stand_in
    make = stand_in._commit_on_branch
    moved: list[str] = []

    def and_then_someone_pushes(token: Any, asked: Any) -> Any:
        made = make(token, asked)
        moved.append(service.push(BRANCH, "9.9.9"))
        return made

    stand_in._commit_on_branch = and_then_someone_pushes
    with pytest.raises(WorldError) as caught:
        commit(service.open(), service, None)
    assert caught.value.id == "push-race"
    assert service.repository.tip(BRANCH) == moved[0]


@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "truncate", "status"])
@pytest.mark.parametrize("nth", range(5))
def test_every_lost_answer_heals(service: Service, fault: Any, nth: int) -> None:
    """Look, move the scratch branch, commit, move both, look again: any of these answers may be lost."""
    stand_in = service.stand_in
    for place in range(nth + 1):
        stand_in.fail(fault, path="/graphql", times=1 if place == nth else 0)
    asked = iter(range(100))
    takes = stand_in.faults[-1].takes
    stand_in.faults[:] = [stand_in.faults[-1]]
    stand_in.faults[0].takes = lambda request: next(asked) >= nth and takes(request)  # type: ignore[method-assign]
    sha = commit(service.open(), service, None)
    assert service.repository.tip(BRANCH) == sha
    assert set(service.repository.branches()) == {"main", BRANCH}
    assert service.repository.ahead("main", BRANCH) == 1


def test_a_right_that_is_missing_is_named(service: Service) -> None:
    stand_in: Any = service.stand_in
    stand_in.tokens["weak-canary-token"] = github.Token(scopes=None, rights={"contents": "read"})
    with pytest.raises(NotPermitted) as caught:
        commit(service.open("weak-canary-token"), service, None)
    assert caught.value.id == "scope-missing"
    assert "contents: write" in str(caught.value.next)
    assert set(service.repository.branches()) == {"main"}


def test_gitlab_signs_nothing(tmp_path: Path) -> None:
    with running("gitlab", tmp_path / "gitlab") as service:
        forge = service.open()
        assert not forge.makes_commits
        with pytest.raises(InputError, match="does not sign"):
            commit(forge, service, None)
