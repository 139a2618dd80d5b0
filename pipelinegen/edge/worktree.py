"""The files of a checkout: tracked regular files inside it only, read for searching, written all or none."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pipelinegen.edge.process import capture, signals_held
from pipelinegen.errors import InputError, WorldError
from pipelinegen.manifests.tree import Unreadable

_CHUNK = 32 * 1024
_LIMIT = 5 * 1024 * 1024
_FEW = 6
_PREFIX = 4
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Worktree:
    """A folder, in or outside git. `candidate` says which paths are worth a search."""

    def __init__(self, root: str, candidate: Callable[[str], bool]) -> None:
        if not os.path.isdir(root):
            raise InputError("not a folder", id="bad-path", where=root, next="give --repo a checkout, or a URL")
        self.root = os.path.abspath(root)
        self._candidate = candidate
        self._paths: list[str] | None = None
        self._found: dict[str, bytes] = {}
        self._folders: dict[str, bool] = {}

    @property
    def in_git(self) -> bool:
        """Whether the folder belongs to a git work tree."""
        folder = self.root
        while not os.path.lexists(os.path.join(folder, ".git")):
            parent = os.path.dirname(folder)
            if parent == folder:
                return False
            folder = parent
        return True

    def paths(self) -> Sequence[str]:
        """Tracked files by `git ls-files`; outside git, all regular files."""
        if self._paths is None:
            self._paths = sorted(self._tracked() if self.in_git else self._walk())
        return self._paths

    def _tracked(self) -> list[str]:
        done = capture(["git", "-C", self.root, "-c", "core.fsmonitor=false", "ls-files", "-z", "--deduplicate"])
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise WorldError(
                "git cannot list the files",
                id="git-failed",
                where=self.root,
                next="run `git ls-files` there and mend what it says",
                details=words[:10],
            )
        return os.fsdecode(done.stdout).split("\0")[:-1]

    def _walk(self) -> list[str]:
        paths, folders = [], [""]
        while folders:
            folder = folders.pop()
            try:
                entries = list(os.scandir(os.path.join(self.root, folder)))
            except OSError:
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.is_file(follow_symlinks=False):
                    paths.append(path)
        return paths

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        """One pass over the candidates; a file that is found by the first group is kept for `read`."""
        found: list[list[str]] = [[] for _ in groups]
        tests = [(paths, _tests(words)) for paths, words in zip(found, groups, strict=True)]
        open_file = os.open  # this loop is where a bump of a large repository spends its time
        folder = open_file(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for path in filter(self._candidate, self.paths()):
                try:
                    file = open_file(path, _READ, dir_fd=folder)
                except OSError:
                    continue  # a link, or gone
                data = _contents(file)
                if data is None:
                    continue
                for paths, beginnings in tests:
                    for beginning, whole in beginnings:
                        if beginning in data and (whole is None or whole(data)):
                            paths.append(path)
                            if paths is found[0]:
                                self._found[path] = data
                            break
        finally:
            os.close(folder)
        return found

    def read(self, path: str) -> bytes:
        """The bytes of a listed file. Raises KeyError, Unreadable."""
        if not self._is_inside(path):
            raise Unreadable("reached through a link; links are never followed")
        if path not in self._found:
            self._found[path] = _read(os.path.join(self.root, path))
        data = self._found[path]
        if len(data) > _LIMIT:
            raise Unreadable(f"larger than {_LIMIT // (1024 * 1024)} MiB")
        return data

    def _is_inside(self, path: str) -> bool:
        folder = os.path.dirname(path)
        if not folder:
            return True
        if folder not in self._folders:
            if os.path.isabs(folder) or ".." in folder.split("/"):
                raise KeyError(path)
            try:
                status = os.lstat(os.path.join(self.root, folder))
            except OSError:
                raise KeyError(path) from None
            self._folders[folder] = stat.S_ISDIR(status.st_mode) and self._is_inside(folder)
        return self._folders[folder]

    def _unchanged(self, path: str) -> bytes:
        """The bytes that were planned on, which must still be those on the disk."""
        try:
            planned = self.read(path)
            if _read(os.path.join(self.root, path)) == planned:
                return planned
        except (KeyError, Unreadable):
            pass
        raise _changed(path)

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Give files new bytes: each at once, all or none, with the mode and owner they have. Raises WorldError."""
        moves = [_move(os.path.join(self.root, path)) for path in contents]
        try:
            before = [self._unchanged(path) for path in contents]
            for move, data in zip(moves, contents.values(), strict=True):
                _stage(move.target, move.new, data)
            # No signal falls between two files.
            with signals_held():
                _exchange(moves, before)
        except OSError as error:
            raise WorldError(
                f"cannot write: {error.strerror}",
                id="disk",
                where=error.filename if isinstance(error.filename, str) else self.root,
                state="no file has changed",
                next="free space or mend the permissions, then run the command again",
            ) from None
        finally:
            for name in (name for move in moves for name in (move.new, move.old)):
                if os.path.lexists(name):
                    os.unlink(name)
        self._found.update(contents)


