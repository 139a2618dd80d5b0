"""What registries know of images: does it exist, under which digest, for which platforms, beside which other tags."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from pipelinegen.edge.http import Clock
from pipelinegen.edge.registry.answers import error_codes, lacks_repository, lacks_tag, not_permitted, refused, words
from pipelinegen.edge.registry.authfile import Credential
from pipelinegen.edge.registry.connection import Connection, Connections
from pipelinegen.edge.registry.content import (
    ACCEPT,
    Manifest,
    check,
    media_type_of,
    read_manifest,
    read_object,
    stated_digest,
)
from pipelinegen.edge.registry.credentials import NO_LOGINS, Keyring
from pipelinegen.errors import NotPermitted, WorldError
from pipelinegen.images.platforms import platform_of
from pipelinegen.images.reference import ImageReference, is_tag

if TYPE_CHECKING:
    import requests

PATIENCE_SECONDS = 45.0
PAGE_SIZE = 1000
PAGES = 100
_NEXT = re.compile(r'<([^<>]*)>[^,<>]*;[ \t]*rel="?next"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """The image is there. `platforms` is None where finding them was not asked for (see Registry.inspect)."""

    digest: str
    media_type: str
    platforms: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The registry answered that there is no such image; `repository`: that there is not even the repository."""

    said: str
    repository: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The registry could not be asked, or does not tell us. `error` is what this is where an answer is needed."""

    error: NotPermitted | WorldError

    @property
    def reason(self) -> str:
        """For a note, in one line."""
        return "; ".join([self.error.lines()[0], *self.error.details[:1]])


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a repository as listed; not complete where the registry has more pages than were asked for."""

    names: tuple[str, ...]
    complete: bool


