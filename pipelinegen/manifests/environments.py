"""Which file decides an environment's image: the environments an edit reaches, edits that a closer place makes void,
and images that only a base shared with other environments names.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pipelinegen.images.reference import normalise
from pipelinegen.manifests.kustomize.effective import Effective, Layer, effective, repository_of
from pipelinegen.manifests.kustomize.kustomization import is_kustomization_name
from pipelinegen.manifests.kustomize.layout import Layout, includers, layout_of
from pipelinegen.manifests.kustomize.selecting import names_image, split_image
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree


class EditedReference(NamedTuple):
    """A file in which a plan sets the version of an image."""

    file: str
    repository: str
    tag: str | None = None
    digest: str | None = None


class Void(NamedTuple):
    """An edit that does not change what a kustomization gives, because `decider` has the last word."""

    edit: EditedReference
    kustomization: str
    object: str
    field: str
    final: str
    decider: Layer

    def __str__(self) -> str:
        means = {"images": "an `images:` entry", "patch": "a patch"}.get(self.decider.how, "the resource")
        return (
            f"{self.edit.file}: the edit has no effect on {self.kustomization}: {means} at {self.decider.at} "
            f"sets {self.object} {self.field} to {self.final}"
        )


class OverlayNeed(NamedTuple):
    """An image that a selected kustomization gets only from files that it shares or that are not selected.

    written_name: the name under which an `images:` entry of the kustomization finds it.
    """

    kustomization: str
    written_name: str
    bases: tuple[str, ...]
    shared_with: tuple[str, ...]


class OutOfReach(NamedTuple):
    """A field that names the image and that no `images:` entry of the kustomization may change, and why."""

    kustomization: str
    object: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kustomization}: {self.object} {self.field}: {self.reason}"


class OverlayNeeds(NamedTuple):
    """What `--set-in-overlay` has to add, and what it cannot."""

    entries: tuple[OverlayNeed, ...]
    out_of_reach: tuple[OutOfReach, ...]


def environment_name(kustomization: str, configured: Callable[[str], str | None] = lambda _: None) -> str:
    """The environment of a kustomization: the configuration's name for its path, else the name of its folder."""
    return configured(kustomization) or posixpath.basename(posixpath.dirname(kustomization)) or "."


def reach(
    tree: Tree | Sources, edited_files: Sequence[str], roots: Iterable[str] | None = None
) -> dict[str, list[str]]:
    """For each edited file the root kustomizations that it reaches, sorted.

    A root is one of `roots`; when none are given, a kustomization that no other one includes.
    """
    layout = layout_of(tree)
    above = _above(layout, edited_files)
    wanted = None if roots is None else set(roots)
    return {path: sorted(_roots(layout, path, above, wanted)) for path in edited_files}


def _above(layout: Layout, files: Sequence[str]) -> dict[str, list[str]]:
    """Every kustomization on a way up from the files, with those that name it; one search a step."""
    above: dict[str, list[str]] = {}
    pending = sorted(set(files))
    while pending:
        found = includers(layout, pending)
        above |= found
        pending = sorted({path for paths in found.values() for path in paths} - above.keys())
    return above


def _climb(path: str, above: Mapping[str, list[str]]) -> Iterator[str]:
    """The path itself and everything above it, once each."""
    seen, pending = {path}, [path]
    while pending:
        path = pending.pop()
        yield path
        for higher in above.get(path, ()):
            if higher not in seen:
                seen.add(higher)
                pending.append(higher)


def _roots(layout: Layout, path: str, above: Mapping[str, list[str]], wanted: set[str] | None) -> set[str]:
    found = {higher for higher in _climb(path, above) if is_kustomization_name(higher)}
    if wanted is not None:
        return found & wanted
    return {top for top in found if not above.get(top) and _builds(layout, top)}


def _builds(layout: Layout, path: str) -> bool:
    """Whether a kustomization gives objects by itself: a component does not."""
    kustomization = layout.kustomization(path)
    return kustomization is not None and kustomization.kind == "Kustomization"


