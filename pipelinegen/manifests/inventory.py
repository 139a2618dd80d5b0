"""The inventory: which version of which image stands where, read by the locators that `bump` writes with."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from pipelinegen.images.reference import is_digest, is_tag
from pipelinegen.manifests import guards
from pipelinegen.manifests.finding import Finding, Selection, find
from pipelinegen.manifests.locate.scalar import effective_key, is_image_key
from pipelinegen.manifests.place import Entry, Place, Split, Whole
from pipelinegen.manifests.plan import Skip
from pipelinegen.manifests.request import Names, Request, names_of
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.sources import Sources, sources_of
from pipelinegen.manifests.spans import Scalar
from pipelinegen.manifests.tree import Tree

# What every file holds that names an image in one of the ways of writing one: `image:`, `images:`, `API_IMAGE`,
# `imageRepository:`, `repository:`, `FROM`.
_WORDS = (b"mage", b"MAGE", b"epository", b"FROM")
_REPOSITORY_WORDS = (b"epository",)
_NULLS = ("null", "Null", "NULL", "~", "")


class Version(NamedTuple):
    """Tag and digest as they stand; either may be absent, or both."""

    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        return "@".join(part for part in self if part) or "(no version)"

    def __bool__(self) -> bool:
        return bool(self.tag or self.digest)

    @property
    def short(self) -> str:
        """For people: a digest by its first twelve digits."""
        algorithm, colon, value = (self.digest or "").partition(":")
        return str(Version(self.tag, f"{algorithm}{colon}{value[:12]}" or None))


class Standing(NamedTuple):
    """One place at which an image stands, and the version there. `repository` is normalised."""

    repository: str
    tag: str | None
    digest: str | None
    file: str
    line: int
    column: int
    kind: str

    @property
    def version(self) -> Version:
        return Version(self.tag, self.digest)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def places(standings: Sequence[Standing], shown: int = 3) -> str:
    """Where they stand, in one line."""
    more = [f"{len(standings) - shown} more"] if len(standings) > shown else []
    return ", ".join([*(standing.place for standing in standings[:shown]), *more])


def inventory(
    files: Tree | Sources,
    selection: Selection,
    repositories: Collection[str] | None,
    leave: Callable[[Skip], None] | None = None,
) -> list[Standing]:
    """What stands in the selected files, by file and place. repositories: only these (None: all that look like images).

    leave: told of each selected file that names one and cannot be read.
    """
    sources = sources_of(files)
    if repositories is None:
        narrowed = Sources(_Narrowed(sources.tree, selection))
        likely = _taken(narrowed, selection, _every_name(), _looks_like_image, leave)
        # What is an image in one place is one in all, also where no key says so.
        repositories, leave = {each.repository for each in likely}, None
    if not repositories:
        return []
    names = names_of([Request(name, None, None) for name in sorted(repositories)])
    return _taken(sources, selection, names, _always, leave)


def _taken(
    sources: Sources,
    selection: Selection,
    names: Names,
    counts: Callable[[Place, Source], bool],
    leave: Callable[[Skip], None] | None,
) -> list[Standing]:
    found: dict[tuple[str, int, int, str], Standing] = {}
    for finding in find(sources, names, selection):
        if not finding.selected:
            continue
        if finding.skip is not None and finding.skip.warn and leave is not None:
            leave(finding.skip)
        for standing in _standing(finding, names.repositories, counts):
            # Two mappings that share one scalar (an anchor) are one place.
            found.setdefault((standing.file, standing.line, standing.column, standing.repository), standing)
    return [found[key] for key in sorted(found)]


def _always(place: Place, source: Source) -> bool:
    del place, source
    return True


def _standing(
    finding: Finding, repositories: Collection[str], counts: Callable[[Place, Source], bool]
) -> Iterator[Standing]:
    source = finding.source
    if source is None:
        return
    for place in finding.found:
        if not isinstance(place, Place) or place.repository not in repositories:
            continue
        if guards.duplicate_key(place) is not None or not counts(place, source):
            continue
        line, column = source.place(place.at)
        tag, digest = _version(place)
        yield Standing(place.repository, tag, digest, source.path, line, column, place.kind)


def _version(place: Place) -> Version:
    """The version of a place. `tag: null` and what is no tag at all say nothing."""
    form, tag = place.form, place.tag
    scalar = form.tag if isinstance(form, Split) else form.mapping.get("newTag") if isinstance(form, Entry) else None
    if isinstance(scalar, Scalar) and not scalar.style and scalar.tag is None and scalar.value in _NULLS:
        tag = None
    digest = place.digest if place.digest is not None and is_digest(place.digest) else None
    return Version(tag if tag is not None and is_tag(tag) else None, digest)


def _looks_like_image(place: Place, source: Source) -> bool:
    """Whether a place is an image although nobody named it: by its key, or where no key is, by its registry."""
    if isinstance(place.form, Whole):
        key = effective_key(place.form.scalar)
        return place.kind != "scalar" or (key is not None and is_image_key(key))
    if place.kind == "text":
        host, slash, _ = place.written.partition("/")
        from_line = source.text[source.lines.start(place.at) : place.at].strip().upper() == "FROM"
        return from_line or (bool(slash) and ("." in host or ":" in host))
    return True


class _Every(Collection[str]):
    """All repositories."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _every_name() -> Names:
    return Names(list(_WORDS), re.compile(""), _Every())


class _Narrowed:
    """A tree whose search for images leaves out unselected files, but for those that may name a chart's repository."""

    def __init__(self, tree: Tree, selection: Selection) -> None:
        self._tree = tree
        self._selects = selection.selects

    def paths(self) -> Sequence[str]:
        return self._tree.paths()

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        first, *others = groups
        if tuple(first) != _WORDS:
            return self._tree.search(groups)
        named, naming, *answers = self._tree.search((first, _REPOSITORY_WORDS, *others))
        charts = frozenset(naming)
        return [[path for path in named if self._selects(path) or path in charts], *answers]

    def read(self, path: str) -> bytes:
        return self._tree.read(path)