class Registry:
    """Asks registries, each over one pinned session that is kept. Use as a context manager, in one thread.

    registries: those of this run's references (see Keyring). logins: what registries are shown before all else, by
    host. warn, tell: lines for the person who waits (a helper that failed, a request that is tried again). on_secret:
    where each secret comes from, and its value, before it is used.
    """

    def __init__(
        self,
        registries: Collection[str],
        *,
        environ: Mapping[str, str] | None = None,
        logins: Mapping[str, Credential] = NO_LOGINS,
        clock: Clock | None = None,
        patience: float = PATIENCE_SECONDS,
        warn: Callable[[str], object] = lambda _: None,
        tell: Callable[[str], None] = lambda _: None,
        on_secret: Callable[[str, str], object] = lambda _, __: None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._clock = clock or Clock()
        self._on_secret = on_secret
        self._keyring = Keyring(environ, registries, logins, warn=warn, on_secret=on_secret)
        self._connections = Connections(environ, self._clock, patience, tell)
        self._registries: dict[str, Connection] = {}
        self._held: dict[tuple[str, str], str] = {}
        # The repositories that answer HEAD as they answer GET.
        self._heads: set[tuple[str, str]] = set()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connections.close()

    def exists(self, reference: ImageReference) -> Found | Missing | Unknown:
        """Whether the digest, else the tag (else `latest`) is there.

        One HEAD, which Docker Hub does not count as a pull. Only where it does not settle the matter, a GET: servers
        are known that answer 404 to HEAD alone (Nexus), or that send no digest (registry.redhat.io).
        """
        return _settled(lambda: self._exists(reference))

    def digest(self, reference: ImageReference) -> str | None:
        """The digest under a tag; None where there is no such tag, or no repository. Raises where it is not told.

        One HEAD each. Where HEAD has shown an image of this repository, or a GET has borne out its 404, a further 404
        is believed.
        """
        place = (reference.registry, reference.path)
        answer = self._get(reference, "manifests", _target(reference), method="HEAD")
        stated = stated_digest(answer)
        if answer.status_code == 200 and stated is not None:
            self._heads.add(place)
            return stated
        if answer.status_code == 404 and place in self._heads:
            return None
        manifest = self.manifest(reference)
        if not isinstance(manifest, Missing):
            return manifest.digest
        if answer.status_code == 404:
            self._heads.add(place)
        return None

    def inspect(self, reference: ImageReference) -> Found | Missing | Unknown:
        """As `exists`, with the platforms; reads the manifest and, where it is no index, the image's configuration."""

        def look() -> Found | Missing:
            manifest = self.manifest(reference)
            if isinstance(manifest, Missing):
                return manifest
            return Found(manifest.digest, manifest.media_type, self._platforms(reference, manifest))

        return _settled(look)

    def manifest(self, reference: ImageReference) -> Manifest | Missing:
        """The manifest, checked against the digest of the reference and of the answer. Raises where it is not told."""
        answer = self._get(reference, "manifests", _target(reference))
        if answer.status_code != 200:
            return self._missing(reference, answer)
        return read_manifest(answer, reference)

    def blob(self, reference: ImageReference, digest: str) -> bytes:
        """A small blob of the reference's repository (a configuration), checked against its digest."""
        answer = self._get(reference, "blobs", digest)
        if answer.status_code != 200:
            missing = self._missing(reference, answer)
            raise refused(reference.registry, answer.status_code, f"blob {digest}", missing.said)
        check(answer.content, digest, reference)
        return answer.content

    def tags(self, reference: ImageReference, pages: int = PAGES) -> Tags | Missing:
        """The tags of the reference's repository, in the registry's order. Raises where they are not told."""
        names: list[str] = []
        connection = self.connection(reference)
        url: str | None = f"{connection.origin}/v2/{reference.path}/tags/list?n={PAGE_SIZE}"
        seen: set[str] = set()
        while url is not None and url not in seen and len(seen) < pages:
            seen.add(url)
            answer = connection.read("GET", reference.path, url, "application/json")
            if answer.status_code != 200:
                return self._missing(reference, answer)
            listed = read_object(answer.content, reference).get("tags")
            names += (
                [name for name in listed if isinstance(name, str) and is_tag(name)] if isinstance(listed, list) else []
            )
            url = _next_page(answer, connection)
        return Tags(tuple(dict.fromkeys(names)), complete=url is None)

    def connection(self, reference: ImageReference) -> Connection:
        """The registry of a reference, for requests that this class has no name for."""
        registry = reference.registry
        if registry not in self._registries:
            self._registries[registry] = Connection(
                registry, self._connections, self._keyring, self._clock, self._on_secret
            )
        return self._registries[registry]

    def note_blob(self, repository: ImageReference, digest: str) -> None:
        """A repository was seen to hold this blob."""
        self._held.setdefault((repository.registry, digest), repository.path)

    def blob_beside(self, repository: ImageReference, digest: str) -> str | None:
        """The path of another repository of the same registry that was seen to hold a blob."""
        path = self._held.get((repository.registry, digest))
        return None if path == repository.path else path

    def _exists(self, reference: ImageReference) -> Found | Missing:
        answer = self._get(reference, "manifests", _target(reference), method="HEAD")
        stated = stated_digest(answer)
        if answer.status_code == 200 and stated is not None and reference.digest in (None, stated):
            return Found(stated, media_type_of(answer))
        manifest = self.manifest(reference)
        return manifest if isinstance(manifest, Missing) else Found(manifest.digest, manifest.media_type)

    def _get(self, reference: ImageReference, kind: str, name: str, method: str = "GET") -> requests.Response:
        connection = self.connection(reference)
        url = f"{connection.origin}/v2/{reference.path}/{kind}/{quote(name, safe=':')}"
        return connection.read(method, reference.path, url, ACCEPT if kind == "manifests" else "*/*")

    def _missing(self, reference: ImageReference, answer: requests.Response) -> Missing:
        """What an answer other than 200 means: Missing, or raised."""
        status, said, codes = answer.status_code, words(answer.content), error_codes(answer.content)
        if status in (401, 403):
            source = self.connection(reference).login.source(reference.path)
            scope = status == 403 or "insufficient_scope" in answer.headers.get("www-authenticate", "")
            raise not_permitted(reference.registry, reference.repository, source, said, scope=scope)
        if status == 404 and lacks_repository(codes):
            return Missing(said, repository=True)
        if status == 404 and (lacks_tag(codes) or self._is_registry(reference)):
            return Missing(said)
        raise refused(reference.registry, status, str(reference), said)

    def _is_registry(self, reference: ImageReference) -> bool:
        """Whether a bare 404 is a registry's: any other web server says 404 to everything."""
        connection = self.connection(reference)
        answer = connection.read("GET", reference.path, f"{connection.origin}/v2/")
        return answer.status_code in (200, 401)

    def _platforms(self, reference: ImageReference, manifest: Manifest) -> tuple[str, ...]:
        config = manifest.config_digest()
        if manifest.is_index or config is None:
            return manifest.platforms()
        platform = platform_of(read_object(self.blob(reference, config), reference))
        return (platform,) if platform else ()


def _settled(look: Callable[[], Found | Missing]) -> Found | Missing | Unknown:
    try:
        return look()
    except (NotPermitted, WorldError) as error:
        # An image whose bytes are not those of its digest is no matter of "could not be asked".
        if error.id == "digest-mismatch":
            raise
        return Unknown(error)


def _target(reference: ImageReference) -> str:
    return reference.digest or reference.tag or "latest"


def _next_page(answer: requests.Response, connection: Connection) -> str | None:
    link = _NEXT.search(answer.headers.get("link", ""))
    if link is None:
        return None
    parts = urlsplit(urljoin(answer.url, link[1]))
    if parts.hostname != urlsplit(connection.origin).hostname:
        raise WorldError(
            f"the list of tags goes on at another host, {parts.hostname}; nothing was sent there",
            id="redirected",
            where=connection.registry,
        )
    # Registries behind a proxy are seen to write their inner scheme and port: only path and query are taken.
    return f"{connection.origin}{parts.path}" + (f"?{parts.query}" if parts.query else "")
