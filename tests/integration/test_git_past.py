"""Earlier states of a branch over real git: what it was along first parents, and single files of then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.git.past import Past
from tests.support.repos import LINK, Files, Odd, World, git, served

FILES: Files = {
    "apps/api/production/kustomization.yaml": "newTag: 1\n",
    "apps/api/staging/kustomization.yaml": "newTag: 1\n",
    "apps/web/production/kustomization.yaml": "newTag: 1\n",
    "link": Odd(LINK, b"apps"),
    "big/a.bin": b"\x00" * 300_000,
}
PRODUCTION = "apps/api/production/kustomization.yaml"


@pytest.fixture(params=[True, False], ids=["filtering", "not filtering"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with served(tmp_path, FILES) as made:
        made.upstream.filtering(allowed=request.param)
        yield made


def merge(world: World, files: Files, subject: str) -> str:
    """A commit on a branch, and the merge of it, as a forge makes it."""
    upstream, base = world.upstream, world.upstream.head() or ""
    side = upstream.commit(files, branch="side", message=f"{subject} on the side", parent=base)
    tree = git(upstream.folder, "rev-parse", f"{side}^{{tree}}").decode().strip()
    made = git(upstream.folder, "commit-tree", tree, "-p", base, "-p", side, "-m", subject).decode().strip()
    upstream.move("main", made)
    upstream.move("side", None)
    return made


def test_the_line_goes_along_first_parents(world: World) -> None:
    world.upstream.commit({PRODUCTION: "newTag: 2\n"}, message="two")
    merge(world, {PRODUCTION: "newTag: 3\n"}, "three")
    world.upstream.commit({PRODUCTION: "newTag: 4\n"}, message="four")
    with world.remote() as remote:
        past = Past(remote)
        line = past.line(10)
        assert [commit.subject for commit in line] == ["four", "three", "two", "first"]
        assert [commit.subject for commit in past.merged_by(line[1])] == ["three on the side"]
        assert past.merged_by(line[0]) == []
        assert [commit.subject for commit in past.since(line[2].id)] == ["four", "three"]
        assert {commit.subject for commit in past.known()} == {"four", "three", "three on the side", "two", "first"}
        assert [commit.subject for commit in past.line(2)] == ["four", "three"]


def test_files_of_then_are_found_and_read(world: World) -> None:
    world.upstream.commit({PRODUCTION: "newTag: 2\n", "new/x.yaml": "x\n"}, message="two")
    world.upstream.commit({PRODUCTION: None, "link": "no link any more\n"}, message="three")
    with world.remote() as remote:
        past = Past(remote)
        trees = [commit.tree for commit in past.line(10)]
        three, two, first = past.files(
            trees, [PRODUCTION, "new/x.yaml", "link", "apps", "nowhere/at/all", "link/below"]
        )
        assert (sorted(three), sorted(two), sorted(first)) == (
            ["link", "new/x.yaml"],
            [PRODUCTION, "new/x.yaml"],
            [PRODUCTION],
        )
        contents = past.contents([first[PRODUCTION], two[PRODUCTION], two[PRODUCTION]])
        assert [contents[first[PRODUCTION]], contents[two[PRODUCTION]]] == [b"newTag: 1\n", b"newTag: 2\n"]


def test_what_is_not_asked_for_is_not_fetched(world: World) -> None:
    for number in range(2, 30):
        world.upstream.commit({PRODUCTION: f"newTag: {number}\n"}, message=f"{number}")
    with world.remote() as remote:
        past = Past(remote)
        before = world.server.count()
        listed = past.files([commit.tree for commit in past.line(100)], [PRODUCTION])
        contents = past.contents(files[PRODUCTION] for files in listed)
        assert len(set(contents.values())) == 29
        if remote.filtered:
            assert world.server.bytes_sent < 40_000  # the history of 29 commits without the file of 300 kB
            # Three requests for the line; two for each of four levels of folders and for all files together.
            assert world.server.count() - before == 3 + 2 * (4 + 1)
            again = world.server.count()
            past.files([commit.tree for commit in past.line(100)[:5]], [PRODUCTION])
            past.contents(files[PRODUCTION] for files in listed)
            assert world.server.count() - again == 3


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({PRODUCTION: "newTag: 2\n"}, [PRODUCTION]),
        ({PRODUCTION: None}, [PRODUCTION]),
        ({"apps/new/x.yaml": "x\n", "apps/api/staging/kustomization.yaml": "y\n"}, None),
        ({"link": "a file now\n"}, ["link"]),
        ({"big/a.bin": None, "big": "a file where a folder was\n"}, ["big", "big/a.bin"]),
    ],
    ids=["changed", "removed", "added and changed", "another kind", "a folder becomes a file"],
)
def test_the_paths_at_which_two_trees_differ(world: World, files: Files, expected: list[str] | None) -> None:
    world.upstream.commit(files, message="second")
    with world.remote() as remote:
        past = Past(remote)
        second, first = (commit.tree for commit in past.line(2))
        assert past.changed_paths(first, second) == sorted(expected or files)
        assert past.changed_paths(second, second) == []
        assert PRODUCTION in past.changed_paths(None, first)
