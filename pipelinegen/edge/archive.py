"""Image archives, as `docker save`, buildx, podman and skopeo write them, turned into OCI layouts."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pipelinegen.edge.layout import Descriptor, Layout, make_index
from pipelinegen.edge.streams import CHUNK, GzipWriter, compression_of, open_stream
from pipelinegen.edge.tar import Member, members
from pipelinegen.errors import WorldError
from pipelinegen.images.media_types import (
    OCI_CONFIG,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    as_oci,
    is_index,
)
from pipelinegen.images.platforms import platform_of
from pipelinegen.images.reference import is_digest

LONGEST_DOCUMENT = 16 * 1024 * 1024
MOST_MEMBERS = 100_000
_COMPRESSED = {"gzip": OCI_LAYER_GZIP, "zstd": OCI_LAYER_ZSTD}


def read_archive(archive: Path, folder: Path) -> Layout:
    """See layout.from_archive."""
    layout = Layout.create(folder)
    try:
        with open(archive, "rb") as file:
            if compression_of(file.read(16)) == "none":
                _read(_Archive(file, archive), layout)
                return layout
            file.seek(0)
            _inflate(file, archive, folder / ".archive")
        with open(folder / ".archive", "rb") as file:
            _read(_Archive(file, archive), layout)
    except OSError as error:
        raise WorldError(f"cannot read: {error.strerror}", id="disk", where=str(archive)) from error
    finally:
        (folder / ".archive").unlink(missing_ok=True)
    return layout


def _inflate(file: BinaryIO, archive: Path, target: Path) -> None:
    with open(target, "wb") as inflated:
        for piece in open_stream(file, str(archive)).rest():
            inflated.write(piece)


def _read(archive: _Archive, layout: Layout) -> None:
    if archive.has("oci-layout") and archive.has("index.json"):
        _read_oci(archive, layout)
    elif archive.has("manifest.json"):
        layout.set_root(_read_docker(archive, layout))
    else:
        raise archive.broken("it holds no index.json and no manifest.json")


class _Archive:
    """The members of an uncompressed tar by name. Nothing of it is written under a name of its own."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.where = str(path)
        self._file = file
        self._members: dict[str, Member] = {}
        file.seek(0)
        for member in members(open_stream(file, self.where)):
            self._members[_clean(member.name)] = member
            if len(self._members) > MOST_MEMBERS:
                raise self.broken(f"it holds more than {MOST_MEMBERS} files")

    def has(self, name: str) -> bool:
        return name in self._members

    def names(self) -> Iterable[str]:
        return self._members

    def find(self, name: str) -> Member:
        """The file under a name; old versions of Docker write a layer that they hold twice as a link to the first."""
        for _ in range(8):
            member = self._members.get(name)
            if member is None:
                break
            if member.kind == "file" and not member.hard:
                return member
            if member.kind not in ("file", "symlink"):
                break
            name = _clean(member.target if member.hard else posixpath.join(posixpath.dirname(name), member.target))
        raise self.broken(f"it holds no file {name}")

    def pieces(self, member: Member) -> Iterator[memoryview]:
        self._file.seek(member.offset)
        left = member.size
        while left > 0:
            piece = self._file.read(min(left, CHUNK))
            if not piece:
                raise self.broken("it ends in the middle")
            left -= len(piece)
            yield memoryview(piece)

    def read(self, name: str) -> bytes:
        member = self.find(name)
        if member.size > LONGEST_DOCUMENT:
            raise self.broken(f"{name} is longer than {LONGEST_DOCUMENT} bytes")
        return b"".join(self.pieces(member))

    def parsed(self, name: str) -> Any:
        try:
            return json.loads(self.read(name))
        except (ValueError, RecursionError):
            raise self.broken(f"{name} is not JSON") from None

    def broken(self, why: str) -> WorldError:
        return WorldError(f"no image can be read from this archive: {why}", id="archive-unreadable", where=self.where)


# An OCI layout in a tar: buildx, `docker save` since version 25, skopeo, podman.


def _read_oci(archive: _Archive, layout: Layout) -> None:
    for name in archive.names():
        kind, _, rest = name.partition("/")
        algorithm, _, encoded = rest.partition("/")
        if kind == "blobs" and is_digest(f"{algorithm}:{encoded}"):
            _keep(archive, name, f"{algorithm}:{encoded}", layout)
    (layout.folder / "index.json").write_bytes(archive.read("index.json"))
    root = layout.root()
    kept = _compressed(_present(root, layout, archive), layout)
    if kept is not root:
        layout.set_root(kept)


def _keep(archive: _Archive, name: str, digest: str, layout: Layout) -> None:
    algorithm, _, encoded = digest.partition(":")
    check = hashlib.new(algorithm)
    folder = layout.folder / "blobs" / algorithm
    folder.mkdir(exist_ok=True)
    with open(folder / encoded, "wb") as file:
        for piece in archive.pieces(archive.find(name)):
            check.update(piece)
            file.write(piece)
    if check.hexdigest() != encoded:
        raise archive.broken(f"{name} holds other bytes than its name says")


