"""A YAML file of a CI system as values that know their lines: aliases and merge keys followed, oddities refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from pipelinegen.config.source import Place as Spot
from pipelinegen.config.source import Unreadable, decode, snippet
from pipelinegen.errors import InputError
from pipelinegen.manifests.spans import Alias, Lines, Mapping, Node, Scalar, Sequence, Unparsable, parse_yaml
from pipelinegen.pipelines.reading import Line, Place

# Aliases are written out, so that a few lines could stand for a billion values.
MAX_VALUES = 200_000
# Large pipelines of GitLab are full of them, unlike manifests.
MAX_ALIASES = 5_000
_CONFLICT = re.compile(r"^(?:<{7} |>{7} |\|{7} )", re.MULTILINE)


@dataclass(slots=True)
class Text:
    """A scalar. Its value has several lines where it is a block."""

    value: str
    place: Place
    plain: bool = True
    starts: tuple[int, ...] = ()

    def lines(self) -> list[Line]:
        """The lines of the value, each with the line of the file that it stands on."""
        parts = self.value.split("\n")
        if parts and not parts[-1]:
            parts.pop()
        last = self.starts[-1] if self.starts else self.place.line
        numbers = [*self.starts, *[last] * len(parts)]
        return [Line(part, Place(self.place.file, number)) for part, number in zip(parts, numbers, strict=False)]


@dataclass(slots=True)
class List:
    items: list[Value]
    place: Place
    tag: str = ""


@dataclass(slots=True)
class Map:
    entries: dict[str, Value]
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)

    def get(self, *names: str) -> Value | None:
        """The value under the first of the names that is there."""
        return next((self.entries[name] for name in names if name in self.entries), None)

    def map(self, name: str) -> Map | None:
        value = self.entries.get(name)
        return value if isinstance(value, Map) else None

    def text(self, name: str) -> str:
        value = self.entries.get(name)
        return value.value if isinstance(value, Text) else ""

    def where(self, name: str) -> Place:
        """The line of a key."""
        return self.keys.get(name, self.place)

    def items(self) -> Iterator[tuple[str, Value]]:
        return iter(self.entries.items())


Value: TypeAlias = Text | List | Map


def texts(value: Value | None) -> list[Text]:
    """A text, or the texts of a list, which may be nested."""
    if isinstance(value, Text):
        return [value] if value.value or not value.plain else []
    if isinstance(value, List):
        return [each for item in value.items for each in texts(item)]
    return []


def read_text(file: str, data: bytes) -> str:
    """The text of a file, without a byte order mark. Raises InputError with file:line:column."""
    try:
        text = decode(data)
    except Unreadable as error:
        first = error.problems[0]
        raise bad_pipeline(file, error.text, first.place, first.what) from None
    mark = _CONFLICT.search(text)
    if mark:
        spot = Spot(text.count("\n", 0, mark.start()) + 1, 1)
        raise bad_pipeline(file, text, spot, "the marks of an unresolved merge conflict stand here")
    return text


def bad_pipeline(file: str, text: str, spot: Spot, what: str) -> InputError:
    """A pipeline file that cannot be read, told at its place."""
    return InputError(
        what,
        id="bad-pipeline",
        where=f"{file}:{spot.line}:{spot.column}",
        next="correct the file; nothing is concluded from a pipeline that its own CI system would refuse",
        details=snippet(text.split("\n"), spot) if text else (),
    )


def parse(file: str, text: str) -> list[Value]:
    """The documents of a YAML text. Raises InputError."""
    lines = Lines(text)
    try:
        nodes = parse_yaml(text, max_aliases=MAX_ALIASES)
    except Unparsable as error:
        place = Spot(*lines.place(error.offset))
        source = text.split("\n")
        line = source[place.line - 1] if place.line <= len(source) else ""
        tab = "\t" in line[: len(line) - len(line.lstrip())]
        hint = " (indent with spaces: YAML forbids tabs there)" if tab else ""
        raise bad_pipeline(file, text, place, f"{error.reason}{hint}") from None
    return [_Conversion(file, text, lines).value(node) for node in nodes]


class _Conversion:
    """The state of one walk over the nodes of a document."""

    def __init__(self, file: str, text: str, lines: Lines) -> None:
        self.file = file
        self.text = text
        self.lines = lines
        self.anchors: dict[str, Value | None] = {}
        self.sizes: dict[int, int] = {}
        self.size = 0

    def fail(self, node: Node, what: str) -> InputError:
        return bad_pipeline(self.file, self.text, Spot(*self.lines.place(node.start)), what)

    def value(self, node: Node) -> Value:
        self._count(node, 1)
        if isinstance(node, Alias):
            return self._alias(node)
        if node.anchor is not None:
            self.anchors[node.anchor] = None
        before = self.size
        value: Value
        if isinstance(node, Scalar):
            value = self._scalar(node)
        elif isinstance(node, Sequence):
            value = List([self.value(item) for item in node.items], self._place(node), node.tag or "")
        elif isinstance(node, Mapping):
            value = self._mapping(node)
        else:
            raise self.fail(node, "this is neither a text, a list nor a mapping")
        if node.anchor is not None:
            self.anchors[node.anchor] = value
            self.sizes[id(value)] = self.size - before + 1
        return value

    def _count(self, node: Node, by: int) -> None:
        self.size += by
        if self.size > MAX_VALUES:
            raise self.fail(node, f"more than {MAX_VALUES:,} values, aliases written out")

    def _place(self, node: Node) -> Place:
        return Place(self.file, self.lines.place(node.start)[0])

    def _alias(self, node: Alias) -> Value:
        if node.name not in self.anchors:
            raise self.fail(node, f"the alias *{node.name} has no anchor &{node.name} before it")
        value = self.anchors[node.name]
        if value is None:
            raise self.fail(node, f"the alias *{node.name} stands inside its own anchor")
        self._count(node, self.sizes.get(id(value), 1))
        return value

    def _scalar(self, node: Scalar) -> Text:
        line = self.lines.place(node.start)[0]
        starts: tuple[int, ...] = ()
        if "\n" in node.value or (node.style in {"|", ">"} and node.value):
            starts = self._starts(node, line)
        return Text(node.value, Place(self.file, line), not node.style, starts)

    def _starts(self, node: Scalar, line: int) -> tuple[int, ...]:
        """The lines of the file on which the lines of the value stand."""
        source = self.text[node.start : node.end].split("\n")
        if node.style == "|":
            # Behind the header; an anchor or a tag may stand on a line before it.
            header = next((n for n, each in enumerate(source) if re.search(r"\|[-+0-9]*\s*(?:#.*)?\r?$", each)), 0)
            return tuple(range(line + header + 1, line + header + 1 + node.value.count("\n") + 1))
        # Folded: each line of the value begins with a line of the source, in the same order.
        starts, at = [], 1 if node.style == ">" else 0
        for part in node.value.split("\n"):
            words = part.split()
            while words and at < len(source) - 1 and words[0] not in source[at]:
                at += 1
            starts.append(line + at)
            at = min(at + 1, len(source) - 1) if words else at
        return tuple(starts)

    def _mapping(self, node: Mapping) -> Map:
        result = Map({}, self._place(node))
        merged: list[Map] = []
        for key, item in node.pairs:
            if not isinstance(key, Scalar):
                raise self.fail(key, "a key must be a text, not a list or a mapping")
            if key.value == "<<" and not key.style:
                merged += self._merged(item)
                continue
            if key.value in result.entries:
                first = result.keys[key.value].line
                raise self.fail(key, f"the key {key.value[:80]!r} is there twice, first on line {first}")
            result.entries[key.value] = self.value(item)
            result.keys[key.value] = self._place(key)
        for other in merged:
            for name, item_value in other.entries.items():
                if name not in result.entries:
                    result.entries[name] = item_value
                    result.keys[name] = other.where(name)
        return result

    def _merged(self, node: Node) -> list[Map]:
        value = self.value(node)
        several = value.items if isinstance(value, List) else [value]
        wrong = [each for each in several if not isinstance(each, Map)]
        if wrong:
            raise self.fail(node, "`<<` merges mappings, and this is none")
        return [each for each in several if isinstance(each, Map)]
