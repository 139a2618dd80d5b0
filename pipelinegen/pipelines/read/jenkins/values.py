"""What statements of Groovy are made of: texts, lists, mappings, calls with their blocks, and what is only words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True)
class Quoted:
    """A text. interpolated: parts of it are made when the pipeline runs."""

    text: str
    line: int
    interpolated: bool = False
    lines: tuple[int, ...] = ()


@dataclass(slots=True)
class Sequence:
    items: list[Value]
    line: int


@dataclass(slots=True)
class Pairs:
    entries: dict[str, Value]
    line: int


@dataclass(slots=True)
class Raw:
    """Something else, as its words."""

    words: str
    line: int
    parts: list[Value] = field(default_factory=list)


@dataclass(slots=True)
class Call:
    """`name(arguments) { block }`. on: the call whose result it is made on."""

    name: str
    line: int
    arguments: list[Value] = field(default_factory=list)
    named: dict[str, Value] = field(default_factory=dict)
    block: list[Statement] | None = None
    on: Call | None = None

    def text(self, *names: str) -> Quoted | None:
        """A named argument that is a text."""
        found = next((self.named[name] for name in names if name in self.named), None)
        return found if isinstance(found, Quoted) else None

    def first(self) -> Quoted | None:
        """The first argument when it is a text."""
        return self.arguments[0] if self.arguments and isinstance(self.arguments[0], Quoted) else None


@dataclass(slots=True)
class Assign:
    name: str
    value: Value
    line: int


@dataclass(slots=True)
class Method:
    name: str
    body: list[Statement]
    line: int
    parameters: tuple[str, ...] = ()


@dataclass(slots=True)
class Branch:
    """if, for, while, try and their like: the block may run."""

    word: str
    line: int
    body: list[Statement]
    condition: Value | None = None


Value: TypeAlias = Quoted | Sequence | Pairs | Raw | Call


Statement: TypeAlias = Call | Assign | Method | Branch | Raw


def calls_in(value: Value) -> Iterator[Call]:
    """The calls inside a value, itself included."""
    if isinstance(value, Call):
        yield value
        for each in (*value.arguments, *value.named.values()):
            yield from calls_in(each)
        if value.on is not None:
            yield from calls_in(value.on)
    elif isinstance(value, Sequence):
        for each in value.items:
            yield from calls_in(each)
    elif isinstance(value, Pairs):
        for each in value.entries.values():
            yield from calls_in(each)
    elif isinstance(value, Raw):
        for each in value.parts:
            yield from calls_in(each)


def words_of(value: Value) -> str:
    """A value as short words."""
    if isinstance(value, Quoted):
        return value.text
    if isinstance(value, Raw):
        return value.words
    if isinstance(value, Call):
        inner = ", ".join(words_of(each) for each in value.arguments)
        return f"{value.name}({inner})"
    return ""


def joined(left: Value, operator: str, right: Value) -> Value:
    """Texts that are added stay a text, whose other parts are made at run time."""
    if operator == "+" and (isinstance(left, Quoted) or isinstance(right, Quoted)):
        made = not (isinstance(left, Quoted) and isinstance(right, Quoted))
        text = f"{_part(left)}{_part(right)}"
        line = left.line
        before = left.lines if isinstance(left, Quoted) and left.lines else (line,)
        after = right.lines[1:] if isinstance(right, Quoted) else ()
        changed = made or any(isinstance(each, Quoted) and each.interpolated for each in (left, right))
        return Quoted(text, line, changed, (*before, *after))
    return Raw(f"{words_of(left)} {operator} {words_of(right)}", left.line, [left, right])


def _part(value: Value) -> str:
    if isinstance(value, Quoted):
        return value.text
    words = words_of(value)
    return f"${{{words}}}" if words else "${}"
