"""Which values are put together: what an Argo CD Application, a Flux HelmRelease or a helmfile names."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Mapping, Node, Scalar
from pipelinegen.manifests.spans import Sequence as NodeSequence
from pipelinegen.manifests.values_files import Values, values_in

_TEMPLATED = re.compile(r"\{\{.*?\}\}")

# What the variables of an ApplicationSet stand for in one of the paths that a pattern matches.
Binding: TypeAlias = frozenset[tuple[str, str]]


class Link(NamedTuple):
    """What one object puts together: files (`{{ }}` in a path stands for anything), values inside it, ConfigMaps."""

    files: tuple[str, ...]
    inline: tuple[Values, ...] = ()
    config_maps: tuple[str, ...] = ()


def links_in(source: Source) -> Iterator[Link]:
    """The objects of a source that name values together."""
    inside: dict[Node, list[Values]] = {}
    for values in values_in(source):
        for holder in (values.root, *values.root.ancestors()):
            inside.setdefault(holder, []).append(values)
    helmfile = is_helmfile(source.path)
    for document in source.documents:
        for node in _mappings(document):
            helm, spec = node.get("helm"), node.get("spec")
            if isinstance(helm, Mapping) and isinstance(helm.get("valueFiles"), NodeSequence):
                yield Link(_argocd_files(node, helm), tuple(inside.get(helm, ())))
            elif isinstance(spec, Mapping) and node.text("kind") == "HelmRelease":
                names = _texts(spec.get("valuesFrom"), "name", kind="ConfigMap")
                yield Link(_flux_files(spec), tuple(inside.get(spec, ())), tuple(names))
            elif helmfile and isinstance(node.get("releases"), NodeSequence):
                yield from (Link(files) for files in _helmfile_files(source.path, node))


def is_helmfile(path: str) -> bool:
    """https://helmfile.readthedocs.io : `helmfile.yaml`, or the files of `helmfile.d`."""
    folder, _, name = path.rpartition("/")
    return name.startswith("helmfile") or posixpath.basename(folder) == "helmfile.d"


def _argocd_files(source: Mapping, helm: Mapping) -> tuple[str, ...]:
    """https://argo-cd.readthedocs.io/en/stable/user-guide/helm/ : relative to `path`, `$ref/` and `/` to the root."""
    chart = source.text("path") or ""
    files = [posixpath.join(chart, "values.yaml")]
    for entry in _texts(helm.get("valueFiles")):
        if entry.startswith(("$", "/")):
            files.append(entry.partition("/")[2])
        elif "://" not in entry:
            files.append(posixpath.join(chart, entry))
    return tuple(files)


def _flux_files(spec: Mapping) -> tuple[str, ...]:
    """https://fluxcd.io/flux/components/helm/helmreleases/ : `valuesFiles` are relative to the source's root."""
    chart = spec.get("chart")
    chart_spec = chart.get("spec") if isinstance(chart, Mapping) else None
    if not isinstance(chart_spec, Mapping):
        return ()
    name = chart_spec.text("chart") or ""
    own = [posixpath.join(name, "values.yaml")] if name.startswith((".", "/")) or "/" in name else []
    return (*own, *_texts(chart_spec.get("valuesFiles")))


def _helmfile_files(path: str, node: Mapping) -> Iterator[tuple[str, ...]]:
    folder = path.rpartition("/")[0]
    releases = node.get("releases")
    for release in releases.items if isinstance(releases, NodeSequence) else ():
        if isinstance(release, Mapping):
            chart = release.text("chart") or ""
            own = [posixpath.join(chart, "values.yaml")] if chart.startswith(".") else []
            yield tuple(posixpath.join(folder, file) for file in (*own, *_texts(release.get("values"))))


def generated(path: str, document: Mapping, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name, file) of the ConfigMaps of these names that a kustomization generates from files."""
    generators = document.get("configMapGenerator")
    for generator in generators.items if isinstance(generators, NodeSequence) else ():
        name = generator.text("name") if isinstance(generator, Mapping) else None
        if isinstance(generator, Mapping) and name is not None and name in names:
            for entry in _texts(generator.get("files")):
                yield name, posixpath.normpath(posixpath.join(path.rpartition("/")[0], entry.rpartition("=")[2]))


class Pattern:
    """A path in which `{{ }}` may stand for something; each file that it matches binds its variables."""

    def __init__(self, path: str) -> None:
        self.path = posixpath.normpath(path).lstrip("/")
        words = _TEMPLATED.findall(self.path)
        # A `..` must not take away what stands for several folders.
        self.usable = len(words) == len(_TEMPLATED.findall(path))
        self._names = list(dict.fromkeys(map(_variable, words)))
        self._prefix = self.path.partition("{{")[0]
        self._regex = re.compile(self._expression(words)) if words else None

    def _expression(self, words: Sequence[str]) -> str:
        parts, at, seen = [], 0, set()
        for word in words:
            start = self.path.index(word, at)
            name = _variable(word)
            group = f"v{self._names.index(name)}"
            folders = name == "path" or len(self._names) == 1
            parts += [
                re.escape(self.path[at:start]),
                f"(?P={group})" if name in seen else f"(?P<{group}>{'.' if folders else '[^/]'}+)",
            ]
            seen.add(name)
            at = start + len(word)
        return "".join([*parts, re.escape(self.path[at:])])

    def bind(self, path: str) -> Binding | None:
        """The variables for a path that matches, else None."""
        if not self.usable:
            return None
        if self._regex is None:
            return frozenset() if path == self.path else None
        match = self._regex.fullmatch(path)
        if match is None:
            return None
        values = dict(zip(self._names, match.groups(), strict=True))
        if "path" in values:  # other entries may know the same folder by its name only
            values["path.basename"] = posixpath.basename(values.pop("path"))
        return frozenset(values.items())

    def matches(self, paths: Sequence[str]) -> Iterator[tuple[str, Binding]]:
        """The files among all paths (sorted) that match."""
        for at in range(bisect_left(paths, self._prefix), len(paths)):
            path = paths[at]
            if not path.startswith(self._prefix):
                return
            binding = self.bind(path)
            if binding is not None:
                yield path, binding


def _variable(word: str) -> str:
    """`{{path}}`, `{{ .path.path }}` and their like, by one name."""
    name = word[2:-2].strip(" -.")
    return "path" if name == "path.path" else name


def _texts(node: Node | None, key: str | None = None, *, kind: str | None = None) -> list[str]:
    """The scalars of a sequence, or those under a key of its mappings (of one kind)."""
    items = node.items if isinstance(node, NodeSequence) else ()
    if key is None:
        return [item.value for item in items if isinstance(item, Scalar)]
    mappings = [item for item in items if isinstance(item, Mapping) and kind in (None, item.text("kind"))]
    return [text for item in mappings if (text := item.text(key))]


def _mappings(document: Node) -> Iterator[Mapping]:
    pending = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            yield node
            pending += [value for _, value in node.pairs]
        elif isinstance(node, NodeSequence):
            pending += node.items
