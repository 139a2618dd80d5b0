"""An OCI image layout on disk: what was built, tested and is pushed, whatever the engine."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

from pipelinegen.errors import WorldError
from pipelinegen.images.media_types import CONFIGS, MANIFESTS, OCI_INDEX, is_index
from pipelinegen.images.platforms import parts_of, platform_of
from pipelinegen.images.reference import is_digest

NOTHING: Mapping[str, str] = MappingProxyType({})
LONGEST_DOCUMENT = 16 * 1024 * 1024
DEEPEST_INDEX = 4
_CHUNK = 1024 * 1024
_UNKNOWN = "unknown/unknown"
_REFERENCE_TYPE = "vnd.docker.reference.type"


class Descriptor(NamedTuple):
    """What a manifest, an index or index.json says of a blob. `platform` is linux/arm/v7, None where it says none."""

    digest: str
    media_type: str
    size: int
    platform: str | None = None
    annotations: Mapping[str, str] = NOTHING

    def data(self) -> dict[str, object]:
        """As it stands in a manifest or an index."""
        found: dict[str, object] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.annotations:
            found["annotations"] = dict(sorted(self.annotations.items()))
        if self.platform is not None:
            found["platform"] = parts_of(self.platform)
        return found


class Layout:
    """A folder with blobs/sha256/*, index.json and oci-layout that is about one image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path) -> Layout:
        """A layout without blobs; the folder is made."""
        (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        (folder / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
        (folder / "index.json").write_bytes(_encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}))
        return cls(folder)

    def root(self) -> Descriptor:
        """The one image manifest or image index that the layout is about."""
        index = self._parsed(self.folder / "index.json", self._small(self.folder / "index.json"))
        # One image under several names is listed once for each of them.
        found = {each.digest: each for each in self._descriptors(index.get("manifests"))}
        if len(found) != 1:
            raise self._broken(f"index.json names {len(found)} images, not one")
        return next(iter(found.values()))

    def set_root(self, descriptor: Descriptor) -> None:
        """Make the layout be about this manifest or index."""
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor.data()]}
        target = self.folder / "index.json"
        temporary = target.with_suffix(".new")
        temporary.write_bytes(_encode(index))
        os.replace(temporary, target)

    def images(self) -> list[Descriptor]:
        """The image manifests, by platform; attestations are left out. `platform` is always known."""
        return list(self._images(self.root(), DEEPEST_INDEX))

    def manifest(self, digest: str) -> dict[str, Any]:
        """A manifest or an index, checked against its digest."""
        return self._parsed(self.blob(digest), self.read(digest))

    def config(self, digest: str) -> dict[str, Any]:
        """The configuration of the image whose manifest has this digest."""
        return self.manifest(self.config_descriptor(digest).digest)

    def config_descriptor(self, digest: str) -> Descriptor:
        """Where the configuration of the image with this manifest stands."""
        return next(self._descriptors([self.manifest(digest).get("config")]))

    def layers(self, digest: str) -> list[Descriptor]:
        """The layers of the image whose manifest has this digest, the lowest first."""
        return list(self._descriptors(self.manifest(digest).get("layers")))

    def children(self, digest: str) -> list[Descriptor]:
        """What an index lists, attestations and all."""
        return list(self._descriptors(self.manifest(digest).get("manifests")))

    def has(self, digest: str) -> bool:
        return is_digest(digest) and self._path(digest).is_file()

    def blob(self, digest: str) -> Path:
        """The file of a blob, which is there."""
        if not is_digest(digest):
            raise self._broken(f"{digest} is no digest")
        path = self._path(digest)
        try:
            regular = stat.S_ISREG(os.lstat(path).st_mode)
        except OSError:
            regular = False
        if not regular:
            raise self._broken(f"the blob {digest} is not there")
        return path

    def read(self, digest: str) -> bytes:
        """A small blob (a manifest, a configuration), checked against its digest."""
        body = self._small(self.blob(digest))
        got = hashlib.new(digest.partition(":")[0], body).hexdigest()
        if digest.partition(":")[2] != got:
            raise self._broken(f"the blob {digest} holds other bytes")
        return body

    def add_blob(self, data: bytes | BinaryIO, media_type: str) -> Descriptor:
        """Store bytes, or what is read from a stream, under their digest."""
        if isinstance(data, bytes):
            return self.add_pieces([data], media_type)
        return self.add_pieces(iter(lambda: data.read(_CHUNK), b""), media_type)

    def add_document(self, content: Mapping[str, Any], media_type: str) -> Descriptor:
        """Store a manifest, an index or a configuration; the same content always has the same bytes."""
        return self.add_blob(_encode(content), media_type)

    def add_pieces(self, pieces: Iterable[bytes | memoryview], media_type: str) -> Descriptor:
        """Store what comes in pieces under its digest; on an error nothing is left of it."""
        with self.writer() as blob:
            for piece in pieces:
                blob.write(piece)
            return blob.keep(media_type)

    def prune(self) -> None:
        """Remove the blobs that the image does not name, as those of other stages."""
        kept = set(self._reachable(self.root()))
        for path in self.folder.glob("blobs/*/*"):
            if f"{path.parent.name}:{path.name}" not in kept:
                path.unlink()

    def _reachable(self, descriptor: Descriptor) -> Iterator[str]:
        yield descriptor.digest
        if is_index(descriptor.media_type):
            for child in self.children(descriptor.digest):
                yield from self._reachable(child)
        elif descriptor.media_type in MANIFESTS:
            yield self.config_descriptor(descriptor.digest).digest
            yield from (layer.digest for layer in self.layers(descriptor.digest))

    def writer(self) -> BlobWriter:
        return BlobWriter(self.folder / "blobs" / "sha256")

    def _images(self, descriptor: Descriptor, depth: int) -> Iterator[Descriptor]:
        if depth == 0:
            raise self._broken("its indexes are nested too deeply")
        if descriptor.annotations.get(_REFERENCE_TYPE) or descriptor.platform == _UNKNOWN:
            return
        if is_index(descriptor.media_type):
            for child in self.children(descriptor.digest):
                yield from self._images(child, depth - 1)
        elif descriptor.media_type in MANIFESTS and self._is_image(descriptor.digest):
            yield descriptor._replace(platform=descriptor.platform or platform_of(self.config(descriptor.digest)))

    def _is_image(self, digest: str) -> bool:
        config = self.manifest(digest).get("config")
        return isinstance(config, dict) and config.get("mediaType") in CONFIGS

    def _descriptors(self, listed: object) -> Iterator[Descriptor]:
        for each in listed if isinstance(listed, list) else ():
            found = read_descriptor(each)
            if found is None:
                raise self._broken("a descriptor in it has no digest, media type and size")
            yield found

    def _path(self, digest: str) -> Path:
        return self.folder.joinpath("blobs", *digest.split(":"))

    def _small(self, path: Path) -> bytes:
        try:
            with open(path, "rb") as file:
                body = file.read(LONGEST_DOCUMENT + 1)
        except OSError as error:
            raise self._broken(f"{path.name}: {error.strerror}") from error
        if len(body) > LONGEST_DOCUMENT:
            raise self._broken(f"{path.name} is longer than {LONGEST_DOCUMENT} bytes")
        return body

    def _parsed(self, path: Path, body: bytes) -> dict[str, Any]:
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise self._broken(f"{path.name} is not a JSON object")
        return content

    def _broken(self, why: str) -> WorldError:
        return WorldError(f"this OCI layout is broken: {why}", id="layout-broken", where=str(self.folder))


