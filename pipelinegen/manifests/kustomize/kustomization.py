"""One kustomization file as kustomize reads it: what it includes, patches, renames and sets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pipelinegen.manifests.kustomize.objects import Position, Value, Word, mapping, sequence, text

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

# What kustomize fetches: a scheme, scp's form, a query that names a revision, or a well-known host without a scheme.
REMOTE = re.compile(
    r"[\w+.-]+::|[a-z][a-z0-9+.-]*://|[^/]*@[^/]*:|[^?]*\?|(?:github|gitlab)\.com[/:]|bitbucket\.org[/:]"
)


class Problem(NamedTuple):
    """What keeps a kustomization from being followed, and where."""

    at: Position
    reason: str

    def __str__(self) -> str:
        return f"{self.at}: {self.reason}"


class Inclusion(NamedTuple):
    """One entry that names something: `what` is file, kustomization, remote or missing."""

    entry: Word
    path: str
    what: str


class ImageEntry(NamedTuple):
    """An entry of `images:`; each of its words is None when the key is absent or empty."""

    name: Word
    new_name: Word | None
    new_tag: Word | None
    digest: Word | None
    tag_suffix: Word | None


class Patch(NamedTuple):
    """A patch: a file or an inline text, its target (empty: as the patch names it), and the list it stands in."""

    inclusion: Inclusion | None
    inline: Word | None
    target: dict[str, Value]
    field: str
    renames: bool


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One kustomization file. `unfollowed`: fields that may change an image in a way that is not computed here."""

    path: str
    kind: str = "Kustomization"
    resources: tuple[Inclusion, ...] = ()
    components: tuple[Inclusion, ...] = ()
    patches: tuple[Patch, ...] = ()
    images: tuple[ImageEntry, ...] = ()
    others: tuple[Inclusion, ...] = ()
    charts: tuple[str, ...] = ()
    prefix: str = ""
    suffix: str = ""
    namespace: str = ""
    unfollowed: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def inclusions(self) -> tuple[Inclusion, ...]:
        """Everything that it names, in the order in which kustomize reads it."""
        patches = tuple(patch.inclusion for patch in self.patches if patch.inclusion is not None)
        return (*self.resources, *self.components, *patches, *self.others)

    @property
    def included(self) -> tuple[str, ...]:
        """The kustomizations that it includes."""
        return tuple(found.path for found in (*self.resources, *self.components) if found.what == "kustomization")

    @property
    def remote(self) -> tuple[str, ...]:
        return tuple(found.entry for found in self.inclusions if found.what == "remote")

    @property
    def missing(self) -> tuple[Inclusion, ...]:
        return tuple(found for found in self.inclusions if found.what == "missing")


class Files(Protocol):
    """What a repository holds, as far as an entry's meaning depends on it."""

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        ...

    def kustomization_of(self, folder: str) -> str | None:
        """The kustomization file of a folder."""
        ...


def is_kustomization_name(path: str) -> bool:
    return posixpath.basename(path) in NAMES


def read_kustomization(path: str, fields: dict[str, Value], files: Files) -> Kustomization:
    """The kustomization that a file holds."""
    return _Loading(files, path, fields).kustomization()


