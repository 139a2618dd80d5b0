"""A tree is written as a whole: on any failure all is as it was, and no link is ever followed."""

import os
import stat
from pathlib import Path

import pytest

from pipelinegen.edge.tree_files import read_file, write_tree
from pipelinegen.errors import InputError, WorldError


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_files_are_made_replaced_and_removed_with_their_folders(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "gone/deep").mkdir(parents=True)
    (tmp_path / "gone/deep/x").write_bytes(b"x")
    write_tree(str(tmp_path), {"a": (b"new", False), "b/c/d.sh": (b"run", True)}, ["gone/deep/x"])
    assert tree(tmp_path) == {"a": b"new", "b/c/d.sh": b"run"}
    assert not (tmp_path / "gone").exists()
    assert os.access(tmp_path / "b/c/d.sh", os.X_OK)
    assert not os.access(tmp_path / "a", os.X_OK)


def test_a_folder_with_something_else_in_it_stays(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    for name in "xy":
        (tmp_path / "gone" / name).write_bytes(b"")
    write_tree(str(tmp_path), {}, ["gone/x"])
    assert tree(tmp_path) == {"gone/y": b""}


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o640])
def test_the_mode_of_a_file_stays_and_becomes_executable_for_those_who_may_read(tmp_path: Path, mode: int) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(mode)
    write_tree(str(tmp_path), {"a": (b"new", False)})
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
    write_tree(str(tmp_path), {"a": (b"new", True)})
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode | (mode & 0o444) >> 2


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_file(str(tmp_path), "a/b") is None
    assert read_file(str(tmp_path), "a") is None


@pytest.mark.parametrize("path", ["link", "folder", "inside/x", "file/x"])
def test_links_and_folders_in_the_way_are_refused(tmp_path: Path, path: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "folder", outside):
        folder.mkdir(parents=True)
    (outside / "x").write_bytes(b"theirs")
    (root / "file").write_bytes(b"")
    (root / "link").symlink_to(outside / "x")
    (root / "inside").symlink_to(outside)
    with pytest.raises(InputError) as refused:
        read_file(str(root), path)
    assert refused.value.id == "file-refused"
    with pytest.raises((InputError, WorldError)):
        write_tree(str(root), {"new": (b"new", False), path: (b"ours", False)})
    assert not (root / "new").exists()
    assert tree(outside) == {"x": b"theirs"}
    assert (root / "link").is_symlink()


@pytest.mark.parametrize("fails_at", range(3))
def test_on_a_failure_all_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int) -> None:
    (tmp_path / "b").write_bytes(b"old")
    (tmp_path / "c").write_bytes(b"gone")
    before = tree(tmp_path)
    real, left = os.rename, [fails_at]

    def rename(source: str, target: str) -> None:
        if not left[0]:
            left[0] = -1
            raise OSError(28, "No space left on device", source)
        left[0] -= 1
        real(source, target)

    monkeypatch.setattr("os.rename", rename)
    with pytest.raises(WorldError) as failed:
        write_tree(str(tmp_path), {"a/new": (b"new", False), "b": (b"other", False)}, ["c"])
    assert failed.value.id == "disk"
    assert tree(tmp_path) == before
    assert not (tmp_path / "a").exists()


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b").write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)  # of the file that is replaced
    with pytest.raises(WorldError):
        write_tree(str(tmp_path), {"a/new": (b"new", False), "b": (b"other", False)})
    assert tree(tmp_path) == {"b": b"old"}
