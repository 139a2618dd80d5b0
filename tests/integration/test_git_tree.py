"""The files of a commit in a bare copy: what is listed, found and read, and what of it is fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pipelinegen.edge.git import run
from pipelinegen.edge.git.remote import open_tree
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.errors import InputError, WorldError
from pipelinegen.manifests.tree import Tree, Unreadable
from tests.support.githttp import fetch
from tests.support.repos import EXECUTABLE, LINK, SUBMODULE, Odd, World, git, served, tree_of

ODD_NAMES = ["with blank.yaml", 'with "quotes".yaml', "back\\slash.yaml", "line\nbreak.yaml", "-x.yaml", "ü.yaml"]
FILES = {
    "apps/api/base/deployment.yaml": "image: ghcr.io/acme/api:1\n",
    "apps/api/overlays/prod/kustomization.yaml": "images:\n- name: ghcr.io/acme/api\n",
    "apps/web/deployment.yaml": "image: ghcr.io/acme/web:1\n",
    "apps.yaml": "x: acme/none\n",
    "run.sh": Odd(EXECUTABLE, b"echo ghcr.io/acme/api\n"),
    "latin1.yaml": b"image: ghcr.io/acme/api:\xe9\n",
    "binary": b"\0ghcr.io/acme/api\0",
    "link.yaml": Odd(LINK, b"/etc/passwd ghcr.io/acme/api"),
    "vendor": Odd(SUBMODULE, b"1" * 40),
    "big.yaml": b"#" * (5 * 1024 * 1024 + 1) + b"\nghcr.io/acme/api\n",
    "empty.yaml": b"",
    **tree_of(ODD_NAMES),
}
REGULAR = sorted(set(FILES) - {"link.yaml", "vendor"})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with served(tmp_path, FILES) as world:
        yield world


def test_regular_files_are_listed_and_the_rest_is_named(world: World) -> None:
    with world.remote() as remote:
        tree = open_tree(remote)
        assert list(tree.paths()) == REGULAR
        assert tree.oddities() == {"link.yaml": "a symbolic link", "vendor": "a submodule"}


def test_words_are_found_in_any_bytes_and_not_in_links(world: World) -> None:
    with world.remote() as remote:
        found = open_tree(remote).search([[b"acme/api"], [b"acme/web", b"acme/none"], [b"nowhere"], [], [b"\xe9"]])
        assert found[0] == [
            "apps/api/base/deployment.yaml",
            "apps/api/overlays/prod/kustomization.yaml",
            "big.yaml",
            "binary",
            "latin1.yaml",
            "run.sh",
        ]
        assert list(found[1:]) == [["apps.yaml", "apps/web/deployment.yaml"], [], [], ["latin1.yaml"]]
        assert [len(paths) for paths in found] == [6, 2, 0, 0, 1]


def test_a_later_group_is_looked_for_when_it_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.remote() as remote:
        tree = open_tree(remote)
        asked: list[object] = []
        search_one = tree.search_one

        def noting(words: Sequence[bytes]) -> list[str]:
            asked.append(words)
            return search_one(words)

        monkeypatch.setattr(tree, "search_one", noting)
        found = tree.search([[b"acme/api"], [b"acme/web"]])
        assert (len(found), asked) == (2, [])
        assert found[-1] == found[1] == ["apps/web/deployment.yaml"]
        assert asked == [[b"acme/web"]]
        with pytest.raises(IndexError):
            found[2]


def test_words_are_words_and_not_patterns_or_options(tmp_path: Path) -> None:
    with served(tmp_path, {"a": "a.b\n", "b": "axb\n", "c": "--help -e\n"}) as world, world.remote() as remote:
        assert list(open_tree(remote).search([[b"a.b"], [b"--help"], [b"-e"], [b"a*"]])) == [["a"], ["c"], ["c"], []]


def test_files_are_read_byte_for_byte(world: World) -> None:
    with world.remote() as remote:
        tree = open_tree(remote)
        for path in REGULAR:
            if path != "big.yaml":
                assert tree.read(path) == world.upstream.file(path), path


@pytest.mark.parametrize("known", [False, True], ids=["whole", "known paths"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [("link.yaml", "link"), ("vendor", "submodule"), ("big.yaml", "larger than 5 MiB"), ("apps", "folder")],
)
def test_what_is_no_small_regular_file_is_unreadable(world: World, path: str, reason: str, known: bool) -> None:
    with world.remote() as remote, pytest.raises(Unreadable, match=reason):
        open_tree(remote, [path] if known else None).read(path)


@pytest.mark.parametrize("path", ["nope", "apps/nope", "apps.yaml/x", "link.yaml/x", "vendor/x", "", "apps/", "../x"])
def test_what_is_not_there_is_a_key_error(world: World, path: str) -> None:
    with world.remote() as remote, pytest.raises(KeyError):
        open_tree(remote).read(path)


def test_it_is_the_tree_that_planning_reads(world: World) -> None:
    with world.remote() as remote:
        tree: Tree = open_tree(remote)
        assert tree.paths()


KNOWN = ["apps/api/base/deployment.yaml", "apps/nope.yaml", "link.yaml", "latin1.yaml", "line\nbreak.yaml", "a/b/c/d"]


@pytest.mark.parametrize("filtering", [True, False], ids=["server filters", "server does not"])
def test_known_paths_are_the_whole_tree(world: World, filtering: bool) -> None:
    world.upstream.filtering(allowed=filtering)
    with world.remote() as remote:
        tree = open_tree(remote, KNOWN)
        assert remote.filtered is filtering
        assert list(tree.paths()) == ["apps/api/base/deployment.yaml", "latin1.yaml", "line\nbreak.yaml"]
        assert tree.oddities() == {"link.yaml": "a symbolic link"}
        assert tree.search([[b"acme/api"]])[0] == ["apps/api/base/deployment.yaml", "latin1.yaml"]
        assert tree.read("latin1.yaml") == FILES["latin1.yaml"]
        with pytest.raises(KeyError):
            tree.read("apps/web/deployment.yaml")
        with pytest.raises(KeyError):
            tree.read("apps/nope.yaml")


def test_a_server_that_forbids_the_filter_is_asked_without_it(world: World) -> None:
    git(world.upstream.folder, "config", "uploadpackfilter.tree.allow", "false")
    with world.remote() as remote:
        assert open_tree(remote, ["apps.yaml"]).read("apps.yaml") == b"x: acme/none\n"
        assert not remote.filtered


def test_with_known_paths_only_they_and_the_folders_above_them_are_fetched(tmp_path: Path) -> None:
    files = tree_of([f"apps/team{number % 30}/app{number}/values.yaml" for number in range(900)], "x: 1\n" * 200)
    with served(tmp_path, files) as world:
        sizes = []
        for known in (["apps/team7/app7/values.yaml", "apps/team8/app8/values.yaml"], None):
            before = world.server.bytes_sent
            with world.remote() as remote:
                tree = open_tree(remote, known)
                assert tree.read("apps/team7/app7/values.yaml").startswith(b"# apps/team7")
                objects = remote.local("cat-file", "--batch-all-objects", "--batch-check").stdout.splitlines()
            sizes.append((len(objects), world.server.bytes_sent - before))
        # One commit; root, apps, two teams, two apps; two files.
        assert sizes[0][0] == 1 + 6 + 2
        assert sizes[0][1] < sizes[1][1] / 5


def test_the_number_of_requests_for_known_paths_follows_their_depth_alone(tmp_path: Path) -> None:
    with served(tmp_path, tree_of(["a/b/x.yaml", "a/c/y.yaml", "a/b/z.yaml"])) as world:
        counts = []
        for known in (["a/b/x.yaml"], ["a/b/x.yaml", "a/c/y.yaml", "a/b/z.yaml"]):
            before = world.server.count(fetch)
            with world.remote() as remote:
                open_tree(remote, known)
            counts.append(world.server.count(fetch) - before)
        assert counts[0] == counts[1]


def test_what_was_fetched_is_not_fetched_again(tmp_path: Path) -> None:
    with served(tmp_path, tree_of(["a/b/x.yaml", "a/c/y.yaml"])) as world, world.remote() as remote:
        open_tree(remote, ["a/b/x.yaml"])
        before = world.server.count(fetch)
        open_tree(remote, ["a/b/x.yaml"])
        assert world.server.count(fetch) == before
        open_tree(remote, ["a/b/x.yaml", "a/c/y.yaml"])
        assert world.server.count(fetch) == before + 2


def test_what_was_not_fetched_is_told_and_never_fetched_on_the_quiet(world: World) -> None:
    """git's own lazy fetch would bring all folders, one request for each file."""
    with world.remote() as remote:
        remote.open(treeless=True)
        before = world.server.count()
        for ask in ("apps.yaml", "apps/web/deployment.yaml"):
            with pytest.raises(WorldError, match="damaged or was not fetched"):
                GitTree(remote, remote.tip).read(ask)
        assert world.server.count() == before