class _Loading:
    """The fields of one kustomization on their way to a value."""

    def __init__(self, files: Files, path: str, fields: dict[str, Value]) -> None:
        self.files = files
        self.path = path
        self.folder = posixpath.dirname(path)
        self.fields = fields
        self.problems: list[Problem] = []

    def kustomization(self) -> Kustomization:
        kind = text(self.fields.get("kind")) or "Kustomization"
        if kind not in {"Kustomization", "Component"}:
            self.problems.append(Problem(Position(self.path, 1, 1), f"of kind {kind}, not Kustomization or Component"))
        named = self.named("configurations", "transformers", "generators", "validators", "crds")
        others = [*self.generated(), *self.values(), *self.paths(), *named]
        return Kustomization(
            path=self.path,
            kind=kind,
            resources=tuple(self.named("resources", "bases")),
            components=tuple(self.named("components")),
            patches=tuple(self.patches()),
            images=tuple(self.images()),
            others=tuple(others),
            charts=tuple(self.charts()),
            prefix=text(self.fields.get("namePrefix")),
            suffix=text(self.fields.get("nameSuffix")),
            namespace=text(self.fields.get("namespace")),
            unfollowed=tuple(self.unfollowed()),
            problems=tuple(self.problems),
        )

    def words(self, *fields: str) -> Iterator[Word]:
        for field in fields:
            for item in sequence(self.fields.get(field)):
                if isinstance(item, Word):
                    yield item

    def mappings(self, *fields: str) -> Iterator[dict[str, Value]]:
        for field in fields:
            for item in sequence(self.fields.get(field)):
                if isinstance(item, dict):
                    yield item

    def named(self, *fields: str) -> Iterator[Inclusion]:
        for word in self.words(*fields):
            # Transformers, generators and patches may be written out in the entry itself.
            if "\n" not in word:
                yield self.resolve(word)

    def resolve(self, word: Word, entry: str | None = None) -> Inclusion:
        entry = str(word) if entry is None else entry
        path = posixpath.normpath(posixpath.join(self.folder, entry))
        folder = "" if path == "." else path
        if not entry.startswith("/") and path != ".." and not path.startswith("../"):
            if self.files.has(path):
                return Inclusion(word, path, "file")
            kustomization = self.files.kustomization_of(folder)
            if kustomization is not None:
                return Inclusion(word, kustomization, "kustomization")
        return Inclusion(word, entry, "remote" if REMOTE.match(entry) else "missing")

    def patches(self) -> Iterator[Patch]:
        """In kustomize's order: patchesStrategicMerge, patches, and after names and labels patchesJson6902."""
        for word in self.words("patchesStrategicMerge"):
            inline = "\n" in word or "{" in word
            yield Patch(None if inline else self.resolve(word), word if inline else None, {}, "strategic", False)
        for field in ("patches", "patchesJson6902"):
            for item in self.mappings(field):
                path, inline_text = item.get("path"), item.get("patch")
                options = mapping(item.get("options"))
                yield Patch(
                    self.resolve(path) if isinstance(path, Word) else None,
                    inline_text if isinstance(inline_text, Word) else None,
                    mapping(item.get("target")),
                    field,
                    "true" in {text(options.get("allowNameChange")), text(options.get("allowKindChange"))},
                )

    def images(self) -> Iterator[ImageEntry]:
        for item in self.mappings("images", "imageTags"):
            name = item.get("name")
            if isinstance(name, Word) and name:
                yield ImageEntry(
                    name, *(_filled(item.get(key)) for key in ("newName", "newTag", "digest", "tagSuffix"))
                )

    def generated(self) -> Iterator[Inclusion]:
        for item in self.mappings("configMapGenerator", "secretGenerator"):
            for word in (*sequence(item.get("files")), *sequence(item.get("envs")), item.get("env")):
                if isinstance(word, Word):
                    yield self.resolve(word, word.partition("=")[2] or str(word))

    def values(self) -> Iterator[Inclusion]:
        for item in self.mappings("helmCharts", "helmChartInflationGenerator"):
            for word in (item.get("valuesFile"), item.get("values"), *sequence(item.get("additionalValuesFiles"))):
                if isinstance(word, Word) and "\n" not in word:
                    yield self.resolve(word)

    def paths(self) -> Iterator[Inclusion]:
        for item in (*self.mappings("replacements"), mapping(self.fields.get("openapi"))):
            word = item.get("path")
            if isinstance(word, Word):
                yield self.resolve(word)

    def charts(self) -> Iterator[str]:
        home = text(mapping(self.fields.get("helmGlobals")).get("chartHome")) or "charts"
        for item in self.mappings("helmCharts"):
            folder = posixpath.normpath(posixpath.join(self.folder, home, text(item.get("name"))))
            if text(item.get("name")) and not folder.startswith(".."):
                yield folder

    def unfollowed(self) -> Iterator[Problem]:
        for field in ("transformers", "helmCharts", "helmChartInflationGenerator", "generators", "vars"):
            if sequence(self.fields.get(field)):
                yield self.problem(field, f"`{field}` may change images and is not followed")
        for item in self.mappings("replacements"):
            if "image" in repr(item) or "path" in item:
                yield self.problem("replacements", "`replacements` may change images and is not followed")
                return

    def problem(self, field: str, reason: str) -> Problem:
        word = next(_words(self.fields.get(field)), None)
        return Problem(word.at if word is not None else Position(self.path, 1, 1), reason)


def _filled(value: Value) -> Word | None:
    return value if isinstance(value, Word) and value else None


def _words(value: Value) -> Iterator[Word]:
    if isinstance(value, Word):
        yield value
    for item in value.values() if isinstance(value, dict) else sequence(value):
        yield from _words(item)
