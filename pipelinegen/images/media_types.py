"""The media types of images: OCI's (image-spec 1.1) and those of Docker's schema 2, which mean the same bytes."""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = f"{OCI_LAYER}+gzip"
OCI_LAYER_ZSTD = f"{OCI_LAYER}+zstd"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = f"{DOCKER_LAYER}.gzip"

INDEXES = (OCI_INDEX, DOCKER_INDEX)
MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
# A manifest with another configuration is an artifact (a chart, a signature): nothing that runs.
CONFIGS = (OCI_CONFIG, DOCKER_CONFIG)

_SAME_BYTES = {
    DOCKER_INDEX: OCI_INDEX,
    DOCKER_MANIFEST: OCI_MANIFEST,
    DOCKER_CONFIG: OCI_CONFIG,
    DOCKER_LAYER: OCI_LAYER,
    DOCKER_LAYER_GZIP: OCI_LAYER_GZIP,
    f"{DOCKER_LAYER}.zstd": OCI_LAYER_ZSTD,
}


def as_oci(media_type: str) -> str:
    """OCI's name of a type; what has none keeps its own."""
    return _SAME_BYTES.get(media_type, media_type)


def is_index(media_type: str) -> bool:
    return media_type in INDEXES


def is_foreign(media_type: str) -> bool:
    """A layer whose bytes stand elsewhere, and which registries may refuse (the base layers of Windows)."""
    return ".nondistributable." in media_type or ".foreign." in media_type
