"""COPY and ADD: which files go where, with which owner and mode, by BuildKit's rules (fsutil's copy, file backend)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipelinegen.edge.engines.builtin.layer import FOLDER_MODE, ROOT, Files, Layer, Owner, whiteout
from pipelinegen.edge.engines.builtin.modes import Mode
from pipelinegen.edge.filesystem import Entry, LayeredFiles
from pipelinegen.edge.streams import stream_of
from pipelinegen.edge.tar import members
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.patterns import BadPattern, clean, has_wildcard, wildcard

DOCUMENT_MODE = 0o644


class NotThere(InputError):
    """A source is not in the context, the stage or the image."""

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no {path.lstrip('/') or '.'}", id="bad-dockerfile")


class Copying(NamedTuple):
    """One COPY or ADD into a layer. `scratch`: where archives are unpacked from that are compressed."""

    layer: Layer
    owner: Owner | None = None
    mode: Mode | None = None

    def copy(self, files: Files, source: str, target: str, archives: ArchiveFolder | None = None) -> int:
        """Copy what a source names, with its wildcards; unpack archives where `archives` is given. The number of files.

        target: absolute; with a slash at its end it is a folder.
        """
        count = 0
        paths = list(_matches(files, source))
        if len(paths) > 1 and not self.is_folder(target) and not all(_is_folder(files.get(path)) for path in paths):
            raise InputError(f"{source} fits {len(paths)} files: end the target with /", id="bad-dockerfile")
        for path in paths:
            archive = archives.open(files, path) if archives is not None else None
            count += self._unpack(archive, target) if archive is not None else self._copy(files, path, target)
        return count

    def is_folder(self, target: str) -> bool:
        """Whether a target is a folder, by its name or since it is there."""
        return target.endswith(("/", "/.")) or _is_folder(self.layer.below.get(target))

    def document(self, name: str, body: bytes, target: str) -> None:
        """A here-document, whose name is that of its file where the target is a folder."""
        place = self._place(name, target, is_folder=False)
        entry = Entry(place, "file", DOCUMENT_MODE, 0, 0, len(body), mtime=self.layer.mtime)
        self._put_file(entry, body=body)

    def _copy(self, files: Files, path: str, target: str) -> int:
        entry = files.get(path)
        if entry is None:
            raise InputError(files.missing(path), id="bad-dockerfile")
        place = self._place(path, target, is_folder=entry.kind == "folder")
        if entry.kind != "folder":
            self._put_file(entry._replace(path=place), files, entry)
            return 1
        # The folder itself is not copied, only what is in it: a new one is as other new ones.
        place = self._folder(place)
        count = 0
        for below in files.walk(entry.path):
            count += self._copy_below(files, entry.path, below, place)
        return count

    def _copy_below(self, files: Files, top: str, entry: Entry, place: str) -> int:
        relative = entry.path[len(top.rstrip("/")) + 1 :]
        path = posixpath.join(place, relative)
        if entry.kind != "folder":
            self._put_file(entry._replace(path=path), files, entry)
            return 1
        present = self.layer.below.get(path, follow=False)
        if present is not None and present.kind != "folder":
            raise InputError(f"{path} is a file in the image, and a folder in the source", id="bad-dockerfile")
        self.layer.put(self._owned(entry._replace(path=path)))
        return 0

    def _place(self, source: str, target: str, *, is_folder: bool) -> str:
        """Where something comes to be, its folder made. A file goes into a folder that is there, under its own name."""
        below = self.layer.below
        self._folder(target if target.endswith(("/", "/.")) else posixpath.dirname(target))
        place = below.real(clean(target))
        present = below.get(place)
        if is_folder:
            return place
        if present is not None and present.kind == "folder":
            place = posixpath.join(place, posixpath.basename(clean(source)))
        self._folder(posixpath.dirname(place))
        return place

    def _folder(self, path: str) -> str:
        mode = self.mode.new if self.mode is not None else FOLDER_MODE
        return self.layer.make_folder(clean(path), mode, self.owner or ROOT)

    def _put_file(
        self, entry: Entry, files: Files | None = None, original: Entry | None = None, body: bytes = b""
    ) -> None:
        present = self.layer.below.get(entry.path, follow=False)
        if present is not None and present.kind == "folder":
            raise InputError(f"{entry.path} is a folder in the image, and a file in the source", id="bad-dockerfile")
        self.layer.put(self._owned(entry), files, original, body)

    def _owned(self, entry: Entry) -> Entry:
        if self.owner is not None:
            entry = entry._replace(uid=self.owner.uid, gid=self.owner.gid)
        if self.mode is not None and entry.kind != "symlink":
            entry = entry._replace(mode=self.mode.change(entry.mode, entry.kind == "folder"))
        return entry

    def _unpack(self, archive: LayeredFiles, target: str) -> int:
        """What is in an archive keeps its owner, mode and time; what is in the way is replaced."""
        if names := archive.taken_away():
            raise whiteout(names[0])
        place = self._folder(target)
        count = 0
        for entry in archive.walk("/"):
            path = posixpath.join(place, entry.path[1:])
            present = self.layer.below.get(path, follow=False)
            if entry.implied and present is not None and present.kind == "folder":
                continue
            changed = entry._replace(path=path)
            if self.owner is not None and not entry.implied:
                changed = changed._replace(uid=self.owner.uid, gid=self.owner.gid)
            if entry.kind == "folder":
                self.layer.put(changed if not entry.implied else changed._replace(mtime=self.layer.mtime))
            else:
                self.layer.put(changed, archive, entry)
                count += 1
        return count


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == "folder"


class ArchiveFolder:
    """Where the archives of ADD are put to be read from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def open(self, files: Files, path: str) -> LayeredFiles | None:
        """The files of an archive; None for what is none, which is copied as it is."""
        entry = files.get(path)
        if entry is None or entry.kind != "file" or not _is_archive(files, entry):
            return None
        self._count += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        copy = self._folder / str(self._count)
        with open(copy, "wb") as out:
            for piece in files.pieces(entry):
                out.write(piece)
        return LayeredFiles([copy])


def _is_archive(files: Files, entry: Entry) -> bool:
    """Whether its first entry can be read, compressed or not: so the engines tell, whatever its name."""
    pieces = files.pieces(entry)
    try:
        return next(members(stream_of(pieces, entry.path)), None) is not None
    except WorldError as error:
        if error.id == "zstd-missing":
            raise
        return False


def _matches(files: Files, source: str) -> Iterator[str]:
    """The paths that a source names, sorted. What is in a folder that fits is not looked at for itself."""
    path = clean(f"/{source}")
    if not has_wildcard(path):
        yield path
        return
    fixed, open_parts = _split(path)
    base = files.real(fixed)
    try:
        pattern = wildcard("/".join(open_parts))
    except BadPattern as error:
        raise InputError(f"{error.pattern} is no pattern", id="bad-dockerfile") from None
    within = ""
    for entry in files.walk(base):
        if within and entry.path.startswith(within):
            continue
        if pattern.fullmatch(entry.path[len(base.rstrip("/")) + 1 :]):
            yield entry.path
            within = f"{entry.path}/" if entry.kind == "folder" else ""


def _split(path: str) -> tuple[str, list[str]]:
    parts = path.strip("/").split("/")
    first = next(at for at, part in enumerate(parts) if has_wildcard(part))
    return "/" + "/".join(parts[:first]), parts[first:]
