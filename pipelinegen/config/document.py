"""The nodes of pipelinegen.yaml with their places: the part of YAML that all readers understand alike, in limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelinegen.config.source import Place, Problem, Unreadable, shown
from pipelinegen.images.reference import is_tag
from pipelinegen.images.versions import reads_as_other

if TYPE_CHECKING:
    import yaml

DEPTH_MAX = 64
ALIASES_MAX = 100
# Counted after aliases are written out, so that a few lines cannot stand for a billion values.
NODES_MAX = 50_000

_INTEGER = r"-?(?:0|[1-9][0-9]{0,17})"
_DECIMAL = r"-?(?:0|[1-9][0-9]*)\.[0-9]+"
# What reads_as_other leaves out, since no tag has it: signs, a leading dot, base 60, times of day, infinity, `=`, `<<`.
_MORE_ODD = (
    r"[-+]?(?:[0-9][0-9_]*)?\.?[0-9][0-9_]*\.?(?:[eE][-+]?[0-9_]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9].*"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|=|<<"
)
_TRUE = ("y", "yes", "on", "true")
_FALSE = ("n", "no", "off", "false")


@dataclass(frozen=True, slots=True)
class Scalar:
    place: Place
    text: str
    plain: bool
    size: int = 1


@dataclass(frozen=True, slots=True)
class Sequence:
    place: Place
    items: tuple[Node, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Mapping:
    place: Place
    entries: tuple[tuple[Scalar, Node], ...]
    size: int


Node = Scalar | Sequence | Mapping


@dataclass(slots=True)
class _Reading:
    """The state of one walk over the events."""

    events: Iterator[yaml.Event]
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    aliases: int = 0
    size: int = 0

    def stop(self, place: Place, what: str) -> Unreadable:
        return Unreadable([*self.problems, Problem(place, what)])


def default_loader() -> type[Any]:
    """PyYAML's C parser, or the slow one in Python where there is no C library."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(text: str, loader: type[Any] | None = None) -> tuple[Node | None, list[Problem]]:
    """The root of the one document (None when it is empty), and the problems that did not end the reading.

    Raises Unreadable. PyYAML's own composer is not used: it recurses to any depth, keeps the last of two equal keys
    without a word, and reads all documents before it says that there is more than one.
    """
    import yaml

    reading = _Reading(yaml.parse(text, Loader=loader or default_loader()))
    root: Node | None = None
    documents = 0
    try:
        for event in reading.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise reading.stop(_place(event), "a second document begins here: the configuration is one")
            elif isinstance(event, yaml.NodeEvent):
                root = _node(reading, event, 1)
    except yaml.YAMLError as error:
        raise Unreadable([*reading.problems, _syntax_problem(error, text)]) from None
    empty = isinstance(root, Scalar) and root.plain and not root.text
    return (None if empty else root), reading.problems


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(width, 1))


def _node(reading: _Reading, event: Any, depth: int) -> Node:
    import yaml

    place = _place(event)
    if depth > DEPTH_MAX:
        raise reading.stop(place, f"nested deeper than {DEPTH_MAX}")
    if isinstance(event, yaml.AliasEvent):
        node = _alias(reading, event.anchor, place)
        return _counted(reading, node, place, node.size)
    if event.tag is not None:
        what = f"the tag {shown(event.tag)} is not read here: write the plain value, in quotes where it is a text"
        reading.problems.append(Problem(place, what))
    if event.anchor is not None:
        reading.anchors[event.anchor] = None
    if isinstance(event, yaml.ScalarEvent):
        node = Scalar(place, event.value, bool(event.implicit[0]) and event.tag is None)
    elif isinstance(event, yaml.SequenceStartEvent):
        items = tuple(_children(reading, depth))
        node = Sequence(place, items, 1 + sum(item.size for item in items))
    else:
        node = _mapping(reading, place, depth)
    if event.anchor is not None:
        reading.anchors[event.anchor] = node
    return _counted(reading, node, place, 1)


def _counted(reading: _Reading, node: Node, place: Place, by: int) -> Node:
    reading.size += by
    if reading.size > NODES_MAX:
        raise reading.stop(place, f"more than {NODES_MAX} values, aliases written out")
    return node


