"""What a registry serves: manifests and indexes, their types, digests and platforms, checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelinegen.edge.registry.answers import refused
from pipelinegen.errors import WorldError
from pipelinegen.images.media_types import INDEXES, MANIFESTS, OCI_INDEX, OCI_MANIFEST
from pipelinegen.images.platforms import platform_of
from pipelinegen.images.reference import ImageReference, is_digest

if TYPE_CHECKING:
    import requests

ACCEPT = ", ".join((*INDEXES, *MANIFESTS))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index, read whole and checked against its digest."""

    digest: str
    media_type: str
    body: bytes
    content: Mapping[str, object]

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEXES

    def children(self) -> list[Mapping[str, object]]:
        """The descriptors of an index."""
        listed = self.content.get("manifests")
        return [child for child in listed if isinstance(child, Mapping)] if isinstance(listed, list) else []

    def digest_by(self, algorithm: str) -> str:
        """The digest of these bytes by an algorithm, to compare with one that a person gave."""
        return digest_of(self.body, algorithm)

    def holds(self, digest: str) -> bool:
        """Whether an index lists this digest: the manifest of one of its platforms."""
        return any(child.get("digest") == digest for child in self.children())

    def platforms(self) -> tuple[str, ...]:
        """The platforms of an index, without the attestations that buildx lists beside the images."""
        named = (platform_of(child["platform"]) for child in self.children() if "platform" in child)
        return tuple(dict.fromkeys(name for name in named if name not in {"", "unknown/unknown"}))

    def config_digest(self) -> str | None:
        """The digest of the configuration of a manifest of one image."""
        config = self.content.get("config")
        digest = config.get("digest") if isinstance(config, Mapping) else None
        return digest if isinstance(digest, str) and is_digest(digest) else None


def read_manifest(answer: requests.Response, reference: ImageReference) -> Manifest:
    """The manifest of a 200, checked against the digest that was asked for and the one that the registry states."""
    content = read_object(answer.content, reference)
    media_type = _type_of(media_type_of(answer), content)
    if media_type is None:
        # Also Docker's schema 1, which is signed inside, so that its digest is not that of its bytes.
        raise refused(reference.registry, 200, f"{reference}, but with no manifest of OCI or Docker's schema 2", "")
    stated = stated_digest(answer)
    for digest in (reference.digest, stated):
        if digest is not None:
            check(answer.content, digest, reference)
    return Manifest(reference.digest or stated or digest_of(answer.content), media_type, answer.content, content)


def stated_digest(answer: requests.Response) -> str | None:
    digest: str = answer.headers.get("docker-content-digest", "")
    return digest if is_digest(digest) else None


def media_type_of(answer: requests.Response) -> str:
    media_type: str = answer.headers.get("content-type", "")
    return media_type.partition(";")[0].strip().lower()


def digest_of(body: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"


def check(body: bytes, digest: str, reference: ImageReference) -> None:
    """Raises where the bytes are not those that the digest names."""
    got = digest_of(body, digest.partition(":")[0])
    if got != digest:
        raise WorldError(
            "the registry sent other bytes than the digest names",
            id="digest-mismatch",
            where=str(reference),
            details=[f"expected {digest}", f"received {got}"],
            next="do not deploy this image: ask those who run the registry, or the proxy before it",
        )


def read_object(body: bytes, reference: ImageReference) -> Mapping[str, object]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise refused(reference.registry, 200, f"{reference}, but not with a JSON object", "")
    return content


def _type_of(served: str, content: Mapping[str, object]) -> str | None:
    """The type as served; a static file server knows none, and OCI's own field is optional: then what it holds."""
    for claimed in (served, content.get("mediaType")):
        if isinstance(claimed, str) and claimed in (*INDEXES, *MANIFESTS):
            return claimed
    if content.get("schemaVersion") != 2:
        return None
    return OCI_INDEX if "manifests" in content else OCI_MANIFEST if "config" in content else None
