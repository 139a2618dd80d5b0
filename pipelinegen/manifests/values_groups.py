"""The places in values that hold only a tag: other values that are put together with them name the repository."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from pipelinegen.manifests.anchors import MERGE
from pipelinegen.manifests.locate.helm_values import beside, place, version_keys
from pipelinegen.manifests.place import Found, LeftAlone
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.spans import Mapping, Node
from pipelinegen.manifests.tree import Unreadable
from pipelinegen.manifests.values_files import Named, Path, Values, mappings_in, names_in, values_file, values_in
from pipelinegen.manifests.values_links import Binding, Link, Pattern, generated, is_helmfile, links_in

_MAX_VARIABLES = 5


class _Group(NamedTuple):
    """Values that are put together. Those of `targets` get a version by the names in all of them."""

    members: Sequence[Values]
    targets: Sequence[Values]


class _Claim:
    """A tag in values, and the repositories that other values name for it."""

    def __init__(self, values: Values, mapping: Mapping, match: re.Match[str], version: Node) -> None:
        self.values = values
        self.mapping = mapping
        self.match = match
        self.version = version
        self.names: dict[str, str] = {}

    def found(self) -> Found:
        if len(self.names) > 1:
            names = ", ".join(sorted(self.names))
            return LeftAlone(
                self.version.start, f"the values beside it name different repositories here: {names}", warn=True
            )
        return place(self.mapping, self.match, next(iter(self.names.values())), self.values.source.anchors)


def tag_only_places(
    sources: Sources, named: Sequence[Values], repositories: Collection[str], linking: Sequence[str]
) -> Iterator[tuple[Source, list[Found]]]:
    """The places in values that hold only a tag, by source.

    named: the values that name a repository.  linking: the files that may name values files together.
    """
    claims = _Claims(sources, named, linking)
    found: dict[str, tuple[Source, list[Found]]] = {}
    for (path, _), claim in sorted(claims.all().items(), key=lambda item: item[0]):
        if any(name in repositories for name in claim.names):
            found.setdefault(path, (claim.values.source, []))[1].append(claim.found())
    yield from found.values()


class _Claims:
    """All groups that hold one of the named values, then all that hold a tag which these have claimed."""

    def __init__(self, sources: Sources, named: Sequence[Values], linking: Sequence[str]) -> None:
        self.sources = sources
        self.named = named
        self.linking = linking
        self._names: dict[tuple[str, int], list[Named]] = {}
        self._claims: dict[tuple[str, int], _Claim] = {}
        self._links: dict[str, list[Link]] = {}
        self._config_maps: dict[str, list[Values]] = {}

    def all(self) -> dict[tuple[str, int], _Claim]:
        for group in _folders(self.sources, self.named):
            self._claim(group)
        folders = {values.source.path.rpartition("/")[0].rpartition("/")[2].encode() for values in self.named}
        links = self._read_links(folders | {b"valuesFrom", b"{{"})
        self._config_maps = _config_maps(self.sources, {name for link in links for name in link.config_maps})
        own = {values.source.path for values in self.named if values.own_file}
        roots = {values.root for values in self.named}
        for link in links:
            self._claim_link(link, own, roots)
        # A file that another chart takes its values from too belongs to neither.
        claimed = {path for path, _ in self._claims}
        roots = {claim.values.root for claim in self._claims.values()}
        words = {path.rpartition("/")[2].encode() for path in claimed}
        for link in self._read_links(words | {b"{{"}) if claimed else ():
            self._claim_link(link, claimed, roots)
        return self._claims

    def _read_links(self, words: Collection[bytes]) -> list[Link]:
        """The links of the files that hold one of the words: a cheap look that spares most of them the parser."""
        for path in self.linking:
            if path not in self._links and path.endswith((".yaml", ".yml")) and self._holds(path, words):
                source = self.sources.source_or_none(path)
                self._links[path] = list(links_in(source)) if source else []
        # Many Applications may name the same files; each set of them is looked at once.
        return list(dict.fromkeys(link for links in self._links.values() for link in links))

    def _holds(self, path: str, words: Collection[bytes]) -> bool:
        try:
            data = self.sources.tree.read(path)
        except (KeyError, Unreadable):
            return False
        return is_helmfile(path) or any(word in data for word in words)

    def _claim_link(self, link: Link, paths: Collection[str], roots: Collection[Mapping]) -> None:
        """The claims of the groups of a link in which one of the paths or roots is."""
        patterns = [pattern for pattern in map(Pattern, dict.fromkeys(link.files)) if pattern.usable]
        held = (*link.inline, *(values for name in link.config_maps for values in self._config_maps.get(name, ())))
        inside = any(values.root in roots or values.source.path in paths for values in held)
        if not inside and not any(pattern.bind(path) is not None for pattern in patterns for path in paths):
            return
        files: dict[Binding, list[str]] = {frozenset(): []}
        for pattern in patterns:
            for path, binding in pattern.matches(self.sources.tree.paths()):
                files.setdefault(binding, []).append(path)
        for binding in files:
            together = [each for each in _within(binding) if each in files]
            if inside or any(path in paths for each in together for path in files[each]):
                members = {each: self._values(files[each]) for each in together}
                members[frozenset()] = [*held, *members.get(frozenset(), ())]
                self._claim(_Group([values for each in members.values() for values in each], members[binding]))

    def _values(self, paths: Sequence[str]) -> list[Values]:
        found = [values_file(self.sources, path) for path in dict.fromkeys(paths)]
        return [values for values in found if values is not None]

    def _claim(self, group: _Group) -> None:
        named: dict[Path, dict[str, dict[str, str]]] = {}
        for values in group.members:
            for path, key, repository, written in self._names_in(values):
                named.setdefault(path, {}).setdefault(key, {})[repository] = written
        for values in group.targets:
            for path, mapping in mappings_in(values.root):
                for key, names in named.get(path, {}).items():
                    claim = _claim_at(values, mapping, key)
                    if claim is not None:
                        place = (values.source.path, claim.version.start)
                        self._claims.setdefault(place, claim).names.update(names)

    def _names_in(self, values: Values) -> list[Named]:
        place = (values.source.path, values.root.start)
        if place not in self._names:
            self._names[place] = list(names_in(values))
        return self._names[place]


def _within(binding: Binding) -> Iterator[Binding]:
    """The bindings of the files that belong to a file of this one: they leave variables out, and add none."""
    if len(binding) > _MAX_VARIABLES:
        yield from (frozenset(), binding)
        return
    for count in range(len(binding) + 1):
        yield from map(frozenset, combinations(sorted(binding), count))


def _claim_at(values: Values, mapping: Mapping, key: str) -> _Claim | None:
    """The version that stands in a mapping where others name a repository under `key`, if none is named there."""
    match = version_keys(key)
    if match is None or mapping.get(key) is not None or mapping.get(MERGE) is not None:
        return None
    version = beside(mapping, match, "tag", "digest")
    return None if version is None else _Claim(values, mapping, match, version)


def _folders(sources: Sources, named: Sequence[Values]) -> Iterator[_Group]:
    """The values files beside each values file that names a repository."""
    folders: dict[str, list[Values]] = {}
    for values in named:
        if values.own_file:
            folders.setdefault(values.source.path.rpartition("/")[0], []).append(values)
    for folder, members in folders.items():
        inside = {values.source.path for values in members}
        siblings = [_sibling(sources, path) for path in _beside(sources.tree.paths(), folder) if path not in inside]
        together = members + [sibling for sibling in siblings if sibling is not None]
        yield _Group(together, together)


def _beside(paths: Sequence[str], folder: str) -> Iterator[str]:
    """The files of one folder, out of all paths, which are sorted."""
    prefix = f"{folder}/" if folder else ""
    for at in range(bisect_left(paths, prefix), len(paths)):
        path = paths[at]
        if not path.startswith(prefix):
            return
        if "/" not in path[len(prefix) :]:
            yield path


def _sibling(sources: Sources, path: str) -> Values | None:
    if not path.endswith((".yaml", ".yml")):
        return None
    try:
        data = sources.tree.read(path)
    except (KeyError, Unreadable):
        return None
    if (b"ag" not in data and b"igest" not in data) or b"\nkind:" in data or data.startswith(b"kind:"):
        return None
    return values_file(sources, path)


def _config_maps(sources: Sources, names: Collection[str]) -> dict[str, list[Values]]:
    """The values in ConfigMaps of these names, written out or generated by a kustomization."""
    found: dict[str, list[Values]] = {}
    if not names:
        return found
    for path in sources.tree.search(([name.encode() for name in sorted(names)],))[0]:
        source = sources.source_or_none(path) if path.endswith((".yaml", ".yml")) else None
        for document in source.documents if source else ():
            if not isinstance(document, Mapping) or source is None:
                continue
            metadata = document.get("metadata")
            name = metadata.text("name") if isinstance(metadata, Mapping) else None
            if document.text("kind") == "ConfigMap" and name in names:
                found.setdefault(name or "", []).extend(
                    values for values in values_in(source) if document in values.root.ancestors()
                )
            for generator, file in generated(path, document, names):
                values = values_file(sources, file)
                found.setdefault(generator, []).extend([values] if values else [])
    return found
