"""The files of a checkout: which are seen, how they are written, and that a failure half-way leaves all as it was."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.process import Interrupted, raise_on_signals
from pipelinegen.edge.worktree import Worktree
from pipelinegen.errors import InputError, WorldError
from pipelinegen.manifests.tree import Unreadable
from tests.support.checkout import Checkout

IMAGE = "image: ghcr.io/acme/api:1.0.0\n"
WORDS = ((b"acme/api",),)


def opened(folder: Path) -> Worktree:
    return Worktree(str(folder), lambda path: path.endswith((".yaml", ".yml", ".json")))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "m", {"a.yaml": IMAGE, "b/c.yaml": IMAGE, "b/d.json": "{}", "readme.md": IMAGE})


def test_tracked_files_are_listed_and_searched(checkout: Checkout) -> None:
    tree = opened(checkout.folder)
    assert list(tree.paths()) == ["a.yaml", "b/c.yaml", "b/d.json", "readme.md"]
    assert [list(found) for found in tree.search(((b"acme/api",), (b"{}", b"x")))] == [
        ["a.yaml", "b/c.yaml"],
        ["b/d.json"],
    ]


def test_a_folder_of_a_checkout_is_a_root_of_its_own(checkout: Checkout) -> None:
    assert list(opened(checkout.folder / "b").paths()) == ["c.yaml", "d.json"]


def test_outside_git_all_regular_files_are_listed(tmp_path: Path) -> None:
    folder = Checkout(tmp_path / "m", {"a.yaml": IMAGE, "b/c/d.yaml": IMAGE}, in_git=False).folder
    (folder / "link.yaml").symlink_to("a.yaml")
    (folder / "linked").symlink_to("b", target_is_directory=True)
    os.mkfifo(folder / "pipe.yaml")
    tree = opened(folder)
    assert list(tree.paths()) == ["a.yaml", "b/c/d.yaml"]
    assert [list(found) for found in tree.search(WORDS)] == [["a.yaml", "b/c/d.yaml"]]


def test_untracked_and_ignored_files_are_not_there(checkout: Checkout) -> None:
    checkout.write({"new.yaml": IMAGE, "ignored/x.yaml": IMAGE, ".gitignore": "ignored/\n"})
    assert list(opened(checkout.folder).search(WORDS)[0]) == ["a.yaml", "b/c.yaml"]


def test_a_tracked_file_that_is_gone_or_became_a_link_is_passed_over(checkout: Checkout) -> None:
    (checkout.folder / "a.yaml").unlink()
    (checkout.folder / "b" / "c.yaml").unlink()
    (checkout.folder / "b" / "c.yaml").symlink_to("../readme.md")
    assert list(opened(checkout.folder).search(WORDS)[0]) == []


def test_a_tracked_link_is_passed_over(checkout: Checkout) -> None:
    (checkout.folder / "link.yaml").symlink_to("a.yaml")
    (checkout.folder / "outside.yaml").symlink_to("../../outside.yaml")
    checkout.commit()
    assert list(opened(checkout.folder).search(WORDS)[0]) == ["a.yaml", "b/c.yaml"]


def test_a_folder_that_became_a_link_is_not_entered(checkout: Checkout, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", {"c.yaml": IMAGE}, in_git=False)
    (checkout.folder / "b" / "c.yaml").unlink()
    (checkout.folder / "b" / "d.json").unlink()
    (checkout.folder / "b").rmdir()
    (checkout.folder / "b").symlink_to(other.folder, target_is_directory=True)
    tree = opened(checkout.folder)
    tree.search(WORDS)
    with pytest.raises(Unreadable):
        tree.read("b/c.yaml")


def test_a_submodule_is_not_entered(checkout: Checkout) -> None:
    inner = Checkout(checkout.folder / "sub.yaml", {"x.yaml": IMAGE})
    checkout.git("add", "sub.yaml")
    assert inner.folder.is_dir()
    assert list(opened(checkout.folder).search(WORDS)[0]) == ["a.yaml", "b/c.yaml"]


@pytest.mark.parametrize("path", ["no.yaml", "no/such.yaml", "../m/a.yaml", "b/../a.yaml", "b/../../m/a.yaml"])
def test_what_is_not_in_the_folder_is_not_read(checkout: Checkout, path: str) -> None:
    with pytest.raises(KeyError):
        opened(checkout.folder).read(path)


def test_an_absolute_path_is_not_read(checkout: Checkout) -> None:
    with pytest.raises(KeyError):
        opened(checkout.folder).read(str(checkout.folder / "a.yaml"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_not_read(checkout: Checkout, make: Callable[[Path], None]) -> None:
    make(checkout.folder / "x.yaml")
    with pytest.raises(Unreadable):
        opened(checkout.folder).read("x.yaml")


def test_a_file_over_five_mebibytes_is_found_and_not_read(checkout: Checkout) -> None:
    checkout.write({"a.yaml": IMAGE + "#" * 5 * 1024 * 1024, "b/c.yaml": IMAGE + "#" * (5 * 1024 * 1024 - len(IMAGE))})
    tree = opened(checkout.folder)
    assert list(tree.search(WORDS)[0]) == ["a.yaml", "b/c.yaml"]
    assert len(tree.read("b/c.yaml")) == 5 * 1024 * 1024
    with pytest.raises(Unreadable, match="larger than 5 MiB"):
        tree.read("a.yaml")


def test_a_folder_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        opened(tmp_path / "none")


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o444, 0o2640])
def test_mode_owner_and_the_other_names_of_a_file_stay(checkout: Checkout, mode: int) -> None:
    target, other = checkout.folder / "a.yaml", checkout.folder / "other"
    os.link(target, other)
    if os.geteuid() == 0:
        os.chown(target, 12345, 54321)
    target.chmod(mode)
    before = target.stat()
    tree = opened(checkout.folder)
    tree.write({"a.yaml": b"new\n"})
    after = target.stat()
    assert (target.read_bytes(), other.read_bytes()) == (b"new\n", IMAGE.encode())
    assert (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid) == (mode, before.st_uid, before.st_gid)
    assert tree.read("a.yaml") == b"new\n"


def test_a_name_of_255_bytes_is_written(tmp_path: Path) -> None:
    name = "\u65e5" * 83 + ".yaml"
    folder = Checkout(tmp_path / "m", {name: IMAGE}, in_git=False).folder
    opened(folder).write({name: b"new"})
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_bytes() == b"new"


def failing(at: int, real: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """A call that fails the `at`-th time."""
    calls = iter(range(1, 1000))

    def call(*arguments: Any, **options: Any) -> Any:
        if next(calls) == at:
            raise error
        return real(*arguments, **options)

    return call


THREE = {"a.yaml": b"new a", "b/c.yaml": b"new c", "b/d.json": b"new d"}


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("name", ["rename", "write", "fsync", "open", "fchmod", "lstat"])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), OSError(30, "Read-only file system")], ids=str
)
def test_a_failure_at_any_step_leaves_every_file_as_it_was(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, name: str, at: int, error: OSError
) -> None:
    before = checkout.files()
    tree = opened(checkout.folder)
    for path in THREE:
        tree.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, name, failing(at, getattr(os, name), error))
        with pytest.raises(WorldError) as caught:
            tree.write(THREE)
    assert caught.value.state == "no file has changed"
    assert checkout.files() == before
    tree.write(THREE)
    assert checkout.files() == {**before, **THREE}


def test_where_there_are_no_hard_links_the_way_back_is_a_copy(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checkout.files()
    monkeypatch.setattr(os, "link", failing(1, os.link, OSError(1, "Operation not permitted")))
    monkeypatch.setattr(os, "rename", failing(3, os.rename, OSError(5, "Input/output error")))
    with pytest.raises(WorldError):
        opened(checkout.folder).write(THREE)
    assert checkout.files() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("name", "at", "changed"), [("fsync", 1, False), ("fsync", 3, False), ("rename", 2, True)])
def test_a_signal_finds_all_files_changed_or_none(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, name: str, at: int, changed: bool
) -> None:
    before = checkout.files()
    real, calls = getattr(os, name), iter(range(1, 1000))

    def call(*arguments: Any, **options: Any) -> Any:
        if next(calls) == at:
            os.kill(os.getpid(), number)
        return real(*arguments, **options)

    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    raise_on_signals()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, name, call)
            with pytest.raises(Interrupted):
                opened(checkout.folder).write(THREE)
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    assert checkout.files() == ({**before, **THREE} if changed else before)


@pytest.mark.parametrize("meanwhile", ["changed", "gone", "link", "pipe"])
def test_a_file_that_changed_since_it_was_read_is_not_overwritten(checkout: Checkout, meanwhile: str) -> None:
    tree = opened(checkout.folder)
    tree.search(WORDS)
    tree.read("b/d.json")
    target = checkout.folder / "b" / "d.json"
    target.unlink()
    if meanwhile == "changed":
        target.write_text("{} ")
    elif meanwhile == "link":
        target.symlink_to("c.yaml")
    elif meanwhile == "pipe":
        os.mkfifo(target)
    with pytest.raises(WorldError) as caught:
        tree.write(THREE)
    assert (caught.value.id, caught.value.where) == ("changed-meanwhile", "b/d.json")
    assert checkout.read("a.yaml") == IMAGE
    assert sorted(path.name for path in checkout.folder.iterdir()) == [".git", "a.yaml", "b", "readme.md"]
