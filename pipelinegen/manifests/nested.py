"""Block scalars that hold documents of their own (Helm values, patches): their nodes, with the file's offsets."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from pipelinegen.manifests.spans import Mapping, Node, Scalar, Sequence, Unparsable, parse_yaml, scalars

_VALUES_KEY = re.compile(r"(?:.*[-_.])?values(?:[-_.].*)?\.ya?ml", re.IGNORECASE)
MAX_NESTED = 8
_PATCH_LISTS = {"patches", "patchesJson6902"}


class Problem(NamedTuple):
    """A nested document that cannot be parsed: its holder, the reason and where, in the file's offsets."""

    holder: Scalar
    reason: str
    offset: int


def open_nested(text: str, documents: list[Node]) -> list[Problem]:
    """Attach to each block scalar that holds a document its nodes; what cannot be parsed is returned."""
    problems = []
    for document in documents:
        for scalar in scalars(document):
            if scalar.style == "|" and holds_document(scalar):
                problem = _open(text, scalar)
                if problem is not None:
                    problems.append(problem)
    return problems


def holds_document(scalar: Scalar) -> bool:
    """Argo CD's `helm.values`, a ConfigMap's `values.yaml`, and inline kustomize patches (Flux's and Argo CD's too)."""
    parent, key = scalar.parent, scalar.key_text()
    if isinstance(parent, Sequence):
        return parent.key_text() == "patchesStrategicMerge"
    if not isinstance(parent, Mapping) or key is None:
        return False
    if key == "values":
        return parent.key_text() == "helm"
    if key == "patch":
        return isinstance(parent.parent, Sequence) and parent.parent.key_text() in _PATCH_LISTS
    holder = parent.parent
    in_data = parent.key_text() == "data" and isinstance(holder, Mapping) and holder.text("kind") == "ConfigMap"
    return in_data and _VALUES_KEY.fullmatch(key) is not None


class Dedented(NamedTuple):
    """The text of a literal block scalar without its indentation, and where each of its lines begins in the file."""

    text: str
    starts: list[int]
    outer: list[int]

    def offset(self, inner: int) -> int:
        line = bisect_right(self.starts, inner) - 1
        return self.outer[line] + inner - self.starts[line]


def dedent(text: str, scalar: Scalar) -> Dedented | None:
    """The block's own text; None when it is not line for line what the YAML reader made of it."""
    content = text.find("\n", scalar.start) + 1
    if not content or content > scalar.end:
        return None
    lines = text[content : scalar.end].splitlines(keepends=True)
    indent = _indent(lines, scalar.value)
    parts, starts, outer = [], [], []
    inner, at = 0, content
    for line in lines:
        body = line.rstrip("\r\n")
        cut = min(indent, len(body))
        starts.append(inner)
        outer.append(at + cut)
        parts.append(line[cut:])
        inner += len(line) - cut
        at += len(line)
    own = "".join(parts)
    if own.replace("\r\n", "\n").rstrip(" \n") != scalar.value.rstrip(" \n"):
        return None
    return Dedented(own, starts or [0], outer or [content])


def _indent(lines: list[str], value: str) -> int:
    for line, wanted in zip(lines, value.split("\n"), strict=False):
        if line.strip():
            return (len(line) - len(line.lstrip(" "))) - (len(wanted) - len(wanted.lstrip(" ")))
    return 0


def _depth(scalar: Scalar) -> int:
    depth, holder = 0, scalar.root().parent
    while holder is not None:
        depth, holder = depth + 1, holder.root().parent
    return depth


def _open(text: str, scalar: Scalar) -> Problem | None:
    if _depth(scalar) >= MAX_NESTED:  # each level is parsed again for the one around it
        return Problem(scalar, f"documents in documents, more than {MAX_NESTED} deep", scalar.start)
    block = dedent(text, scalar)
    if block is None:
        return Problem(scalar, "a block scalar whose lines cannot be told apart", scalar.start)
    try:
        documents = parse_yaml(block.text, block.offset)
    except Unparsable as error:
        return Problem(scalar, error.reason, block.offset(min(error.offset, len(block.text))))
    for document in documents:
        document.parent = scalar
    scalar.nested = tuple(documents)
    return None
