"""Which image each container gets in the end, and which place decides it: kustomize's build, as far as images go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipelinegen.images.reference import normalise
from pipelinegen.manifests.kustomize.build import CONTAINERS, Build
from pipelinegen.manifests.kustomize.kustomization import Patch, Problem
from pipelinegen.manifests.kustomize.layout import Layout, closure, layout_of
from pipelinegen.manifests.kustomize.objects import Position, Value, Word, mapping, text
from pipelinegen.manifests.kustomize.selecting import split_image
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree, Unreadable

_TAG_KEYS = ("tag", "imageTag")


class Layer(NamedTuple):
    """One place that has a say in a reference; `how`: resource, images or patch; `versioned`: it sets tag or digest."""

    at: Position
    text: str
    how: str
    kustomization: str
    versioned: bool


class Effective(NamedTuple):
    """A reference as the cluster gets it, and the places that made it so, innermost first."""

    object: str
    field: str
    final: str
    layers: tuple[Layer, ...]
    transformable: bool

    @property
    def decider(self) -> Layer:
        """The outermost place that sets the tag or the digest."""
        return next((layer for layer in reversed(self.layers) if layer.versioned), self.layers[-1])


class Effects(NamedTuple):
    """The references of one kustomization; `problems` are what may make them wrong or incomplete."""

    references: tuple[Effective, ...]
    problems: tuple[Problem, ...]


def effective(tree: Tree | Sources, root: str, repository: str | None = None) -> Effects:
    """The references that `root` gives: all those that once name `repository`; without one, those of all containers."""
    layout = layout_of(tree)
    build = Build(layout, _needles(layout, root, repository) if repository else ())
    wanted = (normalise(repository) or repository) if repository else ""
    found: list[Effective] = []
    for object_ in build.accumulate(root, [], ()):
        if not object_.local:
            found += _References(object_.label, wanted).walk(object_.value, ())
    return Effects(tuple(found), tuple(dict.fromkeys(build.problems)))


def repository_of(reference: str) -> str:
    """The normalised repository of a reference as kustomize divides it."""
    name = split_image(reference)[0]
    return normalise(name) or name


def _needles(layout: Layout, root: str, repository: str) -> tuple[bytes, ...]:
    """What a resource must hold to matter: the repository's last word, or that of a name that is renamed to it.

    None where a patch holds one: it may bring the image into any resource.
    """
    paths = closure(layout, root).kustomizations
    found = [kustomization for path in paths if (kustomization := layout.kustomization(path)) is not None]
    renames = [
        (repository_of(entry.name), repository_of(entry.new_name))
        for kustomization in found
        for entry in kustomization.images
        if entry.new_name is not None
    ]
    wanted = {normalise(repository) or repository}
    while new := {old for old, name in renames if name in wanted} - wanted:
        wanted |= new
    needles = tuple(name.rpartition("/")[2].encode() for name in sorted(wanted))
    patches = [patch for kustomization in found for patch in kustomization.patches]
    return () if any(needle in _patch_bytes(layout, patch) for patch in patches for needle in needles) else needles


def _patch_bytes(layout: Layout, patch: Patch) -> bytes:
    if patch.inline is not None:
        return patch.inline.encode()
    try:
        return layout.read(patch.inclusion.path) if patch.inclusion is not None else b""
    except (KeyError, Unreadable):
        return b""


class _References:
    """The references of one object: those of a repository, or (none wanted) those of its containers."""

    def __init__(self, label: str, wanted: str) -> None:
        self.label = label
        self.wanted = wanted
        self.needle = wanted.rpartition("/")[2]

    def walk(self, value: Value, path: tuple[str, ...]) -> Iterator[Effective]:
        if isinstance(value, Word):
            yield from self.whole(value, path)
        elif isinstance(value, list):
            for at, item in enumerate(value):
                yield from self.walk(item, (*path, f"[{text(mapping(item).get('name')) or at}]"))
        elif isinstance(value, dict):
            yield from self.divided(value, path)
            for key, item in value.items():
                yield from self.walk(item, (*path, key))

    def whole(self, word: Word, path: tuple[str, ...]) -> Iterator[Effective]:
        container = len(path) > 2 and path[-1] == "image" and path[-3] in CONTAINERS
        if self.concerns(list(word.layers())) if self.wanted else container:
            layers = tuple(_layer(layer, layer) for layer in word.layers())[::-1]
            yield Effective(self.label, _field(path), str(word), layers, container)

    def divided(self, fields: dict[str, Value], path: tuple[str, ...]) -> Iterator[Effective]:
        """Helm values in a HelmRelease: the repository here, tag and digest beside it."""
        name = fields.get("repository") or fields.get("image")
        digest = fields.get("digest")
        versions = [word for key in (*_TAG_KEYS, "digest") if isinstance(word := fields.get(key), Word)]
        if not isinstance(name, Word) or not versions or not self.wanted:
            return
        registry = text(fields.get("registry")).rstrip("/") if "repository" in fields else ""
        host = f"{registry}/" if registry else ""
        if not self.concerns([host + layer for layer in name.layers()]):
            return
        layers = [_layer(layer, host + layer, versioned=False) for layer in name.layers()][::-1]
        final = host + name
        for word in versions:
            mark = "@" if word is digest else ":"
            layers += [_layer(layer, f"{final}{mark}{layer}") for layer in word.layers()][::-1]
            final += mark + word if word else ""
        yield Effective(self.label, _field(path), final, tuple(layers), False)

    def concerns(self, references: Sequence[str]) -> bool:
        return any(self.needle in text and repository_of(text) == self.wanted for text in references)


def _layer(word: Word, reference: str, *, versioned: bool = True) -> Layer:
    return Layer(word.at, str(reference), word.how, word.by, word.versioned and versioned)


def _field(path: tuple[str, ...]) -> str:
    """The way through an object, as people write it: spec.template.spec.containers[api].image."""
    return ".".join(path).replace(".[", "[")