def test_a_git_that_is_too_old_is_named(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    old = folder / "git"
    real = shutil.which("git")
    old.write_text(
        f'#!/bin/sh\ncase "$*" in *batch-command*) exit 129 ;; version) echo git version 2.34.1 ;; '
        f'*) exec {real} "$@" ;; esac\n'
    )
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    with world.remote() as remote, pytest.raises(WorldError, match=r"git 2\.34\.1 is too old"):
        open_tree(remote)


def test_a_repository_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path, {"a.yaml": "x: 1\n", "picture": os.urandom(200_000)}) as world:
        monkeypatch.setattr(run, "FETCH_LIMIT", 100_000)
        with world.remote() as remote, pytest.raises(InputError) as told:
            open_tree(remote)
        assert (told.value.id, "--path" in (told.value.next or "")) == ("file-refused", True)
        assert world.naps.taken == []
        with world.remote() as remote:
            assert open_tree(remote, ["a.yaml"]).read("a.yaml") == b"x: 1\n"


def test_an_older_commit_can_be_read(world: World) -> None:
    old = world.upstream.head()
    world.upstream.commit({"apps.yaml": "x: new\n"})
    for known in (None, ["apps.yaml"]):
        with world.remote() as remote:
            assert open_tree(remote, known).read("apps.yaml") == b"x: new\n"
            assert open_tree(remote, known, commit=old).read("apps.yaml") == b"x: acme/none\n"


