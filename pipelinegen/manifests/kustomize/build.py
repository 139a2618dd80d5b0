"""kustomize's build, as far as images go: resources, patches, names and `images:` in its order."""

from __future__ import annotations

from pipelinegen.manifests.kustomize.kustomization import ImageEntry, Kustomization, Patch, Problem
from pipelinegen.manifests.kustomize.layout import MAX_CHAIN, Layout
from pipelinegen.manifests.kustomize.merging import By, Gone, Inapplicable, merge, patch_json
from pipelinegen.manifests.kustomize.objects import (
    Position,
    Value,
    Word,
    lay_over,
    mapping,
    nested_documents,
    sequence,
    text,
)
from pipelinegen.manifests.kustomize.selecting import Unfollowed, identify, names_image, selects, split_image
from pipelinegen.manifests.spans import Unparsable
from pipelinegen.manifests.tree import Unreadable

# A kustomization may be included on many ways; kustomize builds it each time, and so do we, within bounds.
MAX_BUILDS = 2_000

CONTAINERS = ("containers", "initContainers")
_DEFAULT_PATHS = tuple((*spec, field) for spec in (("spec",), ("spec", "template", "spec")) for field in CONTAINERS)
_LOCAL = "config.kubernetes.io/local-config"


class Object:
    """One object of the cluster on its way through the kustomizations."""

    __slots__ = ("ids", "value")

    def __init__(self, value: dict[str, Value]) -> None:
        self.value = value
        self.ids = [identify(value)]

    def rename(self, prefix: str = "", suffix: str = "", namespace: str = "") -> None:
        metadata = mapping(self.value.get("metadata"))
        for key, word in (("name", prefix + text(metadata.get("name")) + suffix), ("namespace", namespace)):
            old = metadata.get(key)
            if word and isinstance(old, Word):
                metadata = {**metadata, key: lay_over(old, word, old, "", "name")}
        self.value = {**self.value, "metadata": metadata}
        now = identify(self.value)
        self.ids.append(now._replace(namespace=namespace or self.ids[-1].namespace))

    @property
    def local(self) -> bool:
        """Whether kustomize leaves the object out in the end."""
        annotations = mapping(mapping(self.value.get("metadata")).get("annotations"))
        return text(annotations.get(_LOCAL)) not in {"", "false"}

    @property
    def label(self) -> str:
        now = self.ids[-1]
        return f"{now.kind} {now.name}" if now.namespace == "default" else f"{now.kind} {now.namespace}/{now.name}"


