"""A tree of files that is written as a whole: read without following links, made, replaced and removed, all or none."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache

from pipelinegen.edge.process import signals_held
from pipelinegen.errors import InputError, WorldError

_LIMIT = 5 * 1024 * 1024


def read_file(root: str, path: str) -> tuple[bytes, bool] | None:
    """The bytes of a file and whether it is executable; None where there is nothing. Raises InputError, WorldError."""
    status = _lstat(root, path)
    if status is None:
        return None
    _check_regular(path, status)
    if status.st_size > _LIMIT:
        raise _refused(path, f"larger than {_LIMIT // (1024 * 1024)} MiB")
    try:
        descriptor = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            return file.read(), bool(status.st_mode & stat.S_IXUSR)
    except OSError as error:
        raise _failed("read", error, root) from None


def write_tree(root: str, files: Mapping[str, tuple[bytes, bool]], removed: Collection[str] = ()) -> None:
    """Give files these bytes (True: executable) and take others away; on any failure all is as it was.

    Folders are made where they are lacking, and removed where they become empty. Raises WorldError, InputError.
    """
    moves = [_Move(root, path, *content) for path, content in files.items()]
    moves += [_Move(root, path, None, False) for path in removed]
    made: list[str] = []
    try:
        for move in moves:
            _make_folders(root, move.path, made)
            move.stage()
        with signals_held():  # no signal falls between two files
            _exchange(moves)
        made.clear()
    except OSError as error:
        raise _failed("write", error, root) from None
    finally:
        for move in moves:
            move.clean()
        for folder in reversed(made):
            os.rmdir(folder)
    for path in removed:
        _remove_empty_folders(root, os.path.dirname(path))


@dataclass(slots=True)
class _Move:
    """One file, and the names beside it under which its new and old bytes lie meanwhile. data: None takes it away."""

    root: str
    path: str
    data: bytes | None
    executable: bool
    target: str = field(init=False)
    new: str = field(init=False)
    old: str = field(init=False)
    created: bool = False

    def __post_init__(self) -> None:
        self.target = os.path.join(self.root, self.path)
        folder, name = os.path.split(self.target)
        beside = os.path.join(folder, f".{os.fsdecode(os.fsencode(name)[:200])}.{os.getpid()}")
        self.new, self.old = f"{beside}.new.pipelinegen", f"{beside}.old.pipelinegen"

    def stage(self) -> None:
        status = _lstat(self.root, self.path)
        if status is not None:
            _check_regular(self.path, status)
        if self.data is None:
            return
        mode = stat.S_IMODE(status.st_mode) if status else _new_mode()
        descriptor = os.open(self.new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(self.data)
            file.flush()
            if status and (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, mode | (mode & 0o444) >> 2 if self.executable else mode)
            if status:  # what stood there may be somebody's; a new file can be written again
                os.fsync(descriptor)

    def do(self) -> None:
        there = os.path.lexists(self.target)
        if self.data is None:
            os.rename(self.target, self.old)
            return
        if there:
            self._keep()
        os.rename(self.new, self.target)
        self.created = not there

    def _keep(self) -> None:
        """The old file under a second name, so that the new one takes its place at once."""
        try:
            os.link(self.target, self.old, follow_symlinks=False)
        except OSError:  # no hard links here, or none for this user
            os.rename(self.target, self.old)

    def undo(self) -> None:
        if os.path.lexists(self.old):
            os.rename(self.old, self.target)
        elif self.created:
            os.unlink(self.target)

    def clean(self) -> None:
        for name in (self.new, self.old):
            if os.path.lexists(name):
                os.unlink(name)


def _exchange(moves: Collection[_Move]) -> None:
    try:
        for move in moves:
            move.do()
    except OSError:
        for move in moves:
            move.undo()
        raise


def _check_regular(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, "a link, which is never followed" if stat.S_ISLNK(status.st_mode) else "no regular file")


def _lstat(root: str, path: str) -> os.stat_result | None:
    """The status of what stands at a path whose folders are folders."""
    at = root
    for folder in path.split("/")[:-1]:
        at = os.path.join(at, folder)
        try:
            status = os.lstat(at)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed("read", error, root) from None
        if not stat.S_ISDIR(status.st_mode):
            raise _refused(path, f"behind {os.path.relpath(at, root)}, which is no folder (links are never followed)")
    try:
        return os.lstat(os.path.join(root, path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed("read", error, root) from None


def _make_folders(root: str, path: str, made: list[str]) -> None:
    at = root
    for folder in path.split("/")[:-1]:
        at = os.path.join(at, folder)
        if not os.path.lexists(at):
            os.mkdir(at)
            made.append(at)


def _remove_empty_folders(root: str, folder: str) -> None:
    while folder:
        try:
            os.rmdir(os.path.join(root, folder))
        except OSError:
            return
        folder = os.path.dirname(folder)


@cache
def _new_mode() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _refused(path: str, what: str) -> InputError:
    return InputError(
        f"cannot be written: it is {what}",
        id="file-refused",
        where=path,
        state="no file has changed",
        next="move it out of the way, or name another folder with --out",
    )


def _failed(verb: str, error: OSError, root: str) -> WorldError:
    return WorldError(
        f"cannot {verb}: {(error.strerror or str(error)).lower()}",
        id="disk",
        where=error.filename if isinstance(error.filename, str) else root,
        state="no file has changed",
        next="free space or mend the permissions, then run the command again",
    )