def test_the_default_branch_is_found_and_another_is_taken_when_asked_for(tmp_path: Path) -> None:
    with served(tmp_path) as world:
        world.upstream.commit({"app.yaml": "x: trunk\n"}, branch="trunk/eu")
        with world.remote() as remote:
            assert (open_tree(remote).read("app.yaml"), remote.base) == (b"image: ghcr.io/acme/api:1.0.0\n", "main")
        world.upstream.commit({"app.yaml": "x: ü\n"}, branch="zweig/ü")
        for name, text in (("trunk/eu", "x: trunk\n"), ("zweig/ü", "x: ü\n")):
            with world.remote(base=name) as remote:
                assert (open_tree(remote).read("app.yaml").decode(), remote.base) == (text, name)
                assert remote.tip == world.upstream.head(name)
                world.upstream.commit({"app.yaml": f"new {name}"}, branch=name)
                remote.refresh()
                assert open_tree(remote).read("app.yaml").decode() == f"new {name}"


def test_a_branch_that_is_not_there_is_named_with_its_neighbours(tmp_path: Path) -> None:
    with served(tmp_path) as world:
        world.upstream.commit({"a": "b"}, branch="production")
        with world.remote(base="prodction") as remote, pytest.raises(InputError, match="no branch 'prodction'") as told:
            open_tree(remote)
        assert (told.value.id, told.value.next) == ("bad-branch", "its branches: production")


def test_a_tag_is_no_branch(tmp_path: Path) -> None:
    with served(tmp_path) as world:
        (world.upstream.folder / "refs/tags").mkdir(parents=True, exist_ok=True)
        (world.upstream.folder / "refs/tags/v1").write_text(f"{world.upstream.head()}\n")
        with world.remote(base="v1") as remote, pytest.raises(InputError, match="no branch 'v1'"):
            open_tree(remote)


def test_an_empty_repository_is_said_to_be_empty(tmp_path: Path) -> None:
    with served(tmp_path) as world:
        world.upstream.move("main", None)
        with world.remote() as remote, pytest.raises(InputError, match="the repository is empty"):
            open_tree(remote)


def test_a_repository_without_a_default_branch_asks_for_one(tmp_path: Path) -> None:
    with served(tmp_path) as world:
        (world.upstream.folder / "HEAD").write_text(f"{world.upstream.head()}\n")
        world.upstream.commit({"app.yaml": "x: 2\n"})
        with world.remote() as remote, pytest.raises(InputError, match="no default branch") as told:
            open_tree(remote)
        assert "--base" in (told.value.next or "")


@pytest.mark.parametrize("name", ["-x", "a..b", "a b", "refs/heads/", "x.lock", "@{-1}", "+main", ""])
def test_a_name_that_is_none_is_refused_before_anything_is_asked(tmp_path: Path, name: str) -> None:
    with served(tmp_path) as world:
        with pytest.raises(InputError) as told:
            world.remote(base=name)
        assert told.value.id == "bad-branch"
        assert world.server.requests == []


def test_branches_are_listed_by_the_start_of_their_names(tmp_path: Path) -> None:
    with served(tmp_path) as world:
        one = world.upstream.commit({"a": "1"}, branch="pipelinegen-prod-api-1")
        world.upstream.commit({"a": "2"}, branch="other/pipelinegen-prod-api-2")
        with world.remote() as remote:
            assert remote.branches("pipelinegen-prod-") == {"pipelinegen-prod-api-1": one}
            assert sorted(remote.branches()) == ["main", "other/pipelinegen-prod-api-2", "pipelinegen-prod-api-1"]
            assert remote.branch("pipelinegen-prod-api-1") == one
            assert remote.branch("pipelinegen-prod-api") is None
            assert remote.branch("pipelinegen-prod-api-2") is None


def test_the_temporary_folder_is_gone_afterwards_also_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with served(tmp_path) as world:
        with world.remote() as remote:
            open_tree(remote).read("app.yaml")
            (made,) = temporary.iterdir()
            assert made.stat().st_mode & 0o777 == 0o700
        assert list(temporary.iterdir()) == []
        with pytest.raises(KeyError), world.remote() as remote:
            open_tree(remote).read("nope.yaml")
        assert list(temporary.iterdir()) == []
