"""A layer in the making: seen on top of the layers below while it grows, then written as a tar, always the same."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from pipelinegen.edge.archive import Packed, pack
from pipelinegen.edge.filesystem import Entry, LayeredFiles, LayerIndex
from pipelinegen.edge.layout import Layout
from pipelinegen.edge.tar import BLOCK, XATTR
from pipelinegen.errors import InputError

FOLDER_MODE = 0o755
_WHITEOUT = ".wh."
_END = bytes(2 * BLOCK)


class Files(Protocol):
    """Where files are copied from: a context, an image, another stage, an archive."""

    def get(self, path: str, *, follow: bool = True) -> Entry | None: ...

    def real(self, path: str) -> str: ...

    def walk(self, path: str = "/") -> Iterator[Entry]: ...

    def contents(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[memoryview]]]: ...

    def pieces(self, entry: Entry) -> Iterator[memoryview]: ...

    def missing(self, path: str) -> str:
        """What to say of a path that is not there."""


class Owner(NamedTuple):
    uid: int
    gid: int


ROOT = Owner(0, 0)


@dataclass(slots=True)
class _Written:
    """A file of the layer and where its bytes are from: bytes, or a file of `source`."""

    entry: Entry
    source: Files | None = None
    original: Entry | None = None
    body: bytes = b""


@dataclass(slots=True)
class Layer:
    """One layer on top of `below`, whose files it is seen with while it grows. `mtime` is the time of what is made."""

    below: LayeredFiles
    mtime: int
    placeholder: Path
    _index: LayerIndex = field(default_factory=LayerIndex)
    _written: dict[str, _Written] = field(default_factory=dict)
    _number: int = -1

    def __post_init__(self) -> None:
        self._number = self.below.put_on_top(self.placeholder, self._index)

    def __bool__(self) -> bool:
        return bool(self._written)

    def make_folder(self, path: str, mode: int = FOLDER_MODE, owner: Owner = ROOT) -> str:
        """Make a folder with those above it, as far as they are not there; return its path without links."""
        real = self.below.real(path)
        entry = self.below.get(real, follow=False)
        if entry is not None and entry.kind == "folder":
            return real
        if entry is not None:
            raise InputError(f"{path} is a file in the image, and no folder", id="bad-dockerfile")
        if real != "/":
            self.make_folder(posixpath.dirname(real), mode, owner)
        self.put(Entry(real, "folder", mode, owner.uid, owner.gid, mtime=self.mtime))
        return real

    def put(self, entry: Entry, source: Files | None = None, original: Entry | None = None, body: bytes = b"") -> None:
        """An entry at its path, whose folder is there; what was there before is replaced."""
        if posixpath.basename(entry.path).startswith(_WHITEOUT):
            raise whiteout(entry.path)
        self._with_folders(posixpath.dirname(entry.path))
        before = self._written.get(entry.path)
        if before is not None and before.entry.kind == "folder" and entry.kind != "folder":
            for below in [name for name in self._written if name.startswith(f"{entry.path}/")]:
                del self._written[below]
        # Where its bytes stand is known once they are written; until then it is that of the source.
        entry = entry._replace(content=None, implied=False)
        self._written[entry.path] = _Written(entry, source, original, body)
        self._index.add(entry.path, entry)

    def _with_folders(self, folder: str) -> None:
        """The folders on the way stand in the layer too, as they are below: not all that unpack layers make them so."""
        if folder == "/" or folder in self._written:
            return
        self._with_folders(posixpath.dirname(folder))
        entry = self.below.get(folder, follow=False) or Entry(folder, "folder", FOLDER_MODE, 0, 0, mtime=self.mtime)
        entry = entry._replace(implied=False)
        self._written[folder] = _Written(entry)
        self._index.add(folder, entry)

    def write(self, layout: Layout) -> Packed:
        """Compress the layer into a blob. From then on it is read from there."""
        packed = pack(self._tar(), layout)
        # Where contents stand in the tar was noted while it was written.
        self.below.replace_path(self._number, layout.blob(packed.descriptor.digest))
        return packed

    def drop(self) -> None:
        """Nothing has come into the layer."""
        self.below.take_off(self._number)

    def _tar(self) -> Iterator[bytes | memoryview]:
        position = 0
        for written, pieces in self._ordered():
            header = _header(written.entry)
            yield header
            position += len(header)
            if written.entry.kind == "file" and not written.entry.target:
                self._index.add(written.entry.path, written.entry._replace(content=(self._number, position)))
                yield from pieces
                padding = bytes(-written.entry.size % BLOCK)
                yield padding
                position += written.entry.size + len(padding)
        yield _END

    def _ordered(self) -> Iterator[tuple[_Written, Iterable[bytes | memoryview]]]:
        """Folders before what is in them, files in the order in which their sources are read, hard links last."""
        ordered = [self._written[path] for path in sorted(self._written)]
        yield from ((each, ()) for each in ordered if each.entry.kind == "folder")
        yield from ((each, ()) for each in ordered if each.entry.kind not in ("folder", "file"))
        files = [each for each in ordered if each.entry.kind == "file"]
        yield from ((each, (each.body,)) for each in files if each.source is None)
        links: list[tuple[_Written, str]] = []
        for source in dict.fromkeys(each.source for each in files if each.source is not None):
            yield from self._from_source(source, [each for each in files if each.source is source], links)
        for each, target in links:
            yield _Written(each.entry._replace(target=target, size=0)), ()
            self._index.add(each.entry.path, self._index.entries[target]._replace(path=each.entry.path))

    def _from_source(
        self, source: Files, files: Sequence[_Written], links: list[tuple[_Written, str]]
    ) -> Iterator[tuple[_Written, Iterable[bytes | memoryview]]]:
        """The files of one source. Those that share their bytes in an image share them in the layer."""
        first: dict[object, _Written] = {}
        for each in files:
            original = each.original or each.entry
            key = original.content if original.content is not None else original.path
            known = first.setdefault(key, each)
            if known is each:
                continue
            if known.entry._replace(path="") == each.entry._replace(path=""):
                links.append((each, known.entry.path))
            else:
                yield each, source.pieces(original)
        by_original = {id(each.original): each for each in first.values()}
        originals = [each.original for each in first.values() if each.original is not None]
        for original, pieces in source.contents(originals):
            yield by_original[id(original)], pieces


def whiteout(path: str) -> InputError:
    return InputError(
        f"{path}: a file whose name begins with {_WHITEOUT} would take another one away",
        id="bad-dockerfile",
        next="rename it; layers of images use these names for what is deleted",
    )


def _header(entry: Entry) -> bytes:
    """The headers of an entry, PAX where they must be. For a file, `target` is the file that it is a hard link to."""
    import tarfile

    types = {
        "file": tarfile.LNKTYPE if entry.target else tarfile.REGTYPE,
        "folder": tarfile.DIRTYPE,
        "symlink": tarfile.SYMTYPE,
        "character": tarfile.CHRTYPE,
        "block": tarfile.BLKTYPE,
        "fifo": tarfile.FIFOTYPE,
    }
    info = tarfile.TarInfo(entry.path[1:])
    info.type = types[entry.kind]
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    info.size = 0 if entry.target else entry.size
    info.mtime = max(entry.mtime, 0)
    info.linkname = entry.target[1:] if entry.kind == "file" and entry.target else entry.target
    info.devmajor, info.devminor = entry.device
    info.pax_headers = {
        f"{XATTR}{name}": value.decode("utf-8", "surrogateescape") for name, value in sorted(entry.xattrs.items())
    }
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
