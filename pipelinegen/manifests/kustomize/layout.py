"""The kustomizations of a repository: which files each one reaches, and which ones include a file."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipelinegen.manifests.kustomize.kustomization import (
    NAMES,
    Kustomization,
    Problem,
    is_kustomization_name,
    read_kustomization,
)
from pipelinegen.manifests.kustomize.objects import Position, Value, documents
from pipelinegen.manifests.source import Refused, Source
from pipelinegen.manifests.sources import Sources, sources_of
from pipelinegen.manifests.spans import Unparsable
from pipelinegen.manifests.tree import Tree, Unreadable

MAX_CHAIN = 64

# A word of a kustomization as it may name a path: what YAML's marks and quotes leave between them.
_TOKEN = re.compile(rb"[^\s\"',\[\]{}]+")


class Closure(NamedTuple):
    """All that one kustomization reaches: for each path the kustomizations that lead to it, outermost first."""

    root: str
    files: dict[str, tuple[str, ...]]
    kustomizations: dict[str, tuple[str, ...]]
    remote: tuple[str, ...]
    problems: tuple[Problem, ...]


class Layout:
    """A tree whose files are parsed once; itself a tree, so that several questions can share the work."""

    def __init__(self, files: Tree | Sources) -> None:
        self.sources = sources_of(files)
        self.tree = self.sources.tree
        self._paths: Sequence[str] = ()
        self._listed = False
        self._kustomizations: dict[str, Kustomization | None] = {}
        self._documents: dict[str, list[Value] | Problem] = {}

    def paths(self) -> Sequence[str]:
        if not self._listed:
            self._paths, self._listed = self.tree.paths(), True
        return self._paths

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        return self.tree.search(groups)

    def read(self, path: str) -> bytes:
        return self.tree.read(path)

    def has(self, path: str) -> bool:
        paths = self.paths()
        at = bisect_left(paths, path)
        return at < len(paths) and paths[at] == path

    def below(self, folder: str) -> Iterator[str]:
        """The files in a folder, at any depth."""
        paths = self.paths()
        start = folder + "/"
        for at in range(bisect_left(paths, start), len(paths)):
            if not paths[at].startswith(start):
                return
            yield paths[at]

    def kustomization_of(self, folder: str) -> str | None:
        """The kustomization file of a folder, by kustomize's three names."""
        return next((path for path in (posixpath.join(folder, name) for name in NAMES) if self.has(path)), None)

    def kustomization(self, path: str) -> Kustomization | None:
        if path not in self._kustomizations:
            self._kustomizations[path] = _load(self, path) if self.has(path) else None
        return self._kustomizations[path]

    def documents(self, path: str) -> list[Value] | Problem:
        """The documents of a file, or why it cannot be read."""
        if path not in self._documents:
            self._documents[path] = _documents(self.sources, path)
        return self._documents[path]


def layout_of(files: Tree | Sources) -> Layout:
    """The layout of a tree; one that is made already, and files that are read already, are used again."""
    return files if isinstance(files, Layout) else Layout(files)


def load_kustomization(tree: Tree | Sources, path: str) -> Kustomization | None:
    """The kustomization in a file; None where there is no such file. One that cannot be read has problems only."""
    return layout_of(tree).kustomization(path)


def closure(tree: Tree | Sources, path: str) -> Closure:
    """All files and kustomizations that the kustomization at `path` reaches."""
    found = Closure(path, {}, {}, (), ())
    remote: list[str] = []
    problems: list[Problem] = []
    _walk(layout_of(tree), path, (), found, remote, problems)
    return found._replace(remote=tuple(remote), problems=tuple(problems))


