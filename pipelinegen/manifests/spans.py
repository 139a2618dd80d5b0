"""YAML and JSON as nodes that know where they stand in the text.

Offsets are code points of the decoded text without its BOM. The events come from PyYAML's C loader, whose marks were
checked on 552,239 scalars of real files; ruamel's C loader is older and refuses `{image: ghcr.io/acme/api:1.0.0}`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import yaml

MAX_DEPTH = 64
MAX_DOCUMENTS = 1_000
MAX_ALIASES = 100
MAX_EVENTS = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# An anchor or a tag, and the comments that may stand between it and the value on the next line.
_PROPERTIES = re.compile(r"(?:[&!]\S*(?:\s+|\Z)(?:#[^\n]*(?:\n\s*|\Z))*)*")

Offset: TypeAlias = Callable[[int], int]


class Unparsable(Exception):
    """A text that is not YAML (or JSON), or is beyond the limits. `offset` is where, in code points."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


class BeyondLimit(Unparsable):
    """A text that may be YAML (or JSON) and is too much of it: defences.md D8."""


class Node:
    """A scalar, mapping, sequence or alias; `key` is the key it stands under, or its index in a sequence."""

    __slots__ = ("anchor", "end", "key", "parent", "start", "tag")

    def __init__(self, start: int, end: int, tag: str | None = None, anchor: str | None = None) -> None:
        self.start = start
        self.end = end
        self.tag = tag
        self.anchor = anchor
        self.parent: Mapping | Sequence | Scalar | None = None
        self.key: Node | int | None = None

    def ancestors(self) -> Iterator[Node]:
        node: Node = self
        while node.parent is not None:
            node = node.parent
            yield node

    def root(self) -> Node:
        """The outermost node of the document that this node was written in (a nested document has its own root)."""
        node: Node = self
        while node.parent is not None and not isinstance(node.parent, Scalar):
            node = node.parent
        return node

    def key_text(self) -> str | None:
        """The key that the node stands under, when that is a scalar."""
        return self.key.value if isinstance(self.key, Scalar) else None

    def path(self) -> tuple[str | int, ...]:
        """Keys and indexes from the root down to this node; a nested document continues its holder's path."""
        steps: list[str | int] = []
        node: Node | None = self
        while node is not None:
            if isinstance(node.key, int):
                steps.append(node.key)
            elif isinstance(node.key, Scalar):
                steps.append(node.key.value)
            node = node.parent
        return tuple(reversed(steps))


class Scalar(Node):
    """A scalar: its value as YAML reads it, the style it is written in, and the documents it holds, if any."""

    __slots__ = ("json", "nested", "style", "value")

    def __init__(
        self, start: int, end: int, value: str, style: str | None, tag: str | None = None, anchor: str | None = None
    ) -> None:
        # Written out, not by super(): there is one for each scalar of each file that names the image.
        self.start = start
        self.end = end
        self.tag = tag
        self.anchor = anchor
        self.parent = None
        self.key = None
        self.value = value
        self.style = style
        self.nested: tuple[Node, ...] = ()
        self.json = False


class Mapping(Node):
    """A mapping, its pairs in the order of the file."""

    __slots__ = ("_index", "_repeated", "flow", "pairs")

    def __init__(self, start: int, tag: str | None, anchor: str | None, flow: bool) -> None:
        super().__init__(start, start, tag, anchor)
        self.flow = flow
        self.pairs: list[tuple[Node, Node]] = []
        self._index: dict[str, Node] | None = None
        self._repeated: frozenset[str] | None = None

    def get(self, key: str) -> Node | None:
        """The value under a key (the last one, as readers take it), or None."""
        if self._index is None:
            self._index = {name.value: value for name, value in self.pairs if isinstance(name, Scalar)}
        return self._index.get(key)

    def text(self, key: str) -> str | None:
        """The value under a key when it is a scalar, or None."""
        value = self.get(key)
        return value.value if isinstance(value, Scalar) else None

    def names(self) -> Iterator[str]:
        """The keys that are scalars."""
        return (name.value for name, _ in self.pairs if isinstance(name, Scalar))

    def repeats(self, key: str) -> bool:
        """Whether a key stands in the mapping more than once."""
        return key in self.repeated

    @property
    def repeated(self) -> frozenset[str]:
        """The keys that stand in the mapping more than once."""
        if self._repeated is None:
            counts = Counter(self.names())
            self._repeated = frozenset(key for key, count in counts.items() if count > 1)
        return self._repeated


