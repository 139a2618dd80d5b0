"""YAML documents as plain values whose scalars remember where they are written and what they replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Alias, Mapping, Node, Scalar, Sequence, Unparsable, parse_yaml

Value: TypeAlias = "dict[str, Value] | list[Value] | Word | None"

# Aliases may name aliases: what they stand for is bounded after expansion, not as written.
MAX_VALUES = 200_000

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


class Position(NamedTuple):
    """Where something is written: line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Word(str):
    """A scalar: its text, where it is written, and the scalar that it replaced when kustomize put it there.

    `by` is the kustomization that did so, `how` the means, and `versioned` says whether tag or digest were set.
    """

    __slots__ = ("by", "how", "node", "source", "under", "versioned")

    source: Source
    node: Scalar
    under: Word | None
    by: str
    how: str
    versioned: bool

    @property
    def at(self) -> Position:
        return Position(self.source.path, *self.source.place(self.node.start))

    def layers(self) -> Iterator[Word]:
        """This word and those below it, outermost first."""
        word: Word | None = self
        while word is not None:
            yield word
            word = word.under


def write_word(node: Scalar, source: Source) -> Word:
    """A scalar as a file holds it."""
    word = Word(node.value)
    word.source, word.node = source, node
    word.under, word.by, word.how, word.versioned = None, "", "resource", True
    return word


def lay_over(word: Word, text: str, under: Word | None, by: str, how: str, *, versioned: bool = True) -> Word:
    """The text that a kustomization puts over a scalar, written where `word` is."""
    top = Word(text)
    top.source, top.node = word.source, word.node
    top.under, top.by, top.how, top.versioned = under, by, how, versioned
    return top


def documents(source: Source) -> list[Value]:
    """The documents of a file. Raises Unparsable for aliases without end."""
    return [_Reading(source).value(document) for document in source.documents]


def nested_documents(word: Word) -> list[Value]:
    """The documents written inside a scalar (an inline patch). Raises Unparsable."""
    start = word.node.start
    nodes = list(word.node.nested) or parse_yaml(str(word), lambda _: start)
    return [_Reading(word.source).value(node) for node in nodes]


class _Reading:
    """One document being read: its anchors, and how much it has grown to."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.anchors: dict[str, tuple[Value, int]] = {}
        self.size = 0

    def value(self, node: Node) -> Value:
        before = self.size
        self._grow(1, node)
        value: Value
        if isinstance(node, Alias):
            if node.name not in self.anchors:
                raise Unparsable(f"the alias *{node.name} has no anchor before it", node.start)
            value, size = self.anchors[node.name]
            self._grow(size, node)
        elif isinstance(node, Mapping):
            value = self._mapping(node)
        elif isinstance(node, Sequence):
            value = [self.value(item) for item in node.items]
        elif isinstance(node, Scalar):
            null = not node.style and node.tag is None and node.value in _NULLS
            value = None if null else write_word(node, self.source)
        else:
            raise Unparsable("neither a mapping, a sequence nor a scalar", node.start)
        if node.anchor is not None:
            self.anchors[node.anchor] = (value, self.size - before)
        return value

    def _mapping(self, node: Mapping) -> dict[str, Value]:
        found: dict[str, Value] = {}
        merged: list[Value] = []
        for key, item in node.pairs:
            name, value = self.value(key), self.value(item)
            if not isinstance(name, Word):
                continue
            if name == "<<" and isinstance(key, Scalar) and not key.style:
                merged += value if isinstance(value, list) else [value]
            else:
                found[str(name)] = value
        for below in merged:
            for inherited, inherited_value in mapping(below).items():
                found.setdefault(inherited, inherited_value)
        return found

    def _grow(self, by: int, node: Node) -> None:
        self.size += by
        if self.size > MAX_VALUES:
            raise Unparsable(f"more than {MAX_VALUES:,} values once its aliases are followed", node.start)


def mapping(value: Value) -> dict[str, Value]:
    """The value where it is a mapping, else an empty one: what is of the wrong type says nothing."""
    return value if isinstance(value, dict) else {}


def sequence(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def text(value: Value) -> str:
    return str(value) if isinstance(value, Word) else ""
