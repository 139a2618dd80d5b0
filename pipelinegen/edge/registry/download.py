"""Pull: an image out of a registry into a layout, for one platform or whole, every byte checked against its digest."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from pipelinegen.edge.layout import BlobWriter, Descriptor, Layout
from pipelinegen.edge.registry.answers import not_permitted, refused, words
from pipelinegen.edge.registry.client import Missing, Registry
from pipelinegen.edge.registry.content import Manifest
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.media_types import is_index
from pipelinegen.images.platforms import choose
from pipelinegen.images.reference import ImageReference

TRIES = 5
LARGEST_BLOB = 64 * 1024 * 1024 * 1024
_RETRIED = frozenset({"net", "timeout", "server-refused", "rate-limited"})


def pull_image(
    registry: Registry,
    reference: ImageReference,
    layout: Layout,
    platform: str,
    tell: Callable[[str], object] = lambda _: None,
) -> Descriptor:
    """The image for a platform, with its configuration and layers, as blobs of the layout, which stays about its own.

    Raises InputError where the registry has no such image, or not for this platform.
    """
    manifest = _manifest(registry, reference)
    if manifest.is_index:
        offered = {each.platform: each for each in _store(manifest, layout) if each.platform is not None}
        name = choose(platform, offered)
        if name is None:
            raise _no_platform(reference, platform, offered)
        manifest = _manifest(registry, reference._replace(tag=None, digest=offered[name].digest))
    descriptor = _keep(manifest, layout)
    _blobs(registry, reference, layout, descriptor.digest, tell)
    return descriptor._replace(platform=platform)


def pull_whole(
    registry: Registry, reference: ImageReference, layout: Layout, tell: Callable[[str], object] = lambda _: None
) -> Descriptor:
    """The image or index with all that it names."""
    manifest = _manifest(registry, reference)
    descriptor = _keep(manifest, layout)
    if is_index(manifest.media_type):
        for child in layout.children(descriptor.digest):
            pull_whole(registry, reference._replace(tag=None, digest=child.digest), layout, tell)
    else:
        _blobs(registry, reference, layout, descriptor.digest, tell)
    return descriptor


def _manifest(registry: Registry, reference: ImageReference) -> Manifest:
    manifest = registry.manifest(reference)
    if not isinstance(manifest, Missing):
        return manifest
    raise InputError(
        "the registry has no such repository" if manifest.repository else "the repository holds no such image",
        id="bad-image",
        where=str(reference),
        next="check the name and the tag",
        details=[manifest.said] if manifest.said else [],
    )


def _keep(manifest: Manifest, layout: Layout) -> Descriptor:
    return layout.add_blob(manifest.body, manifest.media_type)


def _store(manifest: Manifest, layout: Layout) -> list[Descriptor]:
    return layout.children(_keep(manifest, layout).digest)


def _blobs(
    registry: Registry, reference: ImageReference, layout: Layout, digest: str, tell: Callable[[str], object]
) -> None:
    for blob in (layout.config_descriptor(digest), *layout.layers(digest)):
        registry.note_blob(reference, blob.digest)
        if not layout.has(blob.digest):
            tell(f"{reference}: {blob.digest[:19]} ({_size(blob.size)})")
            _fetch(registry, reference, blob, layout)


def _fetch(registry: Registry, reference: ImageReference, blob: Descriptor, layout: Layout) -> None:
    connection = registry.connection(reference)
    url = f"{connection.origin}/v2/{reference.path}/blobs/{quote(blob.digest, safe=':')}"
    if blob.size > LARGEST_BLOB:
        raise WorldError(f"a layer is longer than {LARGEST_BLOB} bytes", id="server-refused", where=str(reference))
    failures = 0
    with layout.writer() as out:
        while out.size < blob.size:
            before = out.size
            headers = {"Range": f"bytes={before}-"} if before else {}
            try:
                answer = connection.pour(reference.path, url, headers, blob.size, _sink(out, before, blob, reference))
                if answer.status_code not in (200, 206):
                    raise _not_given(registry, reference, blob, answer.status_code, words(answer.content))
                if out.size < blob.size:
                    raise WorldError("the answer was cut off", id="net", where=connection.origin)
            except WorldError as error:
                failures = 1 if out.size > before else failures + 1
                if error.id not in _RETRIED or failures >= TRIES:
                    raise
                connection.wait(failures, error, TRIES)
        _check(out, blob, reference)
        out.keep(blob.media_type)


def _sink(out: BlobWriter, before: int, blob: Descriptor, reference: ImageReference) -> Callable[[int, bytes], None]:
    """Writes what is new. A server that knows no ranges sends the blob from its beginning again."""
    known = before

    def take(status: int, piece: bytes) -> None:
        nonlocal known
        if status == 200 and known:
            skipped = min(known, len(piece))
            known -= skipped
            piece = piece[skipped:]
        if out.size + len(piece) > blob.size:
            raise _mismatch(reference, blob, f"more than {blob.size} bytes")
        out.write(piece)

    return take


def _check(out: BlobWriter, blob: Descriptor, reference: ImageReference) -> None:
    if blob.digest.startswith("sha256:") and out.digest != blob.digest:
        raise _mismatch(reference, blob, out.digest)
    if not blob.digest.startswith("sha256:"):
        raise WorldError(f"the digest {blob.digest} is of a kind that is not supported", id="server-refused")


def _mismatch(reference: ImageReference, blob: Descriptor, got: str) -> WorldError:
    return WorldError(
        "the registry sent other bytes than the digest names",
        id="digest-mismatch",
        where=str(reference),
        details=[f"expected {blob.digest}", f"received {got}"],
        next="do not use this image: ask those who run the registry, or the proxy before it",
    )


def _not_given(registry: Registry, reference: ImageReference, blob: Descriptor, status: int, said: str) -> Exception:
    if status in (401, 403):
        source = registry.connection(reference).login.source(reference.path)
        return not_permitted(reference.registry, reference.repository, source, said, scope=status == 403)
    error = refused(reference.registry, status, f"blob {blob.digest} of {reference}", said)
    error.id = "blob-missing" if status == 404 else error.id
    return error


def _no_platform(reference: ImageReference, platform: str, offered: dict[str, Descriptor]) -> InputError:
    names = ", ".join(name for name in offered if name != "unknown/unknown")
    return InputError(
        f"the image is not there for {platform}; it is for {names or 'no platform'}",
        id="bad-platform",
        where=str(reference),
        next="build for one of these platforms, or take another base image",
    )


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{count} bytes"
