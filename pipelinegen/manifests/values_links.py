"""Which values are put together: by a folder, an Argo CD Application, a Flux HelmRelease or a helmfile."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase

from pipelinegen.manifests.place import Found
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.spans import Mapping, Node, Scalar
from pipelinegen.manifests.spans import Sequence as NodeSequence
from pipelinegen.manifests.tree import Unreadable
from pipelinegen.manifests.values_files import Values, places_in_group, values_file, values_in

_TEMPLATED = re.compile(r"\{\{.*?\}\}")


def tag_only_places(
    sources: Sources, named: Sequence[Values], repositories: Collection[str], linking: Sequence[str]
) -> Iterator[tuple[Source, list[Found]]]:
    """The places in values that hold only a tag, by source.

    named: the values that name a repository.  linking: the files that may name values files together.
    """
    found: dict[str, tuple[Source, dict[int, Found]]] = {}
    for group in (*_folders(sources, named), *linked(sources, named, linking)):
        for values, item in places_in_group(group, repositories):
            found.setdefault(values.source.path, (values.source, {}))[1][item.at] = item
    for path in sorted(found):
        source, places = found[path]
        yield source, [places[at] for at in sorted(places)]


def _folders(sources: Sources, named: Sequence[Values]) -> Iterator[list[Values]]:
    """The values files beside each values file that names a repository."""
    folders: dict[str, list[Values]] = {}
    for values in named:
        if values.own_file:
            folders.setdefault(values.source.path.rpartition("/")[0], []).append(values)
    for folder, members in folders.items():
        inside = {values.source.path for values in members}
        siblings = [_sibling(sources, path) for path in _beside(sources.tree.paths(), folder) if path not in inside]
        yield members + [sibling for sibling in siblings if sibling is not None]


def _beside(paths: Sequence[str], folder: str) -> Iterator[str]:
    """The files of one folder, out of all paths, which are sorted."""
    prefix = f"{folder}/" if folder else ""
    for at in range(bisect_left(paths, prefix), len(paths)):
        path = paths[at]
        if not path.startswith(prefix):
            return
        if "/" not in path[len(prefix) :]:
            yield path


def _sibling(sources: Sources, path: str) -> Values | None:
    if not path.endswith((".yaml", ".yml")):
        return None
    try:
        data = sources.tree.read(path)
    except (KeyError, Unreadable):
        return None
    if (b"ag" not in data and b"igest" not in data) or b"\nkind:" in data or data.startswith(b"kind:"):
        return None
    return values_file(sources, path)


def linked(sources: Sources, named: Sequence[Values], linking: Sequence[str]) -> Iterator[list[Values]]:
    """For each object that names values files together: those values."""
    folders = {values.source.path.rpartition("/")[0].rpartition("/")[2].encode() for values in named}
    for path in linking:
        if not _may_link(sources, path, folders):
            continue
        source = sources.source_or_none(path)
        for document in source.documents if source else ():
            for node in _mappings(document):
                yield from _group(sources, path, node, values_in(source) if source else [])


def _may_link(sources: Sources, path: str, folders: set[bytes]) -> bool:
    """A cheap look at the bytes: a file that names no folder of a hit and no ConfigMap links nothing of interest."""
    if not path.endswith((".yaml", ".yml")):
        return False
    data = sources.tree.read(path)
    return b"valuesFrom" in data or b"{{" in data or any(folder in data for folder in folders)


def _group(sources: Sources, path: str, node: Mapping, inline: Sequence[Values]) -> Iterator[list[Values]]:
    helm = node.get("helm")
    if isinstance(helm, Mapping) and isinstance(helm.get("valueFiles"), NodeSequence):
        files = _argocd_files(node, helm)
        yield _members(sources, files, [values for values in inline if _inside(values.root, helm)])
    spec = node.get("spec")
    if node.text("kind") == "HelmRelease" and isinstance(spec, Mapping):
        own = [values for values in inline if _inside(values.root, spec)]
        members = _members(sources, _flux_files(spec), own)
        yield members + _config_maps(sources, _texts(spec.get("valuesFrom"), "name"))
    if path.rpartition("/")[2].startswith("helmfile") and isinstance(node.get("releases"), NodeSequence):
        for files in _helmfile_files(path, node):
            yield _members(sources, files, [])


def _argocd_files(source: Mapping, helm: Mapping) -> list[str]:
    """https://argo-cd.readthedocs.io/en/stable/user-guide/helm/ : relative to `path`, `$ref/` and `/` to the root."""
    chart = source.text("path") or ""
    files = [posixpath.join(chart, "values.yaml")]
    for entry in _texts(helm.get("valueFiles")):
        if entry.startswith("$"):
            files.append(entry.partition("/")[2])
        else:
            files.append(entry.lstrip("/") if entry.startswith("/") else posixpath.join(chart, entry))
    return files


