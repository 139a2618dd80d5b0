"""Helm values as sets: whole files, or values inside another object; and the repositories that they name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple, TypeAlias

from pipelinegen.images.reference import normalise
from pipelinegen.manifests.locate.helm_values import full_name, version_keys
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.spans import Mapping, Scalar, scalars
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
    """At `path` of some values, `key` names the repository, as `written`."""

    path: Path
    key: str
    repository: str
    written: str


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
    """The values that a whole file is, or None when it is something else, or not in the repository."""
    source = sources.source_or_none(path) if sources.lists(path) else None
    return next((values for values in values_in(source) if values.own_file), None) if source else None


def mappings_in(root: Mapping) -> Iterator[tuple[Path, Mapping]]:
    """A mapping and those below it (a chart's values are merged key by key, lists are not), with their paths."""
    pending: list[tuple[Path, Mapping]] = [((), root)]
    while pending:
        path, mapping = pending.pop()
        yield path, mapping
        for key, value in mapping.pairs:
            if isinstance(key, Scalar) and isinstance(value, Mapping):
                pending.append(((*path, key.value), value))


def names_in(values: Values) -> Iterator[Named]:
    """Where a set of values names a repository."""
    anchors = values.source.anchors
    for path, mapping in mappings_in(values.root):
        for key, value in mapping.pairs:
            named = anchors.resolve(value) if isinstance(key, Scalar) and version_keys(key.value) else None
            if isinstance(key, Scalar) and isinstance(named, Scalar):
                name = full_name(mapping, named.value, anchors)
                repository = normalise(name) if name else None
                if name is not None and repository is not None:
                    yield Named(path, key.value, repository, name)


def named_in(values: Values, repositories: Collection[str]) -> Iterator[Named]:
    """Where a set of values names one of the repositories."""
    return (named for named in names_in(values) if named.repository in repositories)
