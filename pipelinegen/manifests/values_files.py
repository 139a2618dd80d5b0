"""Helm values as sets, and the sets that hold only a tag: another set names the repository at the same path."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from pipelinegen.images.reference import normalise
from pipelinegen.manifests.locate.helm_values import beside, full_name, place, version_keys
from pipelinegen.manifests.place import Found, LeftAlone
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.spans import Mapping, Node, Scalar, scalars
from pipelinegen.manifests.spans import Sequence as NodeSequence

Path: TypeAlias = tuple[str, ...]


class Values(NamedTuple):
    """One set of Helm values: a file of its own, or values inside another object."""

    source: Source
    root: Mapping

    @property
    def own_file(self) -> bool:
        return self.root.parent is None


class Named(NamedTuple):
    """At `path` of some values, `key` names the repository."""

    path: Path
    key: str
    repository: str


def values_in(source: Source) -> list[Values]:
    """All sets of Helm values in a source."""
    found: list[Values] = []
    for document in source.documents:
        if not isinstance(document, Mapping):
            continue
        if document.get("kind") is None and document.get("apiVersion") is None and document.get("resources") is None:
            found.append(Values(source, document))
            continue
        spec = document.get("spec")
        inline = spec.get("values") if isinstance(spec, Mapping) and document.text("kind") == "HelmRelease" else None
        if isinstance(inline, Mapping):
            found.append(Values(source, inline))
        for node in scalars(document):
            found += [Values(source, root) for root in node.nested if isinstance(root, Mapping) and _holds_values(node)]
            if node.value == "valuesObject" and node.key is None and isinstance(node.parent, Mapping):
                value = node.parent.get("valuesObject")
                found += [Values(source, value)] if isinstance(value, Mapping) else []
    return found


def _holds_values(holder: Scalar) -> bool:
    return holder.key_text() != "patch" and not isinstance(holder.parent, NodeSequence)


def values_file(sources: Sources, path: str) -> Values | None:
    """The values that a whole file is, or None when it is something else."""
    source = sources.source_or_none(path)
    return next((values for values in values_in(source) if values.own_file), None) if source else None


def named_in(values: Values, repositories: Collection[str]) -> Iterator[Named]:
    """Where a set of values names one of the repositories."""
    pending: list[tuple[Path, Node]] = [((), values.root)]
    while pending:
        path, node = pending.pop()
        if not isinstance(node, Mapping):
            continue
        for key, value in node.pairs:
            if not isinstance(key, Scalar):
                continue
            if isinstance(value, Scalar) and version_keys(key.value):
                name = full_name(node, value.value, values.source.anchors)
                repository = normalise(name) if name else None
                if repository in repositories:
                    yield Named(path, key.value, repository or "")
            pending.append(((*path, key.value), value))


def places_in_group(group: Sequence[Values], repositories: Collection[str]) -> Iterator[tuple[Values, Found]]:
    """The places of a group of values in which one names a repository and another only its tag."""
    named: dict[tuple[Path, str], set[str]] = {}
    for values in group:
        for path, key, repository in named_in(values, repositories):
            named.setdefault((path, key), set()).add(repository)
    for values in group:
        for (path, key), names in named.items():
            item = _place_at(values, path, key, names)
            if item is not None:
                yield values, item


def _place_at(values: Values, path: Path, key: str, names: set[str]) -> Found | None:
    node: Node | None = values.root
    for step in path:
        node = node.get(step) if isinstance(node, Mapping) else None
    match = version_keys(key)
    if match is None or not isinstance(node, Mapping) or node.get(key) is not None or node.get("<<") is not None:
        return None
    version = beside(node, match, "tag", "digest")
    if version is None:
        return None
    if len(names) > 1:
        reason = f"the values beside it name different repositories here: {', '.join(sorted(names))}"
        return LeftAlone(version.start, reason, warn=True)
    return place(node, match, next(iter(names)), values.source.anchors)
