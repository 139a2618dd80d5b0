"""An OCI image layout on disk: what was built, tested and is pushed, whatever the engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

NOTHING: Mapping[str, str] = MappingProxyType({})


class Descriptor(NamedTuple):
    """What a manifest, an index or index.json says of a blob. `platform` is linux/arm/v7, None where it says none."""

    digest: str
    media_type: str
    size: int
    platform: str | None = None
    annotations: Mapping[str, str] = NOTHING


class Layout:
    """A folder with blobs/sha256/*, index.json and oci-layout that is about one image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path) -> Layout:
        """A layout without blobs; the folder is made."""
        raise NotImplementedError

    def root(self) -> Descriptor:
        """The one image manifest or image index that the layout is about."""
        raise NotImplementedError

    def set_root(self, descriptor: Descriptor) -> None:
        """Make the layout be about this manifest or index."""
        raise NotImplementedError

    def images(self) -> list[Descriptor]:
        """The image manifests, by platform; attestations are left out. `platform` is always known."""
        raise NotImplementedError

    def manifest(self, digest: str) -> dict[str, Any]:
        """A manifest or an index, checked against its digest."""
        raise NotImplementedError

    def config(self, digest: str) -> dict[str, Any]:
        """The configuration of the image whose manifest has this digest."""
        raise NotImplementedError

    def layers(self, digest: str) -> list[Descriptor]:
        """The layers of the image whose manifest has this digest, the lowest first."""
        raise NotImplementedError

    def children(self, digest: str) -> list[Descriptor]:
        """What an index lists, attestations and all."""
        raise NotImplementedError

    def blob(self, digest: str) -> Path:
        """The file of a blob, which is there."""
        raise NotImplementedError

    def read(self, digest: str) -> bytes:
        """A small blob (a manifest, a configuration), checked against its digest."""
        raise NotImplementedError

    def add_blob(self, data: bytes | BinaryIO, media_type: str) -> Descriptor:
        """Store bytes, or what is read from a stream, under their digest."""
        raise NotImplementedError


def from_archive(archive: Path, folder: Path) -> Layout:
    """The layout of `docker save` (either format) or of buildx's `type=oci`, unpacked into `folder`.

    Manifests, configurations and compressed layers keep their bytes. Uncompressed layers are compressed, always to the
    same bytes, under a manifest of ours; the configuration's bytes, and with them the image id, stay.
    """
    raise NotImplementedError
