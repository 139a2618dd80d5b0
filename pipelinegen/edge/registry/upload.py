"""Push: an image of a layout into a repository, its tags last, each read back; tags on an image that is there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipelinegen.edge.layout import Descriptor, Layout
from pipelinegen.edge.registry.blobs import PUSH, Blobs
from pipelinegen.edge.registry.client import Found, Missing, Registry, Unknown
from pipelinegen.edge.registry.content import ACCEPT, digest_of, stated_digest
from pipelinegen.edge.registry.rights import not_taken
from pipelinegen.errors import InputError, PipelinegenError, Refused, WorldError
from pipelinegen.images.media_types import is_foreign, is_index
from pipelinegen.images.reference import ImageReference

if TYPE_CHECKING:
    import requests

READ_BACK_TRIES = 4


@dataclass(slots=True)
class Pushed:
    """What a push did: the image, its tags in the order in which they were put, and what had to be carried."""

    repository: ImageReference
    digest: str
    tags: list[str] = field(default_factory=list)
    sent: int = 0
    mounted: int = 0
    there: int = 0
    bytes_sent: int = 0


def check_fixed(
    registry: Registry, repository: ImageReference, tags: Iterable[str], digest: str | None = None
) -> dict[str, str]:
    """The tags of these that the repository has, with their digests; writes nothing.

    Raises Refused (tag-holds-other-content) where one holds other content than `digest`, if that is known already; and
    where the registry does not tell.
    """
    held: dict[str, str] = {}
    for tag in tags:
        tagged = repository._replace(tag=tag, digest=None)
        found = registry.exists(tagged)
        if isinstance(found, Unknown):
            raise found.error
        if isinstance(found, Found):
            held[tag] = found.digest
            if digest not in (None, found.digest):
                raise _holds_other(tagged, found.digest, digest)
    return held


def push(
    registry: Registry,
    repository: ImageReference,
    layout: Layout,
    tags: Sequence[str] = (),
    *,
    mount_from: Sequence[str] = (),
) -> Pushed:
    """Push the image or index that a layout is about: blobs, manifests by digest, then the tags in their order.

    An image that the repository has is not sent again. Blobs that another repository of the same registry was seen to
    have are mounted from there; mount_from: paths of further ones (of base images). Each tag is read back.
    """
    root = layout.root()
    target = _Target(registry, repository, list(mount_from))
    target.bring(layout, root)
    target.put_tags(layout.read(root.digest), root.media_type, tags)
    return target.pushed


def put_tags(registry: Registry, source: ImageReference, repository: ImageReference, tags: Sequence[str]) -> Pushed:
    """Put tags of `repository` on the image `source` (with its digest); where it is in another repository, it is copied
    with all its platforms."""
    if source.digest is None:
        raise InputError("an image is named by its digest to be tagged", id="bad-image", where=str(source))
    target = _Target(registry, repository, [])
    target.pushed.digest = source.digest
    here = registry.manifest(repository._replace(tag=None, digest=source.digest))
    if not isinstance(here, Missing):
        target.put_tags(here.body, here.media_type, tags)
        return target.pushed
    if (source.registry, source.path) == (repository.registry, repository.path):
        raise InputError("the repository holds no such image", id="bad-image", where=str(source))
    from pipelinegen.edge.registry.download import pull_whole

    with tempfile.TemporaryDirectory(prefix="pipelinegen-") as folder:
        layout = Layout.create(Path(folder) / "layout")
        layout.set_root(pull_whole(registry, source, layout))
        return push(registry, repository, layout, tags)


class _Target:
    """One repository that is pushed to."""

    def __init__(self, registry: Registry, repository: ImageReference, mount_from: list[str]) -> None:
        self.pushed = Pushed(repository._replace(tag=None, digest=None), "")
        self._repository = self.pushed.repository
        self._mount_from = [path for path in mount_from if path != repository.path]
        self._registry = registry
        self._connection = registry.connection(repository)
        self._blobs = Blobs(registry, repository)
        self._done: set[str] = set()

    def bring(self, layout: Layout, root: Descriptor) -> None:
        self.pushed.digest = root.digest
        self._bring(layout, root)

    def _bring(self, layout: Layout, manifest: Descriptor) -> None:
        """What a manifest names goes before it, since registries refuse one that names what they do not have."""
        if self._digest_of(manifest.digest) == manifest.digest:
            self._note(layout, manifest)
            return
        if is_index(manifest.media_type):
            for child in layout.children(manifest.digest):
                self._bring(layout, child)
        else:
            self._bring_blobs(layout, manifest.digest)
        self._put(manifest.digest, layout.read(manifest.digest), manifest.media_type, manifest.digest)

    def _note(self, layout: Layout, manifest: Descriptor) -> None:
        """What a repository holds can be mounted into the next one."""
        if is_index(manifest.media_type):
            for child in layout.children(manifest.digest):
                self._note(layout, child)
            return
        for blob in (*layout.layers(manifest.digest), layout.config_descriptor(manifest.digest)):
            self._registry.note_blob(self._repository, blob.digest)

    def _bring_blobs(self, layout: Layout, digest: str) -> None:
        for blob in (*layout.layers(digest), layout.config_descriptor(digest)):
            if blob.digest in self._done or (is_foreign(blob.media_type) and not layout.has(blob.digest)):
                continue
            source = self._mount_from[0] if self._mount_from else None
            outcome = self._blobs.put(blob, layout.blob(blob.digest), source)
            self._done.add(blob.digest)
            setattr(self.pushed, outcome, getattr(self.pushed, outcome) + 1)
            self.pushed.bytes_sent += blob.size if outcome == "sent" else 0

    def put_tags(self, body: bytes, media_type: str, tags: Sequence[str]) -> None:
        for tag in dict.fromkeys(tags):
            try:
                self._put(tag, body, media_type, self.pushed.digest)
                self._read_back(tag)
            except PipelinegenError as error:
                error.state = error.state or self._state()
                raise
            self.pushed.tags.append(tag)

    def _put(self, name: str, body: bytes, media_type: str, digest: str) -> None:
        path = self._repository.path
        headers = {"Content-Type": media_type}
        answer = self._connection.ask("PUT", path, self._url(name), headers, body, PUSH)
        if answer.status_code not in (200, 201, 202):
            raise self._not_put(name, answer, digest)
        stated = stated_digest(answer)
        if stated is not None and stated.partition(":")[0] == digest.partition(":")[0] and stated != digest:
            raise WorldError(
                "the registry says that it received other bytes than were sent",
                id="digest-mismatch",
                where=f"{self._repository}:{name}",
                details=[f"sent:     {digest}", f"received: {stated}"],
            )

    def _not_put(self, name: str, answer: requests.Response, digest: str) -> PipelinegenError:
        """A registry may itself keep its tags from being moved (ECR, Harbor, Quay); each says so in its own way."""
        asked = f"the manifest {name} of {self._repository}"
        error = not_taken(self._repository, answer, self._connection.login.source(self._repository.path), asked)
        if name == digest or answer.status_code == 401:
            return error
        held = self._digest_of(name)
        if held is None or held == digest:
            return error
        refusal = _holds_other(self._repository._replace(tag=name), held, digest)
        return Refused(
            refusal.what,
            id=refusal.id,
            where=refusal.where,
            next=refusal.next,
            details=[*refusal.details, *error.details],
        )

    def _read_back(self, tag: str) -> None:
        """Some registries answer from a copy that is a moment behind."""
        for attempt in range(1, READ_BACK_TRIES + 1):
            shown = self._digest_of(tag)
            if shown == self.pushed.digest:
                return
            error = WorldError(
                "the registry does not show the image under the tag that was just put on it",
                id="tag-not-confirmed",
                where=f"{self._repository}:{tag}",
                details=[f"put:   {self.pushed.digest}", f"shown: {shown or 'no such tag'}"],
                next="another push may have moved the tag in between: look, and run the command again",
            )
            if attempt == READ_BACK_TRIES:
                raise error
            self._connection.wait(attempt, error, READ_BACK_TRIES)

    def _digest_of(self, name: str) -> str | None:
        """The digest under a tag or digest as the registry states it, else by the bytes it shows; None: not there."""
        path = self._repository.path
        answer = self._connection.read("HEAD", path, self._url(name), ACCEPT, PUSH)
        if answer.status_code == 404:
            return None
        stated = stated_digest(answer)
        if answer.status_code == 200 and stated is not None:
            return stated
        answer = self._connection.read("GET", path, self._url(name), ACCEPT, PUSH)
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise not_taken(self._repository, answer, self._connection.login.source(path), f"{self._repository}:{name}")
        return stated_digest(answer) or digest_of(answer.content)

    def _url(self, name: str) -> str:
        return f"{self._connection.origin}/v2/{self._repository.path}/manifests/{quote(name, safe=':')}"

    def _state(self) -> str:
        put = f"the tags {', '.join(self.pushed.tags)} hold it" if self.pushed.tags else "no tag holds it yet"
        return f"{self._repository}@{self.pushed.digest} is pushed; {put}"


def _holds_other(tagged: ImageReference, present: str, ours: str | None) -> Refused:
    return Refused(
        f"the tag {tagged.tag} holds another image, and a fixed tag is never moved",
        id="tag-holds-other-content",
        where=str(tagged),
        details=[f"registry: {present}", f"ours:     {ours}"],
        next="give this build a tag of its own (a new version, a new commit), or remove the tag from the registry",
    )
