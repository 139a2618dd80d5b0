"""What has to be rendered to show an edit's effect, and the files that this takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipelinegen.manifests.environments import reach
from pipelinegen.manifests.kustomize.kustomization import REMOTE
from pipelinegen.manifests.kustomize.layout import Closure, Layout, closure, layout_of
from pipelinegen.manifests.releases import Release, find_releases
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree

MAX_ROOTS = 20


class Renderings(NamedTuple):
    """The kustomizations and releases to render, the files for it, and sentences about what is left out."""

    roots: tuple[str, ...]
    releases: tuple[Release, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]


class Replaced:
    """A tree in which some files have other bytes."""

    def __init__(self, tree: Tree, replacements: Mapping[str, bytes]) -> None:
        self.tree = tree
        self.replacements = replacements

    def paths(self) -> Sequence[str]:
        return self.tree.paths()

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        found = []
        for words, hits in zip(groups, self.tree.search(groups), strict=True):
            kept = {path for path in hits if path not in self.replacements}
            new = {path for path, data in self.replacements.items() if any(word in data for word in words)}
            found.append(sorted(kept | new))
        return found

    def read(self, path: str) -> bytes:
        return self.replacements[path] if path in self.replacements else self.tree.read(path)


def renderings(tree: Tree | Sources, edited: Sequence[str], roots: Sequence[str] | None = None) -> Renderings:
    """What the edited files change. roots: the kustomizations to show; those that the edits reach when None."""
    layout = layout_of(tree)
    if roots is None:
        roots = sorted({root for found in reach(layout, edited).values() for root in found})
    notes = [f"{len(roots) - MAX_ROOTS} more kustomizations are not rendered"] if len(roots) > MAX_ROOTS else []
    rendered: list[str] = []
    files: set[str] = set()
    for root in roots[:MAX_ROOTS]:
        found = closure(layout, root)
        hindrance = _hindrance(layout, found)
        if hindrance:
            notes.append(f"{root} is not rendered: {hindrance}")
            continue
        rendered.append(root)
        files |= {*found.files, *found.kustomizations}
    releases, hindrances = find_releases(layout, edited)
    notes += [
        *hindrances,
        *([f"{len(releases) - MAX_ROOTS} more releases are not rendered"] if len(releases) > MAX_ROOTS else []),
    ]
    releases = releases[:MAX_ROOTS]
    for release in releases:
        files |= {*layout.below(release.chart), *(file for file in release.files if layout.has(file))}
    return Renderings(tuple(rendered), releases, tuple(sorted(files)), tuple(notes))


def _hindrance(layout: Layout, found: Closure) -> str | None:
    """Why a kustomization cannot be rendered from the files of this repository alone."""
    for path in found.kustomizations:
        kustomization = layout.kustomization(path)
        for inclusion in kustomization.inclusions if kustomization is not None else ():
            # kustomize asks whether an entry is an address before it looks for a folder of that name.
            if inclusion.what == "remote" or REMOTE.match(inclusion.entry):
                return f"{inclusion.entry.at} names {inclusion.entry}, which would be fetched from elsewhere"
    return str(found.problems[0]) if found.problems else None
