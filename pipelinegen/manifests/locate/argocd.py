"""Argo CD's own places: `helm.parameters` and the strings of `kustomize.images`."""

from __future__ import annotations

import re

from pipelinegen.images.reference import normalise
from pipelinegen.manifests.locate.scalar import variable, whole
from pipelinegen.manifests.place import Found, LeftAlone, Place, Split
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Mapping, Node, Scalar, Sequence

_REPOSITORY = re.compile(r"(|.*[._-])(?:repository|image)|(.*)(?:Repository|Image)")

_MAX_PARAMETERS = 1_000


def locate(naming: Scalar, source: Source) -> list[Found]:
    """A parameter pair, or an override `[NAME=]REPOSITORY[:TAG][@DIGEST]`."""
    del source
    found = _override(naming) or _parameter(naming)
    return [found] if found is not None else []


def _override(naming: Scalar) -> Found | None:
    """https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/ : `kustomize.images`."""
    images = naming.parent if isinstance(naming.parent, Sequence) else naming
    holder = images.parent
    if images.key_text() != "images" or not isinstance(holder, Mapping) or holder.key_text() != "kustomize":
        return None
    prefix = naming.value.find("=") + 1
    return whole(naming, naming.value, prefix, "kustomize-images", None)


def _parameter(naming: Scalar) -> Found | None:
    item = naming.parent
    if naming.key_text() != "value" or not isinstance(item, Mapping) or not isinstance(item.parent, Sequence):
        return None
    holder = item.parent.parent
    if item.parent.key_text() != "parameters" or not isinstance(holder, Mapping) or holder.key_text() != "helm":
        return None
    match = _REPOSITORY.fullmatch(item.text("name") or "")
    if match is None:
        return None
    if len(item.parent.items) > _MAX_PARAMETERS:
        return LeftAlone(naming.start, f"more than {_MAX_PARAMETERS:,} parameters", warn=True)
    named = [(node.text("name"), node.get("value")) for node in item.parent.items if isinstance(node, Mapping)]
    parameters = dict(named)
    tag, digest, registry = (_beside(parameters, match, word) for word in ("tag", "digest", "registry"))
    if tag is None and digest is None:
        return None
    used = {naming, tag, digest, registry}
    twice = [name for name, value in named if value is not parameters[name] and {value, parameters[name]} & used]
    if twice:
        return LeftAlone(naming.start, f"the parameter {twice[0]} stands twice", warn=True)
    return _place(naming, tag, digest, registry)


def _place(naming: Scalar, tag: Scalar | None, digest: Scalar | None, registry: Scalar | None) -> Found:
    name = f"{registry.value}/{naming.value}" if registry is not None and registry.value else naming.value
    repository = normalise(name)
    if variable("".join([name, *(part.value for part in (tag, digest) if part is not None)])):
        return LeftAlone(naming.start, "built from a variable")
    if repository is None:
        return LeftAlone(naming.start, "not the name of a repository")
    present = (tag.value if tag else None), (digest.value if digest else None)
    at = tag or digest or naming
    return Place("argocd-parameter", repository, name, *present, Split(tag, digest), at.start)


def _beside(parameters: dict[str | None, Node | None], match: re.Match[str], word: str) -> Scalar | None:
    lower, camel = match[1], match[2]
    title = word.capitalize()
    names = (f"{camel}{title}", f"{camel}Image{title}") if lower is None else (f"{lower}{word}", f"{lower}image{title}")
    for name in names:
        value = parameters.get(name)
        if isinstance(value, Scalar):
            return value
    return None