class Build:
    """One build of a kustomization; files without any of the needles are not read."""

    def __init__(self, layout: Layout, needles: tuple[bytes, ...]) -> None:
        self.layout = layout
        self.needles = needles
        self.problems: list[Problem] = []
        self.builds = 0

    def accumulate(self, path: str, objects: list[Object], chain: tuple[str, ...]) -> list[Object]:
        """Kustomize's order; a component works on the objects of the one that includes it."""
        kustomization = self.layout.kustomization(path)
        self.builds += 1
        if kustomization is None or path in chain or len(chain) > MAX_CHAIN or self.builds > MAX_BUILDS:
            self.problems.append(Problem(Position(path, 1, 1), "is not there, or is included too often"))
            return objects
        self.problems += [*kustomization.problems, *kustomization.unfollowed]
        chain = (*chain, path)
        for inclusion in kustomization.resources:
            if inclusion.what == "file":
                objects = objects + self.load(inclusion.path)
            elif inclusion.what == "kustomization":
                objects = objects + self.accumulate(inclusion.path, [], chain)
            else:
                self.problems.append(Problem(inclusion.entry.at, f"{inclusion.entry} is {inclusion.what}"))
        for inclusion in kustomization.components:
            if inclusion.what == "kustomization":
                objects = self.accumulate(inclusion.path, objects, chain)
            else:
                self.problems.append(Problem(inclusion.entry.at, f"{inclusion.entry} is {inclusion.what}"))
        return self.transform(kustomization, objects)

    def transform(self, kustomization: Kustomization, objects: list[Object]) -> list[Object]:
        early = [patch for patch in kustomization.patches if patch.field != "patchesJson6902"]
        late = [patch for patch in kustomization.patches if patch.field == "patchesJson6902"]
        for patch in early:
            objects = self.patch(kustomization, patch, objects)
        for object_ in objects:
            if kustomization.namespace:
                object_.rename(namespace=kustomization.namespace)
            if kustomization.prefix or kustomization.suffix:
                object_.rename(kustomization.prefix, kustomization.suffix)
        for patch in late:
            objects = self.patch(kustomization, patch, objects)
        for entry in kustomization.images:
            for object_ in objects:
                self.set_images(kustomization, entry, object_)
        return objects

    def load(self, path: str) -> list[Object]:
        if self.needles and not self._holds_needle(path):
            return []
        read = self.layout.documents(path)
        if isinstance(read, Problem):
            self.problems.append(read)
            return []
        found = []
        for document in read:
            fields = mapping(document)
            items = sequence(fields.get("items")) if text(fields.get("kind")).endswith("List") else [document]
            found += [Object(item) for item in items if isinstance(item, dict) and text(item.get("kind"))]
        return found

    def _holds_needle(self, path: str) -> bool:
        try:
            data = self.layout.read(path)
        except (KeyError, Unreadable):
            # Read again as documents, it becomes a problem with a place.
            return True
        return any(needle in data for needle in self.needles)

    def patch(self, kustomization: Kustomization, patch: Patch, objects: list[Object]) -> list[Object]:
        try:
            documents = self.patch_documents(patch)
            for document in documents:
                for object_ in self.targets(patch, document, objects):
                    self.apply(kustomization, patch, document, object_)
        except (Inapplicable, Unfollowed, Unparsable) as problem:
            self.problems.append(Problem(_place_of(kustomization, patch), str(problem)))
        return [object_ for object_ in objects if object_.value]

    def patch_documents(self, patch: Patch) -> list[Value]:
        if patch.inline is not None:
            return nested_documents(patch.inline)
        if patch.inclusion is None or patch.inclusion.what != "file":
            return []
        read = self.layout.documents(patch.inclusion.path)
        if isinstance(read, Problem):
            self.problems.append(read)
            return []
        return read

    def targets(self, patch: Patch, document: Value, objects: list[Object]) -> list[Object]:
        if patch.target and patch.field != "strategic":
            return [found for found in objects if selects(patch.target, found.ids[0], found.ids[-1], found.value)]
        if not isinstance(document, dict):
            return []
        wanted = identify(document)
        # kustomize demands exactly one and fails otherwise.
        found = [object_ for object_ in objects if wanted in object_.ids]
        return found if len(found) == 1 else []

    def apply(self, kustomization: Kustomization, patch: Patch, document: Value, object_: Object) -> None:
        by = By(kustomization.path, object_.value)
        if isinstance(document, list):
            object_.value = mapping(patch_json(object_.value, document, by))
        else:
            merged = merge(object_.value, document, by)
            object_.value = {} if isinstance(merged, Gone) else _keep_identity(object_.value, mapping(merged), patch)
        if object_.value:
            now = identify(object_.value)._replace(namespace=object_.ids[-1].namespace)
            if now != object_.ids[-1]:
                object_.ids.append(now)

    def set_images(self, kustomization: Kustomization, entry: ImageEntry, object_: Object) -> None:
        if text(object_.value.get("kind")) == "CustomResourceDefinition":
            return
        setter = _Setter(kustomization.path, entry)
        try:
            value = setter.everywhere(object_.value)
            # kustomize sets images twice, everywhere and then at four paths; a `tagSuffix` is really appended twice.
            for path in _DEFAULT_PATHS if entry.tag_suffix is not None else ():
                value = setter.at(value, path)
        except Unfollowed as unfollowed:
            self.problems.append(Problem(entry.name.at, str(unfollowed)))
            return
        object_.value = mapping(value)


def _keep_identity(old: dict[str, Value], new: dict[str, Value], patch: Patch) -> dict[str, Value]:
    """A patch does not change kind and name unless its options allow it, and the namespace never."""
    if patch.renames:
        return new
    metadata, kept = mapping(new.get("metadata")), mapping(old.get("metadata"))
    names: dict[str, Value] = {key: kept[key] for key in ("name", "namespace") if key in kept}
    return {**new, "kind": old.get("kind"), "metadata": {**metadata, **names}}


def _place_of(kustomization: Kustomization, patch: Patch) -> Position:
    if patch.inline is not None:
        return patch.inline.at
    return patch.inclusion.entry.at if patch.inclusion is not None else Position(kustomization.path, 1, 1)


class _Setter:
    """One entry of `images:` at work."""

    def __init__(self, path: str, entry: ImageEntry) -> None:
        self.path = path
        self.entry = entry

    def everywhere(self, value: Value) -> Value:
        if isinstance(value, list):
            return [self.everywhere(item) for item in value]
        if not isinstance(value, dict):
            return value
        below = {key: self.everywhere(item) for key, item in value.items()}
        for field in CONTAINERS:
            if isinstance(below.get(field), list):
                below[field] = [self.container(item) for item in sequence(below[field])]
        return below

    def at(self, value: Value, path: tuple[str, ...]) -> Value:
        if not path:
            return [self.container(item) for item in value] if isinstance(value, list) else value
        if not isinstance(value, dict) or path[0] not in value:
            return value
        return {**value, path[0]: self.at(value[path[0]], path[1:])}

    def container(self, item: Value) -> Value:
        image = mapping(item).get("image")
        if not isinstance(item, dict) or not isinstance(image, Word) or not names_image(self.entry.name, image):
            return item
        return {**item, "image": self.set(image)}

    def set(self, image: Word) -> Word:
        entry = self.entry
        name, tag, digest = split_image(image)
        name = entry.new_name or name
        version = entry.new_tag or entry.digest
        if version:
            tag, digest = entry.new_tag or "", entry.digest or ""
        elif entry.tag_suffix:
            tag, digest = tag + entry.tag_suffix, ""
        place = version or entry.tag_suffix or entry.new_name
        if place is None:
            return image
        written = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
        # A suffix is put behind a tag that is decided below.
        return lay_over(place, written, image, self.path, "images", versioned=version is not None)
