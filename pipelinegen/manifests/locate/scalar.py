"""A whole scalar that is a reference: containers, custom resources, environment variables, arguments, compose files."""

from __future__ import annotations

from pipelinegen.images.reference import normalise, split
from pipelinegen.manifests.place import Found, LeftAlone, Place, Whole
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Mapping, Scalar, one_line

# Flux's image reflector names a repository to scan there, and a ConfigMap holds whatever its reader makes of it.
_NOT_RUNNING = {"ImageRepository", "ImagePolicy", "ImageUpdateAutomation", "ConfigMap", "Secret"}
_UPDATER = "argocd-image-updater.argoproj.io/"


def locate(naming: Scalar, source: Source) -> list[Found]:
    """The place, when the scalar is a reference that its key lets count; else the reason."""
    del source
    kind = _kind(naming)
    if kind == "CustomResourceDefinition":
        return [LeftAlone(naming.start, "inside a CustomResourceDefinition, which defines and does not deploy")]
    if (naming.key_text() or "").startswith(_UPDATER):
        return [LeftAlone(naming.start, "belongs to Argo CD Image Updater, which reads a constraint here")]
    return [whole(naming, one_line(naming), 0, "scalar", kind)]


def whole(naming: Scalar, value: str, prefix: int, kind: str, document_kind: str | None) -> Found:
    """The place for a reference that is written in `value` from index `prefix` on."""
    parts = split(value[prefix:])
    repository = normalise(parts[0]) if parts else None
    if parts is None or repository is None:
        return LeftAlone(naming.start, _why_not(value))
    written, tag, digest = parts
    key = effective_key(naming)
    image_key = kind == "kustomize-images" or (key is not None and is_image_key(key))
    if "/" not in written and not prefix and not image_key:
        return LeftAlone(naming.start, "a single word counts only under a key that is or ends in `image`")
    if tag is None and digest is None and not prefix:
        reason = _why_untagged(naming, key == "image", document_kind)
        if reason is not None:
            return LeftAlone(naming.start, reason)
    return Place(kind, repository, written, tag, digest, Whole(naming, prefix + len(written)), naming.start)


def effective_key(naming: Scalar) -> str | None:
    """The key that says what a value is: an environment variable's name and a JSON patch's path count as its key."""
    key, parent = naming.key_text(), naming.parent
    if not isinstance(parent, Mapping):
        return key
    if key == "value":
        path = parent.text("path") if parent.get("op") else None
        return path.rsplit("/", 1)[-1] if path else parent.text("name")
    if key == "reference" and parent.key_text() == "image":
        return "image"  # an image volume: https://kubernetes.io/docs/concepts/storage/volumes/#image
    return key


def is_image_key(key: str) -> bool:
    """`image`, or a key that ends in image, Image or _IMAGE."""
    return key.endswith(("image", "Image", "_IMAGE"))


def variable(value: str) -> bool:
    """Whether a value is filled in later: `${TAG}`, `$(TAG)`, `{{ .tag }}`, `<TAG>`."""
    return any(mark in value for mark in ("$", "{", "<", "%"))


def _why_not(value: str) -> str:
    if variable(value):
        return "built from a variable"
    return "prose, not a reference" if any(map(str.isspace, value)) else "part of another word, not a reference"


def _why_untagged(naming: Scalar, image_key: bool, document_kind: str | None) -> str | None:
    """A name without a version gets one only where a container runs it: not where a chart or an operator adds a tag."""
    root = naming.root()
    runs = isinstance(root, Mapping) and (root.get("kind") or root.get("services") or root.get("spec"))
    patch = isinstance(naming.parent, Mapping) and naming.parent.get("op") is not None
    if document_kind in _NOT_RUNNING or not image_key or not (runs or patch):
        return "names the repository without a version"
    return None


def _kind(naming: Scalar) -> str | None:
    root = naming.root()
    return root.text("kind") if isinstance(root, Mapping) else None
