"""The files of a build context: those of a folder that .dockerignore does not leave out, links resolved inside it."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelinegen.edge.filesystem import LINKS, Entry
from pipelinegen.edge.tar import Kind
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.patterns import Ignored

_CHUNK = 1024 * 1024
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_KINDS: dict[int, Kind] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}


class Context:
    """Asked like the files of an image. All belongs to root, and has one time: a checkout says nothing of either."""

    def __init__(self, folder: Path, ignored: Ignored, mtime: int) -> None:
        if not folder.is_dir():
            raise InputError("the context is no folder", id="bad-path", where=str(folder))
        self._root = str(folder)
        self._ignored = ignored
        self._mtime = mtime

    def get(self, path: str, *, follow: bool = True) -> Entry | None:
        return self._real(path, follow)[1]

    def real(self, path: str) -> str:
        return self._real(path, True)[0]

    def walk(self, path: str = "/") -> Iterator[Entry]:
        """All entries below a folder, sorted by path; symlinks are not followed, but the one that is the folder."""
        top = self.get(path)
        if top is not None and top.kind == "folder":
            yield from self._below(top.path)

    def contents(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[memoryview]]]:
        for entry in entries:
            if entry.kind == "file":
                yield entry, self.pieces(entry)

    def pieces(self, entry: Entry) -> Iterator[memoryview]:
        """The bytes of a file, as many as it had when it was looked at."""
        try:
            with open(os.open(self._disk(entry.path), _READ), "rb") as file:
                left = entry.size
                while left > 0 and (piece := file.read(min(left, _CHUNK))):
                    left -= len(piece)
                    yield memoryview(piece)
        except OSError as error:
            raise _unreadable(entry.path, error) from None
        if left:
            raise WorldError("the file has become shorter while it was read", id="changed-meanwhile", where=entry.path)

    def missing(self, path: str) -> str:
        """What to say of a path that is not there."""
        name = path.strip("/")
        if os.path.lexists(self._disk(f"/{name}")):
            return f"{name} is left out of the context by .dockerignore, or leads out of it"
        return f"there is no {name} in the context"

    def _below(self, folder: str) -> Iterator[Entry]:
        try:
            names = sorted(os.listdir(self._disk(folder)))
        except OSError as error:
            raise _unreadable(folder, error) from None
        for name in names:
            path = posixpath.join(folder, name)
            out = path[1:] in self._ignored
            entry = self._entry(path)
            if entry is None or (out and (entry.kind != "folder" or not self._ignored.takes_back)):
                continue
            if not out:
                yield entry
            if entry.kind == "folder":
                yield from self._below_one(entry, out)

    def _below_one(self, folder: Entry, out: bool) -> Iterator[Entry]:
        """What is in a folder; one that is left out comes back with the first of its files that is taken back in."""
        for entry in self._below(folder.path):
            if out:
                yield folder
                out = False
            yield entry

    def _real(self, path: str, follow: bool) -> tuple[str, Entry | None]:
        waiting = [part for part in path.split("/") if part not in ("", ".")][::-1]
        done, links = "/", 0
        entry = self._entry("/")
        while waiting:
            part = waiting.pop()
            if part == "..":
                done = posixpath.dirname(done)
                entry = self._entry(done)
                continue
            done = posixpath.join(done, part)
            entry = self._entry(done) if entry is not None and entry.kind == "folder" else None
            if entry is not None and entry.kind == "symlink" and (waiting or follow):
                links += 1
                if links > LINKS:
                    return done, None
                waiting += [part for part in entry.target.split("/") if part not in ("", ".")][::-1]
                done = "/" if entry.target.startswith("/") else posixpath.dirname(done)
                entry = self._entry(done)
        return done, entry if entry is not None and self._is_in(entry) else None

    def _is_in(self, entry: Entry) -> bool:
        """A folder that is left out is in, where something in it is taken back."""
        if entry.path == "/" or entry.path[1:] not in self._ignored:
            return True
        return entry.kind == "folder" and self._ignored.takes_back and next(self._below(entry.path), None) is not None

    def _entry(self, path: str) -> Entry | None:
        disk = self._disk(path)
        try:
            status = os.lstat(disk) if path != "/" else os.stat(disk)
            kind = _KINDS.get(stat.S_IFMT(status.st_mode))
            target = os.readlink(disk) if kind == "symlink" else ""
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(path, error) from None
        if kind is None:
            return None  # a socket, which nobody can copy
        device = (os.major(status.st_rdev), os.minor(status.st_rdev)) if kind in ("character", "block") else (0, 0)
        size = status.st_size if kind == "file" else 0
        mode = 0o777 if kind == "symlink" else stat.S_IMODE(status.st_mode)
        return Entry(path, kind, mode, 0, 0, size, target, self._mtime, device)

    def _disk(self, path: str) -> str:
        return self._root + path


def _unreadable(path: str, error: OSError) -> InputError:
    return InputError(
        f"this file of the context cannot be read: {error.strerror}", id="bad-path", where=path[1:] or "."
    )