def _children(reading: _Reading, depth: int) -> Iterator[Node]:
    import yaml

    for event in reading.events:
        if isinstance(event, yaml.CollectionEndEvent):
            return
        yield _node(reading, event, depth + 1)


def _alias(reading: _Reading, anchor: str | None, place: Place) -> Node:
    reading.aliases += 1
    if reading.aliases > ALIASES_MAX:
        raise reading.stop(place, f"more than {ALIASES_MAX} aliases")
    if anchor is None or anchor not in reading.anchors:
        raise reading.stop(place, f"the alias *{anchor} has no anchor &{anchor} before it")
    node = reading.anchors[anchor]
    if node is None:
        raise reading.stop(place, f"the alias *{anchor} stands inside its own anchor")
    return node


def _mapping(reading: _Reading, place: Place, depth: int) -> Mapping:
    children = _children(reading, depth)
    entries: dict[str, tuple[Scalar, Node]] = {}
    size = 1
    for key in children:
        value = next(children)
        size += key.size + value.size
        if not isinstance(key, Scalar):
            reading.problems.append(Problem(key.place, "a key must be a text, not a list or a mapping"))
        elif key.plain and key.text == "<<":
            what = "merge keys (<<) are not read: write the keys out, or give the whole value an anchor and an alias"
            reading.problems.append(Problem(key.place, what))
        elif key.text in entries:
            first = entries[key.text][0].place
            what = f'the key "{shown(key.text)}" is there twice, on the lines {first.line} and {key.place.line}'
            reading.problems.append(Problem(key.place, what, (first, "first written here")))
        else:
            entries[key.text] = (key, value)
    return Mapping(place, tuple(entries.values()), size)


def _syntax_problem(error: Any, text: str) -> Problem:
    """The parser's complaint. A quote that is never closed is told where it was opened, not at the end of the file."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "it does not parse"
    context, opened = getattr(error, "context", None) or "", getattr(error, "context_mark", None)
    if "quoted scalar" in context and "end of stream" in problem:
        return Problem(_marked(opened), "not valid YAML: this quote is never closed")
    if "nesting depth" in problem:
        return Problem(_marked(mark or opened), f"nested deeper than {DEPTH_MAX}")
    place = _marked(mark or opened)
    hint = next((hint for words, hint in _HINTS.items() if words in problem), "")
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        hint = " (indent with spaces: YAML forbids tabs there)"
    return Problem(place, f"not valid YAML: {f'{context}, ' if context else ''}{problem}{hint}")


_HINTS = {
    "mapping values are not allowed": " (a text that holds a colon and a blank is written in quotes)",
    "cannot start any token": " (a text that begins with such a character is written in quotes)",
    "expected <block end>": " (is it indented like the lines above?)",
    "did not find expected key": " (is it indented like the lines above?)",
    "did not find expected '-' indicator": " (is it indented like the lines above?)",
}


def _marked(mark: Any) -> Place:
    return Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)


def resolve(scalar: Scalar) -> tuple[object, str | None]:
    """The value of a scalar and, where it has none or readers of YAML would not agree on it, what is wrong."""
    text = scalar.text
    if not scalar.plain:
        return text, None
    if text in ("", "~", "null", "Null", "NULL"):
        return None, "this has no value: write one, or remove the key"
    if text in ("true", "false"):
        return text == "true", None
    if re.fullmatch(_INTEGER, text):
        return int(text), None
    if re.fullmatch(_DECIMAL, text):
        return float(text), None
    if not is_odd(text):
        return text, None
    word = "true" if text.lower() in _TRUE else "false" if text.lower() in _FALSE else None
    instead = f"write {word}, or for the text" if word else "write it in quotes,"
    return text, f'{shown(text)} is not a text to every reader of YAML: {instead} "{shown(text)}"'


def is_odd(text: str) -> bool:
    """Would some reader of YAML take this plain text for a number, a truth value, a date or nothing?"""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    return (is_tag(unsigned) and reads_as_other(unsigned)) or re.fullmatch(_MORE_ODD, text) is not None
