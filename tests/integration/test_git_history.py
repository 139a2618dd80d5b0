"""Commits and their trailers, and whose commits are on a branch of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.git import history
from pipelinegen.edge.git.history import commits_beyond, read_log, strangers
from pipelinegen.edge.git.remote import open_tree
from pipelinegen.errors import PipelinegenError, WorldError
from tests.support.repos import HUMAN, ROBOT, World, git, served

OURS = {ROBOT.email}


@pytest.fixture(params=[True, False], ids=["server filters", "server does not"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    with served(tmp_path) as world:
        world.upstream.filtering(allowed=request.param)
        yield world


def test_the_newest_commits_come_first_with_their_trailers(world: World) -> None:
    world.upstream.commit(
        {"app.yaml": "2"}, message="two\n\nbody: no trailer\n\nPipelinegen-Image: a/b:2\nX: y\n z\nx: w"
    )
    last = world.upstream.commit({"app.yaml": "3"}, message="three ü", author=ROBOT, committer=HUMAN)
    with world.remote() as remote:
        log = read_log(remote, "main", 10)
        assert [commit.subject for commit in log] == ["three ü", "two", "first"]
        assert (log[0].id, log[0].author, log[0].committer, log[0].time) == (last, ROBOT, HUMAN, 1700000000)
        assert log[0].parents == (log[1].id,)
        assert log[1].trailers == (("Pipelinegen-Image", "a/b:2"), ("X", "y z"), ("x", "w"))
        assert (log[1].values("x"), log[1].values("none")) == (["y z", "w"], [])
        assert len({commit.tree for commit in log}) == 3
        assert [commit.subject for commit in read_log(remote, "main", 2)] == ["three ü", "two"]


def test_a_parent_never_stands_before_its_child_whatever_their_times(world: World) -> None:
    """A deployment and the rollback of it, merged within one second: the rollback is the newer of the two."""
    deployed = world.upstream.commit({"app.yaml": "2"}, message="deployed")
    undone = world.upstream.commit({"app.yaml": "1"}, branch="undo", message="undone", parent=deployed)
    at = world.upstream.folder
    tree = git(at, "rev-parse", f"{undone}^{{tree}}").decode().strip()
    merged = git(at, "commit-tree", tree, "-p", deployed, "-p", undone, "-m", "merged").decode().strip()
    git(at, "update-ref", "refs/heads/main", merged)
    with world.remote() as remote:
        assert [commit.subject for commit in read_log(remote, "main", 10)] == ["merged", "undone", "deployed", "first"]


def test_the_history_is_read_without_the_files_where_the_server_filters(tmp_path: Path) -> None:
    sizes = []
    with served(tmp_path) as world:
        for number in range(30):
            world.upstream.commit({f"f{number}": bytes(range(256)) * 40 + bytes([number])})
        for allowed in (True, False):
            world.upstream.filtering(allowed=allowed)
            before = world.server.bytes_sent
            with world.remote() as remote:
                assert len(read_log(remote, "main", 30)) == 30
            sizes.append(world.server.bytes_sent - before)
    assert sizes[0] < sizes[1]


def test_an_older_state_of_a_file_is_found_by_its_trailer(world: World) -> None:
    world.upstream.commit({"app.yaml": "image: a/b:2\n"}, message="b\n\nPipelinegen-Image: a/b:2")
    world.upstream.commit({"app.yaml": "image: a/b:3\n"}, message="c\n\nPipelinegen-Image: a/b:3")
    with world.remote() as remote:
        (wanted,) = [c.id for c in read_log(remote, "main", 10) if "a/b:2" in c.values("Pipelinegen-Image")]
        assert open_tree(remote, commit=wanted).read("app.yaml") == b"image: a/b:2\n"


def test_the_commits_beyond_the_base_are_those_of_the_branch_alone(world: World) -> None:
    base = world.upstream.head()
    for number in range(3):
        world.upstream.commit({"x": str(number)}, message=f"base {number}")
    world.upstream.commit({"y": "1"}, branch="topic", parent=base, message="ours", author=ROBOT)
    world.upstream.commit({"y": "2"}, branch="topic", message="theirs")
    with world.remote() as remote:
        found = commits_beyond(remote, "topic", "main")
        assert [commit.subject for commit in found] == ["theirs", "ours"]
        assert [commit.author for commit in strangers(found, OURS)] == [HUMAN]


@pytest.mark.parametrize("where", ["head", "below"])
def test_a_branch_that_was_merged_has_no_commits_of_its_own(world: World, where: str) -> None:
    ours = world.upstream.commit({"y": "1"}, branch="topic", parent=world.upstream.head(), message="ours", author=ROBOT)
    world.upstream.move("main", ours)
    if where == "below":
        world.upstream.commit({"x": "1"})
    with world.remote() as remote:
        assert commits_beyond(remote, "topic", "main") == []


def test_two_unrelated_branches_that_the_server_cannot_compare_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "SEARCHED", 3)
    world.upstream.move("topic", world.upstream.head())
    for number in range(5):
        world.upstream.commit({"x": str(number)})
        world.upstream.commit({"y": str(number)}, branch="topic")
    with world.remote() as remote, pytest.raises(WorldError, match="no commit in common"):
        history._difference(remote, "topic", "main")


@pytest.mark.parametrize(
    ("author", "committer", "stranger"),
    [(ROBOT, ROBOT, False), (ROBOT, HUMAN, True), (HUMAN, ROBOT, True), (HUMAN, HUMAN, True)],
    ids=["ours", "amended by a person", "applied by us", "a person's"],
)
def test_who_changed_a_commit_of_ours_made_it(world: World, author: object, committer: object, stranger: bool) -> None:
    world.upstream.commit({"y": "1"}, branch="topic", author=author, committer=committer)  # type: ignore[arg-type]
    with world.remote() as remote:
        assert bool(strangers(read_log(remote, "topic", 1), OURS)) is stranger


@pytest.mark.parametrize("beyond", [False, True], ids=["log", "beyond the base"])
def test_a_branch_that_is_not_there_is_told(world: World, beyond: bool) -> None:
    with world.remote() as remote, pytest.raises(PipelinegenError) as told:
        commits_beyond(remote, "nope", "main") if beyond else read_log(remote, "nope", 5)
    assert told.value.id == "bad-branch"
