"""Which objects a patch and which images an entry of `images:` mean, by kustomize's rules of names and patterns."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelinegen.manifests.kustomize.objects import Value, mapping, text

# kustomize takes these texts for patterns of Go's engine, which needs linear time. Python's can need exponential time
# and the manifests are not ours, so only patterns without groups and with few repetitions are followed.
_FOLLOWED = re.compile(r"(?:(?:[\w.-]|\\[.-]|\[[\w-]+\])[*+?]?|\|)*", re.ASCII)
_REPETITIONS = 3
_LABEL = re.compile(r"\s*(!?)\s*([\w./-]+)\s*(?:(==|=|!=)\s*([\w.-]*)\s*)?", re.ASCII)


class Unfollowed(Exception):
    """A pattern or selector that is not computed here; kustomize may select by it."""


class Id(NamedTuple):
    """What kustomize knows an object by; the namespace is never empty."""

    group: str
    version: str
    kind: str
    name: str
    namespace: str


def identify(value: dict[str, Value]) -> Id:
    group, _, version = text(value.get("apiVersion")).rpartition("/")
    metadata = mapping(value.get("metadata"))
    return Id(
        group,
        version,
        text(value.get("kind")),
        text(metadata.get("name")),
        text(metadata.get("namespace")) or "default",
    )


def selects(target: dict[str, Value], first: Id, now: Id, value: dict[str, Value]) -> bool:
    """Whether a patch's target means an object, known by its first and its present id. Raises Unfollowed."""
    wanted = {key: text(target.get(key)) for key in ("group", "version", "kind", "name", "namespace")}
    metadata = mapping(value.get("metadata"))
    return (
        any(_matches(wanted["namespace"], word) for word in (first.namespace, now.namespace))
        and any(_matches(wanted["name"], word) for word in (first.name, now.name))
        and all(_matches(wanted[key], getattr(now, key)) for key in ("group", "version", "kind"))
        and _labelled(text(target.get("labelSelector")), mapping(metadata.get("labels")))
        and _labelled(text(target.get("annotationSelector")), mapping(metadata.get("annotations")))
    )


def _matches(pattern: str, word: str) -> bool:
    if not pattern or pattern == word:
        return True
    if not _FOLLOWED.fullmatch(pattern) or len(re.findall("[*+]", pattern)) > _REPETITIONS:
        raise Unfollowed(f"the pattern {pattern} is not followed")
    return re.fullmatch(pattern, word, re.ASCII) is not None


def _labelled(selector: str, labels: dict[str, Value]) -> bool:
    for requirement in filter(None, selector.split(",")):
        match = _LABEL.fullmatch(requirement)
        if match is None or (match[1] and match[3]):
            raise Unfollowed(f"the selector {selector} is not followed")
        absent, key, operator, value = match.groups()
        if operator is None:
            fits = (key in labels) != bool(absent)
        else:
            fits = (key in labels and text(labels[key]) == value) != (operator == "!=")
        if not fits:
            return False
    return True


def names_image(name: str, reference: str) -> bool:
    """Whether an entry's name means a reference: kustomize takes it for a pattern, so a dot is any character."""
    if not re.fullmatch(r"[\w./:-]+", name, re.ASCII):
        raise Unfollowed(f"the name {name} is a pattern and is not followed")
    if split_image(name)[1]:
        # It matches one tag only, so what it does depends on the very edit that is asked about.
        raise Unfollowed(f"the name {name} has a tag and is not followed")
    pattern = re.escape(name).replace(r"\.", ".")
    return re.fullmatch(rf"{pattern}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?", reference) is not None


def split_image(reference: str) -> tuple[str, str, str]:
    """Name, tag and digest as kustomize divides a reference; empty where there is none."""
    name, _, digest = reference.partition("@")
    slash = max(name.find("/"), 0)
    colon = name.find(":", slash)
    return (name, "", digest) if colon < 0 else (name[:colon], name[colon + 1 :], digest)