def _present(root: Descriptor, layout: Layout, archive: _Archive) -> Descriptor:
    """The images that were saved, of an index that lists more (Docker's containerd store has it whole)."""
    if not is_index(root.media_type):
        return root
    children = layout.children(root.digest)
    kept = [child for child in children if layout.has(child.digest)]
    if not kept:
        raise archive.broken("none of the images that it lists is in it")
    if len(kept) == len(children):
        return root
    if len(kept) == 1:
        return kept[0]
    return layout.add_document(make_index(kept), root.media_type)._replace(annotations=root.annotations)


def pack_layers(layout: Layout) -> None:
    """Compress what plain layers a layout has that an engine wrote (podman, buildah)."""
    root = layout.root()
    packed = _compressed(root, layout)
    if packed is not root:
        layout.set_root(packed)


def _compressed(root: Descriptor, layout: Layout) -> Descriptor:
    """The image with its plain layers compressed; several platforms come from buildx, which compresses them itself."""
    if is_index(root.media_type):
        return root
    manifest = layout.manifest(root.digest)
    layers = layout.layers(root.digest)
    packed = [_pack_blob(layer, layout) for layer in layers]
    if packed == layers:
        return root
    changed = {**manifest, "mediaType": OCI_MANIFEST, "layers": [layer.data() for layer in packed]}
    changed["config"] = {**manifest["config"], "mediaType": as_oci(manifest["config"]["mediaType"])}
    return layout.add_document(changed, OCI_MANIFEST)._replace(platform=root.platform)


def _pack_blob(layer: Descriptor, layout: Layout) -> Descriptor:
    with open(layout.blob(layer.digest), "rb") as file:
        if compression_of(file.read(16)) != "none":
            return layer
        file.seek(0)
        packed = pack(iter(lambda: file.read(CHUNK), b""), layout)
    return packed.descriptor._replace(annotations=layer.annotations)


# The older format of `docker save`: manifest.json, a configuration, layers as plain tars.


def _read_docker(archive: _Archive, layout: Layout) -> Descriptor:
    listed = archive.parsed("manifest.json")
    images = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if len({str(each.get("Config")) for each in images}) != 1:
        raise archive.broken(f"manifest.json names {len(images)} images, not one")
    config_name, layer_names = images[0].get("Config"), images[0].get("Layers")
    if not isinstance(config_name, str) or not isinstance(layer_names, list):
        raise archive.broken("manifest.json lacks Config or Layers")
    config_name = _clean(config_name)
    config = archive.parsed(config_name)
    layers = _docker_layers(archive, layout, config, [_clean(str(name)) for name in layer_names])
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": layout.add_blob(archive.read(config_name), OCI_CONFIG).data(),
        "layers": [layer.data() for layer in layers],
    }
    return layout.add_document(manifest, OCI_MANIFEST)._replace(platform=platform_of(config) or None)


def _docker_layers(archive: _Archive, layout: Layout, config: Any, names: Sequence[str]) -> list[Descriptor]:
    rootfs = config.get("rootfs") if isinstance(config, dict) else None
    stated = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(stated, list) or len(stated) != len(names):
        raise archive.broken("its configuration has not as many layers as manifest.json")
    done: dict[int, Packed] = {}
    layers = []
    for name, diff_id in zip(names, stated, strict=True):
        member = archive.find(name)
        if member.offset not in done:
            done[member.offset] = _docker_layer(archive, member, layout)
        packed = done[member.offset]
        if packed.diff_id != diff_id:
            raise archive.broken(f"the layer {name} holds other bytes than its configuration says")
        layers.append(packed.descriptor)
    return layers


def _docker_layer(archive: _Archive, member: Member, layout: Layout) -> Packed:
    head = bytes(next(archive.pieces(member), b"")[:16])
    media_type = _COMPRESSED.get(compression_of(head))
    if media_type is None:
        return pack(archive.pieces(member), layout)
    descriptor = layout.add_pieces(archive.pieces(member), media_type)
    plain = hashlib.sha256()
    with open(layout.blob(descriptor.digest), "rb") as file:
        for piece in open_stream(file, archive.where).rest():
            plain.update(piece)
    return Packed(descriptor, f"sha256:{plain.hexdigest()}")


class Packed(NamedTuple):
    """A layer that was compressed, and the digest of its tar (the diff id)."""

    descriptor: Descriptor
    diff_id: str


def pack(pieces: Iterable[bytes | memoryview], layout: Layout) -> Packed:
    """Compress a tar into a layer; the same tar gives the same bytes."""
    plain = hashlib.sha256()
    with layout.writer() as blob:
        gzip = GzipWriter(blob.write)
        for piece in pieces:
            plain.update(piece)
            gzip.write(piece)
        gzip.end()
        return Packed(blob.keep(OCI_LAYER_GZIP), f"sha256:{plain.hexdigest()}")


def _clean(name: str) -> str:
    return posixpath.normpath(f"/{name}").lstrip("/")
