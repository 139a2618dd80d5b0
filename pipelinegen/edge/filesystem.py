"""The files of an image, read from its layers with whiteouts applied, without running or unpacking anything."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipelinegen.edge.layout import Layout
from pipelinegen.edge.streams import open_stream, unreadable
from pipelinegen.edge.tar import NO_XATTRS, Kind, Member, members
from pipelinegen.errors import WorldError

MOST_ENTRIES = 1_000_000
LONGEST_PATH = 64 * 1024
LINKS = 40  # as the kernel (ELOOP)
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Names of AUFS's own files, which old layers still hold; no runtime shows them.
_PRIVATE = ".wh..wh."


class Entry(NamedTuple):
    """A file of an image. `path` begins with `/`; `mode` is the permission bits, with set-uid, set-gid and sticky.

    `content` says where the bytes of a file stand: hard links of one file share it. `implied`: a folder that is only
    on the way to something, and has no entry of its own.
    """

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int = 0
    target: str = ""
    mtime: int = 0
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, bytes] = NO_XATTRS
    content: tuple[int, int] | None = None
    implied: bool = False

    @property
    def permissions(self) -> str:
        """As `ls -l` shows them: -rwxr-xr-x."""
        import stat

        return stat.filemode(_TYPES[self.kind] | self.mode)


_ROOT = Entry("/", "folder", 0o755, 0, 0, implied=True)
_TYPES = {
    "file": 0o100000,
    "folder": 0o040000,
    "symlink": 0o120000,
    "character": 0o020000,
    "block": 0o060000,
    "fifo": 0o010000,
}


class LayeredFiles:
    """The root file system that layers make, the lowest first. One is read only where those above it do not answer."""

    def __init__(self, layers: Sequence[Path]) -> None:
        self._paths = list(layers)
        self._layers: dict[int, LayerIndex] = {}

    @property
    def paths(self) -> list[Path]:
        """The files of the layers."""
        return list(self._paths)

    def put_on_top(self, path: Path, index: LayerIndex) -> int:
        """Add a layer whose entries are known, and return its number; its file need not be there yet."""
        self._paths.append(path)
        number = len(self._paths) - 1
        self._layers[number] = index
        return number

    def replace_path(self, number: int, path: Path) -> None:
        """The file of a layer is there now."""
        self._paths[number] = path

    def take_off(self, number: int) -> None:
        """Forget the layer on top."""
        del self._paths[number:]
        self._layers.pop(number, None)

    def get(self, path: str, *, follow: bool = True) -> Entry | None:
        """The entry at a path, None where there is nothing. Symlinks are resolved inside the image; without `follow`
        the last one is not (as lstat)."""
        return self._resolve(path, follow, len(self._paths))

    def real(self, path: str) -> str:
        """The path with the links on its way resolved; what is not there is taken as it stands."""
        return self._real(path, True, len(self._paths))[0]

    def read(self, path: str, limit: int = 16 * 1024 * 1024) -> bytes:
        """The bytes of a regular file. Raises KeyError where there is none, WorldError beyond `limit`."""
        entry = self.get(path)
        if entry is None or entry.content is None:
            raise KeyError(path)
        if entry.size > limit:
            raise WorldError(f"this file of the image is longer than {limit} bytes", id="file-too-big", where=path)
        return b"".join(self.pieces(entry))

    def pieces(self, entry: Entry) -> Iterator[memoryview]:
        """The bytes of a file, in pieces."""
        if entry.content is None:
            raise KeyError(entry.path)
        number, offset = entry.content
        with open(self._paths[number], "rb") as file:
            stream = open_stream(file, entry.path)
            stream.skip_to(offset)
            yield from stream.pieces(entry.size)

    def contents(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[memoryview]]]:
        """The files among the entries in the order in which their bytes stand, so that each layer is read once.

        Of hard links only one may be given.
        """
        files = sorted((each for each in entries if each.content is not None), key=lambda each: each.content or (0, 0))
        at = 0
        while at < len(files):
            number = (files[at].content or (0, 0))[0]
            with open(self._paths[number], "rb") as file:
                stream = open_stream(file, files[at].path)
                while at < len(files) and (content := files[at].content) and content[0] == number:
                    stream.skip_to(content[1])
                    yield files[at], stream.pieces(files[at].size)
                    stream.skip_to(content[1] + files[at].size)
                    at += 1

    def taken_away(self) -> list[str]:
        """What the layers take away, of each other or of what is below them."""
        layers = [self._layer(number) for number in range(len(self._paths))]
        return sorted(path for layer in layers for path in (*layer.gone, *layer.opaque))

    def missing(self, path: str) -> str:
        """What to say of a path that is not there."""
        return f"there is no {path} in the image"

    def walk(self, path: str = "/") -> Iterator[Entry]:
        """All entries below a folder, sorted by path; symlinks are not followed, but the one that is the folder."""
        top = self.get(path)
        if top is not None and top.kind == "folder":
            yield from self._walk(top.path)

    def _walk(self, folder: str) -> Iterator[Entry]:
        for name in sorted(self._names(folder)):
            entry = self._find(posixpath.join(folder, name), len(self._paths))
            if entry is not None:
                yield entry
                if entry.kind == "folder":
                    yield from self._walk(entry.path)

    def _names(self, folder: str) -> set[str]:
        names: set[str] = set()
        for number in reversed(range(len(self._paths))):
            layer = self._layer(number)
            names |= layer.children.get(folder, set())
            if layer.hides_below(folder):
                break
        return names

    def _resolve(self, path: str, follow: bool, below: int) -> Entry | None:
        return self._real(path, follow, below)[1]

    def _real(self, path: str, follow: bool, below: int) -> tuple[str, Entry | None]:
        """The path without links, and what the layers lower than `below` have there."""
        waiting = _parts(path)[::-1]
        done = "/"
        entry: Entry | None = _ROOT
        links = 0
        while waiting:
            part = waiting.pop()
            if part == "..":
                done = posixpath.dirname(done)
                entry = self._within(done, below)
                continue
            done = posixpath.join(done, part)
            # Below what is not there nothing is looked for, but the path goes on.
            entry = self._find(done, below) if entry is not None and entry.kind == "folder" else None
            if entry is not None and entry.kind == "symlink" and (waiting or follow):
                links += 1
                if links > LINKS:
                    return done, None
                waiting += _parts(entry.target)[::-1]
                done = "/" if entry.target.startswith("/") else posixpath.dirname(done)
                entry = self._within(done, below)
        return done, self._find("/", below) if done == "/" else entry

    def _within(self, path: str, below: int) -> Entry | None:
        """A folder on the way: of the root it is known what it is, and no layer has to be read for it."""
        return _ROOT if path == "/" else self._find(path, below)

    def _find(self, path: str, below: int) -> Entry | None:
        """What the layers lower than `below` have at a path that holds no link on its way."""
        for number in reversed(range(below)):
            layer = self._layer(number)
            entry = layer.entries.get(path)
            if entry is not None:
                return entry
            if layer.hides(path):
                return None
        return _ROOT if path == "/" else None

    def _layer(self, number: int) -> LayerIndex:
        if number not in self._layers:
            # In its place before it is read: its own links and folders are looked up while it grows.
            layer = self._layers[number] = LayerIndex()
            try:
                self._fill(layer, number)
            except BaseException:
                del self._layers[number]
                raise
        return self._layers[number]

    def _fill(self, layer: LayerIndex, number: int) -> None:
        where = str(self._paths[number])
        with open(self._paths[number], "rb") as file:
            for member in members(open_stream(file, where)):
                self._place(layer, number, member)
                if len(layer.entries) > MOST_ENTRIES:
                    raise unreadable(where, f"it holds more than {MOST_ENTRIES} files")

    def _place(self, layer: LayerIndex, number: int, member: Member) -> None:
        path = _clean(member.name)
        if len(path) > LONGEST_PATH:
            raise unreadable(str(self._paths[number]), f"it holds a path of more than {LONGEST_PATH} characters")
        folder, name = posixpath.split(path)
        if name == _OPAQUE:
            layer.opaque.add(self._folder(layer, number, folder))
        elif name.startswith(_PRIVATE):
            return
        elif name.startswith(_WHITEOUT):
            layer.gone.add(posixpath.join(self._folder(layer, number, folder), name[len(_WHITEOUT) :]))
        else:
            # A folder that the layer does not hold itself may be a link below it, through which the file is written.
            path = posixpath.join(self._folder(layer, number, folder), name) if name else "/"
            layer.add(path, self._entry(layer, number, path, member))

    def _folder(self, layer: LayerIndex, number: int, folder: str) -> str:
        """The real folder of an entry; where the layer does not hold it, it is what is below, or made."""
        if folder == "/" or layer.is_folder(folder):
            return folder
        parent = self._folder(layer, number, posixpath.dirname(folder))
        path = posixpath.join(parent, posixpath.basename(folder))
        if layer.is_folder(path):
            return path
        entry = layer.entries.get(path)
        if entry is None and not layer.hides(path):
            entry = self._find(path, number)
        if entry is not None and entry.kind == "symlink":
            # In the view of this layer as far as it was read, and of those below it.
            real, entry = self._real(path, True, number + 1)
            if entry is not None and entry.kind == "folder":
                return real
        made = Entry(path, "folder", 0o755, 0, 0, implied=True)
        layer.add(path, entry._replace(path=path) if entry is not None and entry.kind == "folder" else made)
        return path

    def _entry(self, layer: LayerIndex, number: int, path: str, member: Member) -> Entry:
        if member.hard:
            target = _clean(member.target)
            found = layer.entries.get(target) or self._real(target, False, number + 1)[1]
            if found is None or found.kind == "folder":
                raise unreadable(str(self._paths[number]), f"{path} is a hard link to {target}, which is no file of it")
            return found._replace(path=path)
        content = (number, member.offset) if member.kind == "file" else None
        return Entry(
            path,
            member.kind,
            member.mode,
            member.uid,
            member.gid,
            member.size,
            member.target,
            member.mtime,
            member.device,
            member.xattrs,
            content,
        )


class ImageFiles(LayeredFiles):
    """The root file system of one image, by the digest of its manifest."""

    def __init__(self, layout: Layout, digest: str) -> None:
        super().__init__([layout.blob(layer.digest) for layer in layout.layers(digest)])


class LayerIndex:
    """What one layer holds and takes away, by paths without links on their way."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.children: dict[str, set[str]] = {}
        self.gone: set[str] = set()
        self.opaque: set[str] = set()

    def add(self, path: str, entry: Entry) -> None:
        """A later entry of one layer takes the place of an earlier one, with what was below it."""
        before = self.entries.get(path)
        if before is not None and before.kind == "folder" and entry.kind != "folder":
            self._remove_below(path)
        self.entries[path] = entry
        if path != "/":
            folder, name = posixpath.split(path)
            self.children.setdefault(folder, set()).add(name)

    def _remove_below(self, path: str) -> None:
        for name in self.children.pop(path, ()):
            below = posixpath.join(path, name)
            self.entries.pop(below, None)
            self._remove_below(below)

    def is_folder(self, path: str) -> bool:
        entry = self.entries.get(path)
        return entry is not None and entry.kind == "folder"

    def hides(self, path: str) -> bool:
        """Whether what lower layers have at a path is gone, if this layer does not have it itself."""
        if path in self.gone:
            return True
        folder = posixpath.dirname(path)
        return path != "/" and self.hides_below(folder)

    def hides_below(self, folder: str) -> bool:
        """Whether what lower layers have in a folder is gone: by an opaque one, a whiteout, or a file in its place."""
        while True:
            entry = self.entries.get(folder)
            if folder in self.opaque or folder in self.gone or (entry is not None and entry.kind != "folder"):
                return True
            if folder == "/":
                return False
            folder = posixpath.dirname(folder)


def _clean(name: str) -> str:
    """An absolute path inside the image, whatever the archive says: `..` at its root stays there."""
    return posixpath.normpath(f"/{name.lstrip('/')}")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
