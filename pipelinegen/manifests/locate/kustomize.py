"""Entries of kustomize's `images:`, in kustomizations, Flux Kustomizations and post-renderers."""

from __future__ import annotations

from pipelinegen.images.reference import normalise
from pipelinegen.manifests.place import Entry, Found, LeftAlone, Place
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Mapping, Node, Scalar, Sequence

FILE_NAMES = {"kustomization.yaml", "kustomization.yml", "Kustomization"}
_KINDS = {"Kustomization", "Component"}


def locate(naming: Scalar, source: Source) -> list[Found]:
    """The entry whose effective repository (`newName`, else `name`) the scalar names."""
    entry = naming.parent
    if naming.key_text() not in {"name", "newName"} or not isinstance(entry, Mapping) or not _in_images(entry, source):
        return []
    new_name = entry.get("newName")
    renamed = isinstance(new_name, Scalar) and new_name.value != ""
    if renamed and naming is not new_name:
        return [LeftAlone(naming.start, f"kustomize renames it to {entry.text('newName')}")]
    repository = normalise(naming.value)
    if repository is None:
        return [LeftAlone(naming.start, "not the name of a repository")]
    name = _last_name(entry, naming)
    tag, digest = entry.text("newTag"), entry.text("digest")
    form = Entry(entry, name)
    return [Place("kustomize-images", repository, naming.value, tag or None, digest or None, form, name.start)]


def _last_name(entry: Mapping, naming: Scalar) -> Scalar:
    names = [value for key, value in entry.pairs if isinstance(key, Scalar) and key.value in {"name", "newName"}]
    last = names[-1] if names else naming
    return last if isinstance(last, Scalar) else naming


def _in_images(entry: Mapping, source: Source) -> bool:
    images = entry.parent
    if not isinstance(images, Sequence) or images.key_text() != "images":
        return False
    holder: Node | None = images.parent
    if not isinstance(holder, Mapping):
        return False
    if holder.key_text() == "kustomize":
        return True
    root = holder.root()
    kind = root.text("kind") if isinstance(root, Mapping) else None
    if holder is root:
        named = kind is None and source.path.rsplit("/", 1)[-1] in FILE_NAMES
        return kind in _KINDS or named
    return holder.key_text() == "spec" and holder.parent is root and kind == "Kustomization"
