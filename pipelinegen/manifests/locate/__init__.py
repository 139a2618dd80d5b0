"""Where the references are: one small locator for each place, asked in turn about each scalar that names an image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from pipelinegen.manifests.locate import argocd, helm_values, kustomize, scalar
from pipelinegen.manifests.place import Found, LeftAlone
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Mapping, Scalar, scalars


class Locator(Protocol):
    """What a module of this folder gives: places, reasons to leave the scalar alone, or nothing: not mine."""

    def locate(self, naming: Scalar, source: Source) -> list[Found]: ...


# The first that claims a scalar has it; the last claims every scalar.
LOCATORS: dict[str, Locator] = {
    "kustomize": kustomize,
    "argocd": argocd,
    "helm_values": helm_values,
    "scalar": scalar,
}


def locate(source: Source, names: re.Pattern[str]) -> Iterator[Found]:
    """All places of a source whose scalars match `names` (repository paths), in the order of the text."""
    if source.form == "text":
        from pipelinegen.manifests.locate.text import locate_text

        yield from locate_text(source, names)
    elif source.form == "template":
        from pipelinegen.manifests.locate.template import locate_template

        yield from locate_template(source, names)
    else:
        yield from _locate_nodes(source, names)


def _locate_nodes(source: Source, names: re.Pattern[str]) -> Iterator[Found]:
    for problem in source.problems:
        if names.search(problem.holder.value):
            yield LeftAlone(problem.offset, f"a nested document that cannot be parsed ({problem.reason})", warn=True)
    for document in source.documents:
        for node in scalars(document):
            if node.nested:
                continue
            if names.search(node.value) or helm_values.names_by_parts(node, source):
                yield from _ask(node, source)


def _ask(naming: Scalar, source: Source) -> list[Found]:
    if naming.key is None and isinstance(naming.parent, Mapping):
        return [LeftAlone(naming.start, "a key, not a value")]
    for locator in LOCATORS.values():
        found = locator.locate(naming, source)
        if found:
            return found
    return [LeftAlone(naming.start, "not a reference")]
