"""Helm values: a repository with its tag and digest beside it, wherever values are written."""

from __future__ import annotations

import re

from pipelinegen.images.reference import is_digest, normalise
from pipelinegen.manifests.anchors import Anchors
from pipelinegen.manifests.locate.scalar import variable
from pipelinegen.manifests.place import Found, LeftAlone, Place, Split
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Alias, Mapping, Node, Scalar, one_line

_REPOSITORY = re.compile(r"(|.*[._-])(?:repository|image)|(.+)(?:Repository|Image)")
_NAMES = ("repository", "image")
_NULL = {"", "~", "null", "Null", "NULL"}


def names_by_parts(naming: Scalar, source: Source) -> bool:
    """Whether a scalar names a repository only together with the `registry:` beside it (`registry: host/project`)."""
    parent = naming.parent
    if naming.key_text() not in _NAMES or not isinstance(parent, Mapping):
        return False
    return "/" in (_text(source.anchors, parent, "registry") or "")


def locate(naming: Scalar, source: Source) -> list[Found]:
    """The tag and digest beside `repository:` or `image:`, in this mapping, in those that merge or alias it."""
    found: list[Found] = []
    for node in (naming, *source.anchors.users(naming)):
        found += _locate_beside(node, naming, source)
    return found


def _locate_beside(node: Node, naming: Scalar, source: Source) -> list[Found]:
    values, key, anchors = node.parent, node.key_text() or "", source.anchors
    match = _REPOSITORY.fullmatch(key)
    if match is None or not isinstance(values, Mapping):
        return []
    named = [each for each in (values, *anchors.merging(values)) if anchors.get(each, key) is naming]
    versioned = [
        (each, full_name(each, naming.value, anchors)) for each in named if beside(each, match, "tag", "digest")
    ]
    if not versioned:
        return []
    if all(name is None for _, name in versioned):
        whole = ":" in naming.value or "@" in naming.value
        return [] if whole else [LeftAlone(naming.start, _why_not(values, naming, anchors))]
    return [place(each, match, name, anchors) for each, name in versioned if name is not None]


def place(values: Mapping, match: re.Match[str], name: str, anchors: Anchors) -> Found:
    """The place in `values`, whose repository is `name`."""
    written = [beside(values, match, word) for word in ("tag", "digest")]
    at = written[0] or written[1] or values
    if _is_ambiguous(values):
        return LeftAlone(at.start, "`image` and `repository` beside one version name different images", warn=True)
    parts: list[Scalar | None] = []
    shared: set[str] = set()
    repository = normalise(name) or name
    for node in written:
        part = anchors.resolve(node)
        if node is not None and not isinstance(part, Scalar):
            return LeftAlone(node.start, "the version beside the repository is not a scalar")
        if isinstance(part, Scalar) and variable(part.value):
            return LeftAlone(part.start, "built from a variable")
        parts.append(part if isinstance(part, Scalar) else None)
        images = _images_of(part, anchors) if isinstance(part, Scalar) else set()
        if isinstance(node, Alias) and None in images:
            return LeftAlone(node.start, f"its anchor &{node.name} stands for other things too", warn=True)
        shared |= {image for image in images if image is not None and image != repository}
    tag, digest = parts
    present, pinned = (_filled(part) for part in parts)
    if present and "@" in present:
        present, _, joined = present.partition("@")
        pinned = pinned or (joined if is_digest(joined) else None)
    form = Split(tag, digest, values)
    return Place("helm-values", repository, name, present or None, pinned, form, at.start, tuple(sorted(shared)))


def full_name(values: Mapping, repository: str, anchors: Anchors) -> str | None:
    """The repository with the `registry:` beside it; None when that is no name."""
    registry = _text(anchors, values, "registry")
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


def _images_of(version: Scalar, anchors: Anchors) -> set[str | None]:
    """The repositories that an anchored version belongs to by its aliases and by itself; None for other things."""
    users = anchors.users(version)
    if not users:
        return set()
    own = {_repository_beside(version, anchors)} - {None}
    return own | {_repository_beside(user, anchors) for user in users}


def _repository_beside(version: Node, anchors: Anchors) -> str | None:
    values, key = version.parent, version.key_text()
    if not isinstance(values, Mapping) or key is None:
        return None
    for name in dict.fromkeys((*values.names(), *_NAMES)):
        match = _REPOSITORY.fullmatch(name)
        named = anchors.get(values, name) if match else None
        if (
            match
            and isinstance(named, Scalar)
            and version in (beside(values, match, "tag"), beside(values, match, "digest"))
        ):
            full = full_name(values, named.value, anchors)
            return normalise(full) if full else None
    return None


def _is_ambiguous(values: Mapping) -> bool:
    """`repository: ghcr.io/acme` and `image: api` are read together by some charts, as two names by others."""
    names = {normalise(values.text(key) or "") for key in _NAMES}
    return None not in names and len(names) > 1


def _text(anchors: Anchors, values: Mapping, key: str) -> str | None:
    found = anchors.get(values, key)
    return _filled(found) if isinstance(found, Scalar) else None


def _filled(scalar: Scalar | None) -> str | None:
    """The text of a scalar; None where it is empty or null."""
    if scalar is None or (not scalar.style and scalar.value in _NULL):
        return None
    return one_line(scalar) or None


def _why_not(values: Mapping, naming: Scalar, anchors: Anchors) -> str:
    registry = _text(anchors, values, "registry") or ""
    return "built from a variable" if variable(f"{registry}{naming.value}") else "not a repository's name"
