"""The files of an image, read from its layers with whiteouts applied, without running or unpacking anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pipelinegen.edge.layout import Layout

Kind = Literal["file", "folder", "symlink", "character", "block", "fifo"]


class Entry(NamedTuple):
    """A file of an image. `path` begins with `/`; `mode` is the permission bits, with set-uid, set-gid and sticky."""

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int = 0
    target: str = ""


class ImageFiles:
    """The root file system of one image, by the digest of its manifest. Layers are read only as far as is asked."""

    def __init__(self, layout: Layout, digest: str) -> None:
        self._layout = layout
        self._digest = digest

    def get(self, path: str, *, follow: bool = True) -> Entry | None:
        """The entry at a path, None where there is nothing. Symlinks are resolved inside the image; without `follow`
        the last one is not (as lstat)."""
        raise NotImplementedError

    def read(self, path: str, limit: int = 16 * 1024 * 1024) -> bytes:
        """The bytes of a regular file. Raises KeyError where there is none, WorldError beyond `limit`."""
        raise NotImplementedError

    def walk(self, path: str = "/") -> Iterator[Entry]:
        """All entries below a folder, sorted by path; symlinks are not followed."""
        raise NotImplementedError
