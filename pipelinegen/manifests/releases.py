"""Which Helm releases an edit concerns, as Applications, HelmReleases, helmfiles and the charts' folders tell it."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipelinegen.manifests.kustomize.kustomization import Problem
from pipelinegen.manifests.kustomize.layout import Layout, layout_of
from pipelinegen.manifests.kustomize.objects import Value, Word, mapping, sequence, text
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree

# One chart may have a release in each of many clusters; to show the effect on some of them is enough.
MAX_CANDIDATES = 500
_KINDS = (b"Application", b"HelmRelease")


class Release(NamedTuple):
    """One use of a chart. named_in: the file that says so (the chart's own for a chart that nothing names).

    values: files and texts of values, weakest first.  sets: `NAME=VALUE` that override them.  partial: what else it has
    that is not known here.
    """

    named_in: str
    name: str
    namespace: str
    chart: str
    values: tuple[str | bytes, ...] = ()
    sets: tuple[str, ...] = ()
    partial: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(item for item in self.values if isinstance(item, str))


def chart_of(tree: Tree | Sources, path: str) -> str | None:
    """The folder of the chart that a file belongs to, the outermost one where charts hold charts."""
    layout = layout_of(tree)
    found, folder = None, posixpath.dirname(path)
    while folder:
        found = folder if layout.has(f"{folder}/Chart.yaml") else found
        folder = posixpath.dirname(folder)
    return found


class Releases(NamedTuple):
    """Releases, and sentences about those that cannot be rendered from the repository alone."""

    releases: tuple[Release, ...]
    notes: tuple[str, ...]


def find_releases(tree: Tree | Sources, edited: Sequence[str]) -> Releases:
    """The releases that one of the edited files concerns."""
    layout = layout_of(tree)
    charts = {path: chart for path in edited if (chart := chart_of(layout, path)) is not None}
    touched = set(edited)
    found: dict[Release, None] = {}
    notes: list[str] = []
    for path in _candidates(layout, edited, charts):
        for release in _named_in(layout, path):
            files = {path, *release.files}
            if not files & touched and release.chart not in charts.values():
                continue
            if layout.has(f"{release.chart}/Chart.yaml"):
                found[release] = None
            elif path in touched or release.values:
                notes.append(f"{path} ({release.name}) is not rendered: its chart is not in the repository")
    named = {release.chart for release in found}
    for path, chart in charts.items():
        if chart not in named:
            beside = path.endswith((".yaml", ".yml")) and posixpath.dirname(path) == chart
            own = posixpath.basename(path) in {"values.yaml", "Chart.yaml"}
            values = (path,) if beside and not own else ()
            found[Release(f"{chart}/Chart.yaml", posixpath.basename(chart), "", chart, values)] = None
    notes += [f"{release.named_in} ({release.name}): {release.partial}" for release in found if release.partial]
    return Releases(tuple(found), tuple(dict.fromkeys(notes)))


def _candidates(layout: Layout, edited: Sequence[str], charts: dict[str, str]) -> list[str]:
    words = {posixpath.basename(path) for path in edited} | {posixpath.basename(chart) for chart in charts.values()}
    hits = layout.search([[word.encode() for word in sorted(words)]])[0] if words else ()
    found = []
    for path in dict.fromkeys((*edited, *hits)):
        helmfile = posixpath.basename(path).startswith("helmfile")
        if path.endswith((".yaml", ".yml")) and layout.has(path):
            data = layout.read(path)
            if helmfile or any(kind in data for kind in _KINDS):
                found.append(path)
    return found[:MAX_CANDIDATES]


def _named_in(layout: Layout, path: str) -> Iterator[Release]:
    read = layout.documents(path)
    for document in () if isinstance(read, Problem) else read:
        fields = mapping(document)
        kind = text(fields.get("kind"))
        if kind == "Application":
            releases = _of_application(layout, path, fields)
        elif kind == "HelmRelease":
            releases = _of_helm_release(path, fields)
        elif posixpath.basename(path).startswith("helmfile"):
            releases = _of_helmfile(path, fields)
        else:
            continue
        yield from releases


def _of_application(layout: Layout, path: str, fields: dict[str, Value]) -> Iterator[Release]:
    """https://argo-cd.readthedocs.io/en/stable/user-guide/helm/ : valueFiles < values < valuesObject < parameters."""
    spec = mapping(fields.get("spec"))
    namespace = text(mapping(spec.get("destination")).get("namespace"))
    name = text(mapping(fields.get("metadata")).get("name"))
    for item in (spec.get("source"), *sequence(spec.get("sources"))):
        source = mapping(item)
        chart, helm = _inside(text(source.get("path"))) or "", mapping(source.get("helm"))
        if not helm and not source.get("chart") and not layout.has(f"{chart}/Chart.yaml"):
            continue
        values: list[str | bytes] = []
        for word in sequence(helm.get("valueFiles")):
            entry = text(word)
            file = entry.partition("/")[2] if entry.startswith("$") else entry
            beside = file if entry.startswith(("$", "/")) else posixpath.join(chart, file)
            values += [inside] if (inside := _inside(beside.lstrip("/"))) is not None else []
        values += _inline(helm.get("values")) + _inline(helm.get("valuesObject"))
        sets = tuple(
            f"{text(parameter.get('name'))}={_escaped(text(parameter.get('value')))}"
            for parameter in map(mapping, sequence(helm.get("parameters")))
        )
        yield Release(path, text(helm.get("releaseName")) or name, namespace, chart, tuple(values), sets)


def _of_helm_release(path: str, fields: dict[str, Value]) -> Iterator[Release]:
    """https://fluxcd.io/flux/components/helm/helmreleases/ : a chart by its path in a GitRepository."""
    spec, metadata = mapping(fields.get("spec")), mapping(fields.get("metadata"))
    chart_spec = mapping(mapping(spec.get("chart")).get("spec"))
    chart = _inside(text(chart_spec.get("chart")))
    local = text(mapping(chart_spec.get("sourceRef")).get("kind")) in {"GitRepository", ""}
    files = [_inside(text(word)) for word in sequence(chart_spec.get("valuesFiles"))]
    values = [*(file for file in files if file is not None), *_inline(spec.get("values"))]
    namespace = text(spec.get("targetNamespace")) or text(metadata.get("namespace"))
    name = text(spec.get("releaseName")) or text(metadata.get("name"))
    partial = "rendered without its `valuesFrom`" if sequence(spec.get("valuesFrom")) else ""
    yield Release(path, name, namespace, (local and chart) or "", tuple(values), (), partial)


def _of_helmfile(path: str, fields: dict[str, Value]) -> Iterator[Release]:
    """https://helmfile.readthedocs.io/ : charts and values by their paths beside the helmfile."""
    folder = posixpath.dirname(path)
    for item in map(mapping, sequence(fields.get("releases"))):
        chart = text(item.get("chart"))
        inside = _inside(posixpath.join(folder, chart)) if chart.startswith(".") else None
        values: list[str | bytes] = []
        for entry in sequence(item.get("values")):
            file = _inside(posixpath.join(folder, entry)) if isinstance(entry, Word) else None
            values += [file] if file is not None else _inline(entry if isinstance(entry, dict) else None)
        yield Release(path, text(item.get("name")), text(item.get("namespace")), inside or "", tuple(values))


def _inside(path: str) -> str | None:
    """A path of the repository, None for none and for one outside of it."""
    normal = posixpath.normpath(path) if path else ".."
    return None if normal.startswith(("..", "/")) or normal == "." else normal


def _inline(value: Value) -> list[str | bytes]:
    if isinstance(value, Word):
        return [value.encode()] if value.strip() else []
    return [json.dumps(_typed(value)).encode()] if isinstance(value, dict) and value else []


def _typed(value: Value) -> object:
    """The value as JSON has it: what YAML reads as a number or truth value stays one."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if value is None or value.node.style:
        return None if value is None else str(value)
    try:
        plain = json.loads(value)
    except ValueError:
        return str(value)
    return plain if isinstance(plain, (bool, int)) else str(value)


def _escaped(value: str) -> str:
    """A value for `--set`, in which a comma, braces and a backslash have meanings."""
    return "".join(f"\\{char}" if char in "\\,{}[]" else char for char in value)