def _flux_files(spec: Mapping) -> list[str]:
    """https://fluxcd.io/flux/components/helm/helmreleases/ : `valuesFiles` are relative to the source's root."""
    chart = spec.get("chart")
    chart_spec = chart.get("spec") if isinstance(chart, Mapping) else None
    if not isinstance(chart_spec, Mapping):
        return []
    files = _texts(chart_spec.get("valuesFiles"))
    name = chart_spec.text("chart") or ""
    return [posixpath.join(name, "values.yaml"), *files] if name.startswith((".", "/")) or "/" in name else files


def _helmfile_files(path: str, node: Mapping) -> Iterator[list[str]]:
    folder = path.rpartition("/")[0]
    releases = node.get("releases")
    for release in releases.items if isinstance(releases, NodeSequence) else ():
        if isinstance(release, Mapping):
            files = [posixpath.join(folder, file) for file in _texts(release.get("values"))]
            chart = release.text("chart") or ""
            local = chart.startswith(".")
            yield [posixpath.join(folder, chart, "values.yaml"), *files] if local else files


def _members(sources: Sources, files: Sequence[str], inline: list[Values]) -> list[Values]:
    members = list(inline)
    for file in dict.fromkeys(files):
        for path in _matching(sources, file):
            values = values_file(sources, path)
            if values is not None and values not in members:
                members.append(values)
    return members


def _matching(sources: Sources, file: str) -> list[str]:
    """The files that an entry names; a template in it (an ApplicationSet's parameter) may stand for anything."""
    path = posixpath.normpath(file).lstrip("/")
    if "{{" not in file:
        return [path]
    pattern = _TEMPLATED.sub("*", path)
    return [path for path in sources.tree.paths() if fnmatchcase(path, pattern)]


def _config_maps(sources: Sources, names: Sequence[str]) -> list[Values]:
    """The values in ConfigMaps of these names, written out or generated by a kustomization."""
    if not names:
        return []
    found: list[Values] = []
    for path in sources.tree.search(([name.encode() for name in names],))[0]:
        source = sources.source_or_none(path) if path.endswith((".yaml", ".yml")) else None
        for document in source.documents if source else ():
            if not isinstance(document, Mapping) or source is None:
                continue
            metadata = document.get("metadata")
            if (
                isinstance(metadata, Mapping)
                and document.text("kind") == "ConfigMap"
                and metadata.text("name") in names
            ):
                found += [values for values in values_in(source) if _inside(values.root, document)]
            files = _generated(path, document, names)
            found += [values for file in files if (values := values_file(sources, file)) is not None]
    return found


def _generated(path: str, document: Mapping, names: Sequence[str]) -> Iterator[str]:
    generators = document.get("configMapGenerator")
    for generator in generators.items if isinstance(generators, NodeSequence) else ():
        if isinstance(generator, Mapping) and generator.text("name") in names:
            for entry in _texts(generator.get("files")):
                yield posixpath.normpath(posixpath.join(path.rpartition("/")[0], entry.rpartition("=")[2]))


def _texts(node: Node | None, key: str | None = None) -> list[str]:
    """The scalars of a sequence, or those under a key of its mappings."""
    items = node.items if isinstance(node, NodeSequence) else ()
    if key is None:
        return [item.value for item in items if isinstance(item, Scalar)]
    return [text for item in items if isinstance(item, Mapping) and (text := item.text(key))]


def _inside(node: Node, outer: Node) -> bool:
    return node is outer or any(step is outer for step in node.ancestors())


def _mappings(document: Node) -> Iterator[Mapping]:
    pending = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            yield node
            pending += [value for _, value in node.pairs]
        elif isinstance(node, NodeSequence):
            pending += node.items
