"""Reasons to leave a located reference alone: its owner, a duplicate key on the way, a tag that was not asked for."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from pipelinegen.images.reference import normalise
from pipelinegen.images.versions import is_lower
from pipelinegen.manifests.locate.helm_values import version_keys
from pipelinegen.manifests.place import Entry, Place, Split, Whole
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Mapping as MappingNode
from pipelinegen.manifests.spans import Node, Scalar

_UPDATER_LIST = "argocd-image-updater.argoproj.io/image-list"
_UPDATER_FILE = ".argocd-source-"


def is_downgrade(place: Place, request: Request) -> bool:
    """Whether both versions are semver and the wanted one is lower."""
    if place.tag is None or request.tag is None:
        return False
    return is_lower(request.tag, place.tag) is True


def only_tag(place: Place, pattern: str | None) -> str | None:
    """The reason, when the present tag does not match `--only-tag`."""
    if pattern is None or fnmatchcase(place.tag or "", pattern):
        return None
    return f"its tag {place.tag or '(none)'} does not match --only-tag {pattern}"


def shared(place: Place, requests: Mapping[str, Request]) -> str | None:
    """The reason, when the version is by its anchor that of another image too, and not wanted for that one."""
    wanted = requests[place.repository]
    for repository in place.shared:
        other = requests.get(repository)
        if other is None or (other.tag, other.digest) != (wanted.tag, wanted.digest):
            return f"its anchor is the version of {repository} too; bump both, or give each a version of its own"
    return None


def owner(source: Source, place: Place) -> str | None:
    """Who else writes this tag: Flux's image automation (a setter marker) or Argo CD Image Updater."""
    for offset in _offsets(place):
        if "$imagepolicy" in source.text[offset : source.lines.end(offset)]:
            return "owned by Flux image automation ($imagepolicy); --include-managed changes it all the same"
    if source.path.rsplit("/", 1)[-1].startswith(_UPDATER_FILE) or _updater_lists(place):
        return "owned by Argo CD Image Updater; --include-managed changes it all the same"
    return None


def duplicate_key(place: Place) -> str | None:
    """A key that stands twice on the way to the reference: readers differ on which one counts."""
    for node in _nodes(place):
        for step in (node, *node.ancestors()):
            key = step.key_text()
            if key is not None and isinstance(step.parent, MappingNode) and step.parent.repeats(key):
                return key
    values = place.form.beside if isinstance(place.form, Split) else None
    return next(filter(_names, sorted(values.repeated)), None) if values else None


def _names(key: str) -> bool:
    return key == "registry" or version_keys(key) is not None


def _nodes(place: Place) -> list[Node]:
    form = place.form
    if isinstance(form, Whole):
        return [form.scalar]
    if isinstance(form, Split):
        return [part for part in form if part is not None]
    if isinstance(form, Entry):
        values = (form.mapping.get(key) for key in ("name", "newName", "newTag", "digest"))
        return [value for value in values if value is not None]
    return []


def _offsets(place: Place) -> list[int]:
    return [node.end for node in _nodes(place) if isinstance(node, Scalar)] or [place.at]


def _updater_lists(place: Place) -> bool:
    """https://argocd-image-updater.readthedocs.io : the annotation lists `[ALIAS=]REPOSITORY[:CONSTRAINT]`."""
    if place.kind not in {"argocd-parameter", "kustomize-images", "helm-values"}:
        return False
    nodes = _nodes(place)
    root = _outermost(nodes[0]) if nodes else None
    metadata = root.get("metadata") if isinstance(root, MappingNode) else None
    annotations = metadata.get("annotations") if isinstance(metadata, MappingNode) else None
    listed = annotations.text(_UPDATER_LIST) if isinstance(annotations, MappingNode) else None
    return any(normalise(_listed_name(item)) == place.repository for item in (listed or "").split(","))


def _listed_name(item: str) -> str:
    """The repository of an entry; a constraint may hold anything (`~1.0`, `>=1.2`)."""
    alias, equals, rest = item.strip().partition("=")
    name = rest if equals and "/" not in alias and ":" not in alias else item.strip()
    colon = name.find(":", name.rfind("/") + 1)
    return name if colon < 0 else name[:colon]


def _outermost(node: Node) -> Node:
    root = node.root()
    while isinstance(root.parent, Scalar):
        root = root.parent.root()
    return root