def _walk(
    layout: Layout, path: str, chain: tuple[str, ...], found: Closure, remote: list[str], problems: list[Problem]
) -> None:
    kustomization = layout.kustomization(path)
    if kustomization is None or len(chain) > MAX_CHAIN:
        reason = (
            "there is no such kustomization" if kustomization is None else f"included over more than {MAX_CHAIN} steps"
        )
        problems.append(Problem(Position(path, 1, 1), reason))
        return
    found.kustomizations[path] = chain
    chain = (*chain, path)
    problems += kustomization.problems
    remote += kustomization.remote
    for inclusion in kustomization.inclusions:
        if inclusion.what == "file":
            found.files.setdefault(inclusion.path, chain)
        elif inclusion.what == "missing":
            problems.append(Problem(inclusion.entry.at, f"{inclusion.entry} is not in the repository"))
        elif inclusion.what == "kustomization" and inclusion.path in chain:
            problems.append(Problem(inclusion.entry.at, f"{inclusion.entry} includes this kustomization again"))
        elif inclusion.what == "kustomization" and inclusion.path not in found.kustomizations:
            _walk(layout, inclusion.path, chain, found, remote, problems)
    for chart in kustomization.charts:
        for file in layout.below(chart):
            found.files.setdefault(file, chain)


def includers(tree: Tree | Sources, paths: Sequence[str]) -> dict[str, list[str]]:
    """For each file the kustomizations that name it: for a kustomization those that include its folder.

    One search for all of them. A plain file that a kustomization above it names is not looked for further, since by
    kustomize's default none elsewhere may name it.
    """
    layout = layout_of(tree)
    found = {path: [] if is_kustomization_name(path) else _named_above(layout, path) for path in paths}
    sought = {}
    for path in paths:
        target = posixpath.dirname(path) if is_kustomization_name(path) else path
        if target and not found[path]:
            sought[target] = path
    words = sorted({posixpath.basename(target).encode() for target in sought})
    for hit in layout.search([words])[0] if words else ():
        for target in _targets(layout, hit) & sought.keys() if is_kustomization_name(hit) else ():
            path = sought[target]
            if hit != path and _reads(layout, hit, path):
                found[path].append(hit)
    return found


def _named_above(layout: Layout, path: str) -> list[str]:
    found, folder = [], posixpath.dirname(path)
    while True:
        above = layout.kustomization_of(folder)
        if above is not None and _reads(layout, above, path):
            found.append(above)
        if not folder:
            return found
        folder = posixpath.dirname(folder)


def _targets(layout: Layout, path: str) -> set[str]:
    """Where the words of a kustomization lead, be they paths or not: parsed is only one that leads to a path sought."""
    try:
        data = layout.read(path)
    except (KeyError, Unreadable):
        return set()
    folder = posixpath.dirname(path)
    words = (match[0].decode("utf-8", "replace") for match in _TOKEN.finditer(data))
    return {posixpath.normpath(posixpath.join(folder, word)) for word in words}


def _reads(layout: Layout, kustomization_path: str, path: str) -> bool:
    kustomization = layout.kustomization(kustomization_path)
    if kustomization is None:
        return False
    named = any(inclusion.path == path for inclusion in kustomization.inclusions)
    return named or any(path.startswith(chart + "/") for chart in kustomization.charts)


def _documents(sources: Sources, path: str) -> list[Value] | Problem:
    try:
        source = sources.source(path)
    except Refused as refused:
        return Problem(Position(path, refused.line, refused.column), refused.reason)
    except Unreadable as unreadable:
        return Problem(Position(path, 1, 1), unreadable.reason)
    except KeyError:
        return Problem(Position(path, 1, 1), "is not in the repository")
    if source.form not in {"yaml", "json"}:
        return Problem(Position(path, 1, 1), "a template, not YAML")
    try:
        return documents(source)
    except Unparsable as error:
        return Problem(_place(source, error.offset), error.reason)


def _place(source: Source, offset: int) -> Position:
    return Position(source.path, *source.place(offset))


def _load(layout: Layout, path: str) -> Kustomization:
    read = layout.documents(path)
    if isinstance(read, Problem):
        return Kustomization(path, problems=(read,))
    # kustomize reads the first document and leaves the others alone.
    fields = read[0] if read else None
    if not isinstance(fields, dict):
        reason = "an empty kustomization" if fields is None else "not a mapping, as a kustomization must be"
        return Kustomization(path, problems=(Problem(Position(path, 1, 1), reason),))
    return read_kustomization(path, fields, layout)