class BlobWriter:
    """A blob that is being written; it is in the layout once `keep` was called, and gone if it was not."""

    def __init__(self, folder: Path) -> None:
        self.size = 0
        self._hash = hashlib.sha256()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._temporary = folder / f".{os.getpid()}-{os.urandom(8).hex()}"
        self._file = open(self._temporary, "xb")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def write(self, data: bytes | memoryview) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise WorldError(
                f"cannot write: {error.strerror}",
                id="disk",
                where=str(self._folder),
                next="free space, or set TMPDIR to a larger disk",
            ) from error
        self._hash.update(data)
        self.size += len(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    def keep(self, media_type: str) -> Descriptor:
        self._file.close()
        os.replace(self._temporary, self._folder / self._hash.hexdigest())
        return Descriptor(self.digest, media_type, self.size)


def read_descriptor(content: object) -> Descriptor | None:
    """A descriptor of a manifest or an index; None where it lacks what each one has."""
    if not isinstance(content, dict):
        return None
    digest, media_type, size = content.get("digest"), content.get("mediaType"), content.get("size")
    if not isinstance(digest, str) or not is_digest(digest) or not isinstance(media_type, str):
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return None
    annotations = content.get("annotations")
    kept = annotations.items() if isinstance(annotations, dict) else ()
    texts = {key: value for key, value in kept if isinstance(value, str)}
    return Descriptor(digest, media_type, size, platform_of(content.get("platform")) or None, texts or NOTHING)


def make_index(descriptors: Iterable[Descriptor], annotations: Mapping[str, str] = NOTHING) -> dict[str, Any]:
    """The content of an image index."""
    index: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [each.data() for each in descriptors],
    }
    return {**index, "annotations": dict(sorted(annotations.items()))} if annotations else index


def from_archive(archive: Path, folder: Path) -> Layout:
    """The layout of `docker save` (either format) or of buildx's `type=oci`, unpacked into `folder`.

    Manifests, configurations and compressed layers keep their bytes. Uncompressed layers are compressed, always to the
    same bytes, under a manifest of ours; the configuration's bytes, and with them the image id, stay.
    """
    from pipelinegen.edge.archive import read_archive

    return read_archive(archive, folder)


def _encode(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
