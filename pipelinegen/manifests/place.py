"""A place: where a manifest says which version of an image repository runs, and the scalars that say it."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from pipelinegen.manifests.spans import Mapping, Scalar


class Whole(NamedTuple):
    """One scalar holds the whole reference; the version is written from index `start` of its value on."""

    scalar: Scalar
    start: int


class Split(NamedTuple):
    """Tag and digest are scalars of their own, beside the repository (Helm values, Argo CD parameters).

    beside: the mapping in which a reader finds repository and version together, where there is one.
    """

    tag: Scalar | None
    digest: Scalar | None
    beside: Mapping | None = None


class Entry(NamedTuple):
    """An entry of kustomize's `images:`; `name` is the last of its names."""

    mapping: Mapping
    name: Scalar


class Span(NamedTuple):
    """A stretch of a text that is not YAML: the version stands from `start` to `end` (may be empty)."""

    start: int
    end: int


Form: TypeAlias = Whole | Split | Entry | Span


class Place(NamedTuple):
    """A located image reference.

    kind: the word of the JSON output.  repository: normalised.  written: the name as the file has it.
    tag, digest: the present ones.  at: the offset that is reported as line and column.  shared: other repositories
    whose version is the same scalar, by its anchor.
    """

    kind: str
    repository: str
    written: str
    tag: str | None
    digest: str | None
    form: Form
    at: int
    shared: tuple[str, ...] = ()


class LeftAlone(NamedTuple):
    """An occurrence of the name that is not changed, and why. `warn` where a person would not expect it."""

    at: int
    reason: str
    warn: bool = False


Found: TypeAlias = Place | LeftAlone