def void_edits(tree: Tree | Sources, edits: Sequence[EditedReference], kustomizations: Sequence[str]) -> list[Void]:
    """The edits that have no effect on one of the kustomizations; only they and what they include is read."""
    layout = layout_of(tree)
    by_repository: dict[str, dict[str, EditedReference]] = {}
    for edit in edits:
        by_repository.setdefault(normalise(edit.repository) or edit.repository, {})[edit.file] = edit
    found: dict[tuple[object, ...], Void] = {}
    for path in kustomizations:
        for repository, files in by_repository.items():
            for reference in effective(layout, path, repository).references:
                void = _void(reference, path, repository, files)
                if void is not None:
                    found.setdefault((void.edit, path, void.decider.at), void)
    return list(found.values())


def _void(
    reference: Effective, kustomization: str, repository: str, files: Mapping[str, EditedReference]
) -> Void | None:
    decider = reference.decider
    edited = [
        files[layer.at.file]
        for layer in reference.layers
        if layer.versioned and layer.at.file in files and repository_of(layer.text) == repository
    ]
    if not edited or (decider.at.file in files and repository_of(decider.text) == repository):
        return None
    edit = edited[-1]
    _, tag, digest = split_image(reference.final)
    if repository_of(reference.final) == repository and (tag, digest) == (edit.tag or "", edit.digest or ""):
        return None
    return Void(edit, kustomization, reference.object, reference.field, reference.final, decider)


def needs_overlay_entry(
    tree: Tree | Sources,
    repository: str,
    hits: Sequence[str],
    selected_kustomizations: Sequence[str],
    selected: Callable[[str], bool],
) -> OverlayNeeds:
    """Where an image is named only by files that are not selected, or that environments share which are not selected.

    hits: the files that name the image, selected or not. Only kustomizations that reach one of them are read.
    """
    layout = layout_of(tree)
    above = _above(layout, hits)
    wanted = normalise(repository) or repository
    entries: list[OverlayNeed] = []
    out_of_reach: list[OutOfReach] = []
    for path in _outermost(set(selected_kustomizations), hits, above):
        needs: dict[str, OverlayNeed] = {}
        for reference in effective(layout, path, repository).references:
            file = reference.decider.at.file
            others = {root for root in _roots(layout, file, above, None) if not selected(root) and root != path}
            if repository_of(reference.final) != wanted or (selected(file) and not others):
                continue
            if reference.transformable:
                name = split_image(reference.final)[0]
                need = needs.setdefault(name, OverlayNeed(path, name, (), ()))
                bases, shared = {*need.bases, file}, {*need.shared_with, *others}
                needs[name] = need._replace(bases=tuple(sorted(bases)), shared_with=tuple(sorted(shared)))
            else:
                reason = "not the image of a container, which is all that an `images:` entry changes"
                out_of_reach.append(OutOfReach(path, reference.object, reference.field, reason))
        strangers = _strangers(layout, path, needs, wanted)
        entries += [need for name, need in needs.items() if name not in strangers]
        out_of_reach += strangers.values()
    return OverlayNeeds(tuple(entries), tuple(out_of_reach))


def _strangers(layout: Layout, path: str, names: Iterable[str], wanted: str) -> dict[str, OutOfReach]:
    """For each name a reference to another image that an entry would change too: its dots stand for any character."""
    found: dict[str, OutOfReach] = {}
    for reference in effective(layout, path).references if names else ():
        for name in names:
            if repository_of(reference.final) != wanted and names_image(name, reference.final):
                reason = f"an `images:` entry for {name} would change {reference.final} here"
                found.setdefault(name, OutOfReach(path, reference.object, reference.field, reason))
    return found


def _outermost(selected: set[str], hits: Sequence[str], above: Mapping[str, list[str]]) -> list[str]:
    """The selected kustomizations that reach a hit and that no other selected one includes."""
    reached = {path for hit in hits for path in _climb(hit, above)} & selected
    return sorted(path for path in reached if not (set(_climb(path, above)) - {path}) & selected)
