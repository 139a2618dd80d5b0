"""Helm values: a repository with its tag and digest beside it, wherever values are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelinegen.images.reference import is_digest, normalise
from pipelinegen.manifests.locate.scalar import variable
from pipelinegen.manifests.place import Found, LeftAlone, Place, Split
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Alias, Mapping, Node, Scalar, Sequence, one_line

_REPOSITORY = re.compile(r"(|.*[._-])(?:repository|image)|(.+)(?:Repository|Image)")


def names_by_parts(naming: Scalar) -> bool:
    """Whether a scalar names a repository only together with the `registry:` beside it (`registry: host/project`)."""
    parent = naming.parent
    if naming.key_text() not in {"repository", "image"} or not isinstance(parent, Mapping):
        return False
    return "/" in (parent.text("registry") or "")


def locate(naming: Scalar, source: Source) -> list[Found]:
    """The tag and digest beside `repository:` or `image:`, in this mapping and in those that merge it."""
    del source
    values = naming.parent
    match = _REPOSITORY.fullmatch(naming.key_text() or "")
    if match is None or not isinstance(values, Mapping):
        return []
    versions = [mapping for mapping in (values, *_merging(values)) if beside(mapping, match, "tag", "digest")]
    name = full_name(values, naming.value)
    if not versions or (name is None and (":" in naming.value or "@" in naming.value)):
        return []
    if name is None:
        return [LeftAlone(naming.start, _why_not(values, naming))]
    return [place(mapping, match, name) for mapping in versions]


def place(values: Mapping, match: re.Match[str], name: str) -> Found:
    """The place in `values`, whose repository is `name`."""
    tag, digest = beside(values, match, "tag"), beside(values, match, "digest")
    at = tag or digest or values
    if isinstance(tag, Alias):
        tag = anchored(tag)
    for part in (tag, digest):
        if part is not None and not isinstance(part, Scalar):
            return LeftAlone(part.start, "the version beside the repository is not a scalar")
        if part is not None and variable(part.value):
            return LeftAlone(part.start, "built from a variable")
    found_tag = tag if isinstance(tag, Scalar) else None
    found_digest = digest if isinstance(digest, Scalar) else None
    present, pinned = one_line(found_tag) if found_tag else None, one_line(found_digest) if found_digest else None
    if present and "@" in present and not pinned:
        present, _, pinned = present.partition("@")
        pinned = pinned if is_digest(pinned) else None
    repository = normalise(name) or name
    form = Split(found_tag, found_digest)
    return Place("helm-values", repository, name, present or None, pinned or None, form, at.start)


def full_name(values: Mapping, repository: str) -> str | None:
    """The repository with the `registry:` beside it; None when that is no name."""
    registry = values.text("registry")
    if registry and not repository.startswith(f"{registry}/"):
        repository = f"{registry}/{repository}"
    return repository if normalise(repository) is not None else None


def beside(values: Mapping, match: re.Match[str], *words: str) -> Node | None:
    """What stands under `tag`, `imageTag`, `digest` ... for the matched key."""
    lower, camel = match[1], match[2]
    prefix = camel if lower is None else lower
    for word in words:
        title = word.capitalize()
        own, image = (title, f"Image{title}") if lower is None else (word, f"image{title}")
        for name in (prefix + own, prefix + image):
            found = values.get(name)
            if found is not None:
                return found
    return None


def version_keys(key: str) -> re.Match[str] | None:
    """How the keys of tag and digest follow from the key of the repository."""
    return _REPOSITORY.fullmatch(key)


def anchored(alias: Alias) -> Node:
    """The anchor's scalar, when every alias of it is a tag of the same repository; else the alias itself."""
    target: Node | None = None
    users = []
    for node in _nodes(alias.root()):
        if isinstance(node, Scalar) and node.anchor == alias.name:
            target = node
        elif isinstance(node, Alias) and node.name == alias.name:
            users.append(node)
    names = {_repository_beside(user) for user in users}
    return target if isinstance(target, Scalar) and len(names) == 1 and None not in names else alias


def _repository_beside(alias: Alias) -> str | None:
    values = alias.parent
    if not isinstance(values, Mapping):
        return None
    named = values.text("repository") or values.text("image")
    return full_name(values, named) if named else None


def _merging(values: Mapping) -> Iterator[Mapping]:
    """Mappings that take this one's keys by `<<: *anchor` and name no repository of their own."""
    if values.anchor is None:
        return
    for node in _nodes(values.root()):
        if isinstance(node, Mapping):
            merged = node.get("<<")
            aliases = merged.items if isinstance(merged, Sequence) else [merged]
            if any(isinstance(alias, Alias) and alias.name == values.anchor for alias in aliases):
                yield node


def _nodes(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Mapping):
            pending.extend(value for _, value in reversed(node.pairs))
        elif isinstance(node, Sequence):
            pending.extend(reversed(node.items))


def _why_not(values: Mapping, naming: Scalar) -> str:
    return (
        "built from a variable" if variable(f"{values.text('registry')}{naming.value}") else "not a repository's name"
    )