class _Move(NamedTuple):
    """A file that is to get new bytes, and the names of the new and of the old bytes beside it."""

    target: str
    new: str
    old: str


def _move(target: str) -> _Move:
    folder, name = os.path.split(target)
    beside = os.path.join(folder, f".{_shortened(name)}.{os.getpid()}")
    return _Move(target, f"{beside}.new.pipelinegen", f"{beside}.old.pipelinegen")


def _shortened(name: str) -> str:
    """A name may have 255 bytes; ours gets some more."""
    return os.fsdecode(os.fsencode(name)[:200])


def _exchange(moves: Sequence[_Move], before: Sequence[bytes]) -> None:
    """Put all new files in the places of the old ones; on a failure all old ones are back."""
    done: list[_Move] = []
    try:
        for move, data in zip(moves, before, strict=True):
            _keep(move, data)
            os.rename(move.new, move.target)
            done.append(move)
    except OSError:
        for move in done:
            os.rename(move.old, move.target)
        raise


def _keep(move: _Move, data: bytes) -> None:
    """The old file under a second name: the way back then needs no space and cannot fail half-way."""
    try:
        os.link(move.target, move.old, follow_symlinks=False)
    except OSError:  # no hard links here, or none for this user
        _stage(move.target, move.old, data)


def _changed(path: str) -> WorldError:
    return WorldError(
        "the file changed between planning and writing",
        id="changed-meanwhile",
        where=path,
        state="no file has changed",
        next="run the command again",
    )


def _tests(words: Sequence[bytes]) -> list[tuple[bytes, Callable[[bytes], object] | None]]:
    """What to look for: each beginning that words share, and how to tell whether one of them really stands there."""
    buckets: dict[bytes, list[bytes]] = {}
    for word in words:
        buckets.setdefault(word[:_PREFIX], []).append(word)
    if len(buckets) > _FEW:
        return [(b"", _search(words))]
    return [(_common(bucket), _search(bucket) if len(bucket) > 1 else None) for bucket in buckets.values()]


def _search(words: Sequence[bytes]) -> Callable[[bytes], object]:
    return re.compile(b"|".join(re.escape(word) for word in sorted(words))).search


def _common(words: Sequence[bytes]) -> bytes:
    """The beginning that all the words share."""
    first, last = min(words), max(words)
    length = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:length]


def _contents(file: int) -> bytes | None:
    """The bytes of an open file, which is closed; None for a folder (a submodule)."""
    try:
        data = os.read(file, _CHUNK)
        return data if len(data) < _CHUNK else data + _rest(file)
    except OSError:
        return None
    finally:
        os.close(file)


def _rest(file: int) -> bytes:
    """What follows the first chunk, up to one chunk beyond the limit."""
    parts: list[bytes] = []
    size = _CHUNK
    while size <= _LIMIT and (data := os.read(file, 1024 * 1024)):
        parts.append(data)
        size += len(data)
    return b"".join(parts)


def _read(target: str) -> bytes:
    try:
        status = os.lstat(target)
    except OSError:
        raise KeyError(target) from None
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("not a regular file")
    if status.st_size > _LIMIT:
        raise Unreadable(f"larger than {_LIMIT // (1024 * 1024)} MiB")
    with open(os.open(target, _READ), "rb") as file:
        return file.read()


def _stage(target: str, temporary: str, data: bytes) -> None:
    """A file beside the target with the given bytes and the target's mode and owner."""
    status = os.lstat(target)
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(file, status.st_uid, status.st_gid)
        os.fchmod(file, stat.S_IMODE(status.st_mode))
        os.fsync(file)
    finally:
        os.close(file)
