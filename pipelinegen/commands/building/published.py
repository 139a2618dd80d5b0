"""One image in its registries: which tags hold it, which hold something else, and tags put on what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from pipelinegen.commands.building.forward import CREATED, Way, is_later
from pipelinegen.errors import Refused
from pipelinegen.images.inputs import INPUTS, SOURCES, Hashes
from pipelinegen.images.reference import ImageReference
from pipelinegen.images.tags import PlannedTag

if TYPE_CHECKING:
    from pipelinegen.edge.registry import Registry


class Published:
    """What is asked once is remembered: each tag costs one request at most before something is written."""

    def __init__(self, registry: Registry, way: Callable[[], Way], created: datetime) -> None:
        self._registry = registry
        self._ask_way = way
        self._way: Way | None = None
        self._created = created
        self._seen: dict[str, str | None] = {}
        self._said: dict[str, dict[str, str]] = {}
        self._kept: set[str] = set()
        self.notes: list[str] = []

    def digest(self, tagged: ImageReference) -> str | None:
        """The digest under a tag, None where there is no such tag. Raises where the registry does not tell."""
        key = str(tagged)
        if key not in self._seen:
            self._seen[key] = self._registry.digest(tagged)
        return self._seen[key]

    def says(self, repository: ImageReference, digest: str) -> dict[str, str]:
        """The annotations of a manifest or index that is there."""
        from pipelinegen.edge.registry import Missing

        pinned = repository._replace(tag=None, digest=digest)
        if str(pinned) not in self._said:
            manifest = self._registry.manifest(pinned)
            found = None if isinstance(manifest, Missing) else manifest.content.get("annotations")
            said = {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
            self._said[str(pinned)] = said
        return self._said[str(pinned)]

    def ours(
        self,
        repository: ImageReference,
        fixed: Iterable[PlannedTag],
        hashes: Hashes,
        *,
        rebuilt: bool,
        anew: bool = False,
    ) -> str | None:
        """The image under a fixed tag that is from the same inputs, by a run that was cut off, or from the same sources
        and a base of that day, by one that was run again. Raises Refused where a fixed tag holds something else: that
        is known before anything is built.

        rebuilt: the image is to be built on today's base; the fixed tag then stays where it is. anew: it is to be built
        in any case.
        """
        for tag in fixed:
            tagged = repository._replace(tag=tag.name)
            present = self.digest(tagged)
            if present is None:
                continue
            if not anew and self.is_from(repository, present, hashes.inputs):
                return present
            if self.says(repository, present).get(SOURCES) != hashes.sources:
                raise holds_other(tagged, present, None)
            if not rebuilt:
                return present
            self._kept.add(tag.name)
        return None

    def is_from(self, repository: ImageReference, digest: str, inputs: str) -> bool:
        """Whether an image that is there says that it was tested and made from these inputs."""
        return self.says(repository, digest).get(INPUTS) == inputs

    def wanting(self, repository: ImageReference, tags: Iterable[PlannedTag], digest: str) -> list[str]:
        """The tags that are to be put on the image: not those that hold it, nor moving ones that may not move.

        Raises Refused where a fixed tag holds something else.
        """
        wanting = []
        for tag in tags:
            tagged = repository._replace(tag=tag.name)
            present = self.digest(tagged)
            if present == digest:
                continue
            if tag.name in self._kept:
                if present is not None:
                    self.notes.append(f"{tagged} stays where it is: it holds an earlier build of the same sources")
                continue
            if present is not None and tag.fixed:
                raise holds_other(tagged, present, digest)
            if tag.fixed or tag.version is not None or self._may_move(tagged, present):
                wanting.append(tag.name)
        return wanting

    def note_put(self, repository: ImageReference, names: Iterable[str], digest: str) -> None:
        """These tags hold the image now."""
        self._seen.update({str(repository._replace(tag=name)): digest for name in names})

    def held(self, repository: ImageReference, tags: Iterable[PlannedTag], digest: str) -> tuple[str, ...]:
        """The tags that hold the image, as far as was asked or written."""
        return tuple(tag.name for tag in tags if self._seen.get(str(repository._replace(tag=tag.name))) == digest)

    def _may_move(self, tagged: ImageReference, present: str | None) -> bool:
        if self._way is None:
            self._way = self._ask_way()
        way = self._way
        if not way.certain and present is not None:
            made = self.says(tagged, present).get(CREATED)
            if is_later(made, self._created):
                way = Way(False, True, f"it holds an image of {made}, which is later than this one")
        if not way.forward:
            self.notes.append(f"{tagged} stays where it is: {way.why}")
        return way.forward


def holds_other(tagged: ImageReference, present: str, ours: str | None) -> Refused:
    return Refused(
        f"the tag {tagged.tag} holds another image, and a fixed tag is never moved",
        id="tag-holds-other-content",
        where=str(tagged),
        state="nothing was pushed",
        details=[f"registry: {present}", f"ours:     {ours or 'not built, for its inputs are others'}"],
        next="give this build a tag of its own (a new version, a new commit), or remove the tag from the registry",
    )