class Sequence(Node):
    """A sequence of items."""

    __slots__ = ("flow", "items")

    def __init__(self, start: int, tag: str | None, anchor: str | None, flow: bool) -> None:
        super().__init__(start, start, tag, anchor)
        self.flow = flow
        self.items: list[Node] = []


class Alias(Node):
    """`*name`: what it stands for is changed at its anchor, once."""

    __slots__ = ("name",)

    def __init__(self, start: int, end: int, name: str) -> None:
        super().__init__(start, end)
        self.name = name


def parse_yaml(text: str, offset: Offset | None = None, max_aliases: int = MAX_ALIASES) -> list[Node]:
    """The documents of a YAML text. `offset` maps its offsets to those of an outer text. Raises Unparsable."""
    loader = None
    try:
        loader = _LOADER(text)
        return _build(loader, offset, max_aliases)
    except yaml.reader.ReaderError as error:
        raise Unparsable(f"not YAML: {error.reason}", _code_points(text, error.position)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(filter(None, (error.context, error.problem)))
        if "nesting depth" in words:  # libyaml's own limit, which its scanner meets before we meet ours
            raise BeyondLimit(f"nested more than {MAX_DEPTH} deep", mark.index if mark else 0) from None
        raise Unparsable(f"not YAML: {words}", mark.index if mark else 0) from None
    finally:
        if loader is not None:
            loader.dispose()


def _code_points(text: str, position: int) -> int:
    """libyaml counts bytes where it refuses a character, the loader in Python counts characters."""
    return len(text.encode()[:position].decode(errors="ignore")) if hasattr(yaml, "CSafeLoader") else position


def _build(loader: Any, offset: Offset | None, max_aliases: int) -> list[Node]:
    documents: list[Node] = []
    stack: list[Mapping | Sequence] = []
    keys: list[Node | None] = []
    events = aliases = 0
    get_event = loader.get_event
    node: Node
    while True:
        event = get_event()
        kind = type(event)
        events += 1
        start = event.start_mark.index
        if events > MAX_EVENTS:
            raise BeyondLimit(f"more than {MAX_EVENTS:,} YAML events", start)
        if kind is yaml.ScalarEvent:
            node = Scalar(start, event.end_mark.index, event.value, event.style, event.tag, event.anchor)
        elif kind is yaml.MappingStartEvent:
            node = Mapping(start, event.tag, event.anchor, event.flow_style)
        elif kind is yaml.SequenceStartEvent:
            node = Sequence(start, event.tag, event.anchor, event.flow_style)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            node = stack.pop()
            node.end = event.end_mark.index if offset is None else offset(event.end_mark.index)
            keys.pop()
            continue
        elif kind is yaml.AliasEvent:
            aliases += 1
            if aliases > max_aliases:
                raise BeyondLimit(f"more than {max_aliases} aliases", start)
            node = Alias(start, event.end_mark.index, event.anchor)
        elif kind is yaml.StreamEndEvent:
            return documents
        else:
            continue
        if offset is not None:
            node.start, node.end = offset(start), offset(node.end)
        if stack:
            attach(node, stack[-1], keys)
        else:
            documents.append(node)
            if len(documents) > MAX_DOCUMENTS:
                raise BeyondLimit(f"more than {MAX_DOCUMENTS:,} documents", start)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            stack.append(node)  # type: ignore[arg-type]  # kind says that it is a collection
            keys.append(None)
            if len(stack) > MAX_DEPTH:
                raise BeyondLimit(f"nested more than {MAX_DEPTH} deep", start)


def attach(node: Node, parent: Mapping | Sequence, keys: list[Node | None]) -> None:
    """Hang a node below its parent; `keys` holds, for each open mapping, the key that waits for its value."""
    node.parent = parent
    if isinstance(parent, Sequence):
        node.key = len(parent.items)
        parent.items.append(node)
    elif keys[-1] is None:
        keys[-1] = node
    else:
        node.key = keys[-1]
        parent.pairs.append((keys[-1], node))
        keys[-1] = None


def scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar below a node in the order of the text, keys too; nested documents come after their holder."""
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar):
            yield node
            if node.nested:
                pending.extend(reversed(node.nested))
        elif isinstance(node, Mapping):
            for key, value in reversed(node.pairs):
                pending.append(value)
                pending.append(key)
        elif isinstance(node, Sequence):
            pending.extend(reversed(node.items))


def token_start(text: str, scalar: Scalar) -> int:
    """Where the scalar's own text begins: behind its anchor and tag, which libyaml counts in."""
    if scalar.anchor is None and scalar.tag is None:
        return scalar.start
    match = _PROPERTIES.match(text, scalar.start, scalar.end)
    return match.end() if match else scalar.start


def one_line(scalar: Scalar) -> str:
    """The value without the line break at the end that a block scalar brings along."""
    return scalar.value.rstrip("\n") if scalar.style in {"|", ">"} else scalar.value


def written_span(text: str, scalar: Scalar, start: int, end: int) -> tuple[int, int] | None:
    """Where the characters start..end of the scalar's value are written, or None when they cannot be told apart."""
    begin = token_start(text, scalar)
    if scalar.style in {"|", ">"}:
        return _block_span(text, scalar, begin, start, end)
    if not scalar.style:
        whole = text[begin : scalar.end] == scalar.value
        return (begin + start, begin + end) if whole else None
    inner = text[begin + 1 : scalar.end - 1]
    if inner == scalar.value:
        return begin + 1 + start, begin + 1 + end
    positions = _quoted_positions(inner, scalar.style)
    if positions is None or len(positions) != len(scalar.value) + 1:
        return None
    return begin + 1 + positions[start], begin + 1 + positions[end]


def _block_span(text: str, scalar: Scalar, begin: int, start: int, end: int) -> tuple[int, int] | None:
    """A block scalar that holds one line only (`image: >-` and the reference below it)."""
    line = scalar.value.rstrip("\n")
    if "\n" in line or end > len(line):
        return None
    content = text.find("\n", begin) + 1
    where = text.find(line, content, scalar.end)
    return (where + start, where + end) if content and where >= 0 else None


_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[^\sxuU])")


def _quoted_positions(inner: str, style: str) -> list[int] | None:
    """For each character of a quoted scalar's value (and its end) the offset in the quotes; None over several lines."""
    if "\n" in inner or "\r" in inner:
        return None
    positions, at = [], 0
    while at < len(inner):
        positions.append(at)
        if style == "'" and inner.startswith("''", at):
            at += 2
        elif style == '"' and inner[at] == "\\":
            match = _ESCAPE.match(inner, at)
            if match is None:
                return None
            at = match.end()
        else:
            at += 1
    positions.append(at)
    return positions


class Lines:
    """Lines and columns, counted from 1, of offsets in a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: list[int] = []

    @property
    def _starts(self) -> list[int]:
        if not self._known:
            self._known = [0, *(match.end() for match in re.finditer("\n", self.text))]
        return self._known

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def start(self, offset: int) -> int:
        """Where the line of an offset begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def end(self, offset: int) -> int:
        """Where the line of an offset ends: before its line break."""
        at = self.text.find("\n", offset)
        if at < 0:
            return len(self.text)
        return at - 1 if at > offset and self.text[at - 1] == "\r" else at
