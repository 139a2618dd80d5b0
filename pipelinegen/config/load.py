"""From a folder to the configuration: find the file, read it, tell all that is wrong with it at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelinegen.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelinegen.config.model import Config

NAMES = ("pipelinegen.yaml", "pipelinegen.yml")
_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
_SCHEMA_HINT = "`pipelinegen init` writes a file to begin with; `pipelinegen schema` prints what it may hold"


def find(start: str | os.PathLike[str]) -> Path | None:
    """The configuration file of a folder: in it or above it, up to the root of the repository that it is in."""
    folder = os.path.abspath(start)
    while True:
        found = [name for name in NAMES if os.path.lexists(os.path.join(folder, name))]
        if len(found) > 1:
            what = f"{found[0]} and {found[1]} are both here"
            raise InputError(what, id="bad-config", where=folder, next="keep one of the two files")
        if found:
            from pathlib import Path

            return Path(folder, found[0])
        # A file above the repository belongs to something else, perhaps to somebody else.
        above = os.path.dirname(folder)
        if above == folder or os.path.lexists(os.path.join(folder, ".git")):
            return None
        folder = above


def load(path: Path) -> Config:
    """Read a configuration file. Raises InputError with all its problems."""
    name = _short(path)
    return loads(_read(path, name), name).named_after(os.path.basename(os.path.dirname(os.path.abspath(path))))


def loads(data: bytes, name: str) -> Config:
    """Read the bytes of a configuration file; `name` is what messages and `Config.where` call it."""
    with _without_plugins():
        return _loads(data, name)


@contextmanager
def _without_plugins() -> Iterator[None]:
    """pydantic would run what any installed package offers it by an entry point, and search for it in all of them."""
    before = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = before


def _loads(data: bytes, name: str) -> Config:
    from pipelinegen.config import check, document, source

    text = ""
    try:
        text = source.decode(data)
        problems = source.find_credentials(text)
        root, found = document.compose(text)
    except source.Unreadable as error:
        raise source.bad_config(name, text or error.text, error.problems) from None
    if root is None:
        raise InputError("the file is empty", id="bad-config", where=f"{name}:1:1", next=_SCHEMA_HINT)
    config, wrong = check.check(root, name)
    problems = [*problems, *found, *wrong]
    if problems or config is None:
        raise source.bad_config(name, text, problems)
    return config


def _short(path: Path) -> str:
    """The path as a person here would type it."""
    relative = os.path.relpath(path)
    return min(relative, str(path), key=len)


def _read(path: Path, name: str) -> bytes:
    from pipelinegen.config.source import SIZE_MAX

    try:
        # Without O_NONBLOCK the opening of a named pipe would wait for somebody to write.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError("this is not a regular file", id="bad-config", where=name, next=_SCHEMA_HINT)
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        what = f"cannot read the configuration: {(error.strerror or str(error)).lower()}"
        raise InputError(what, id="bad-config", where=name, next=_SCHEMA_HINT) from None
