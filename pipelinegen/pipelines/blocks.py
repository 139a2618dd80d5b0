"""The blocks of a generated file that belong to the user: found, emptied, and put into the file's next version."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from pipelinegen.pipelines.rendering.header import BEGIN, END

_SIGN = r"[ \t]*(?:#|//|--|;|<!--)[ \t]*"
_CLOSE = r"[ \t]*(?:-->)?[ \t]*(?:\r?\n)?"
_BEGIN = re.compile(rf"{_SIGN}{BEGIN} ([a-z0-9][a-z0-9.-]*){_CLOSE}")
_END = re.compile(rf"{_SIGN}{END}{_CLOSE}")
_MARK = re.compile(rf"{_SIGN}(?:{BEGIN}|{END})\b.*", re.DOTALL)


class Broken(ValueError):
    """The marks of blocks do not match: the text says what is wrong, and in which line."""


class Homeless(ValueError):
    """A block that holds something has no place in the new version: its name."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of the user's, between the lines that mark them."""

    name: str
    begin: str
    lines: tuple[str, ...]
    end: str


Parts: TypeAlias = "tuple[str | Block, ...]"


def parts_of(text: str) -> Parts:
    """The lines of a file, and its blocks in their places. Raises Broken."""
    parts: list[str | Block] = []
    begun: list[str] = []
    name, names = "", set[str]()
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        started, ended = _BEGIN.fullmatch(line), _END.fullmatch(line)
        if started and not begun:
            name, begun = started[1], [line]
            if name in names:
                raise Broken(f"line {number}: a second block {name}")
            names.add(name)
        elif ended and begun:
            parts.append(Block(name, begun[0], tuple(begun[1:]), line))
            begun = []
        elif _MARK.fullmatch(line):
            raise Broken(f"line {number}: {line.strip()!r} does not belong here")
        else:
            (begun or parts).append(line)
    if begun:
        raise Broken(f"the block {name} has no {END}")
    return tuple(parts)


def text_of(parts: Iterable[str | Block]) -> str:
    """The file again."""
    return "".join(part if isinstance(part, str) else "".join((part.begin, *part.lines, part.end)) for part in parts)


def names_of(parts: Parts) -> frozenset[str]:
    return frozenset(part.name for part in parts if isinstance(part, Block))


def emptied(parts: Parts, without: Collection[str] = ()) -> str:
    """The file with nothing in its blocks, and without some of them at all."""
    return text_of(_emptied(part) for part in parts if isinstance(part, str) or part.name not in without)


def kept(old: Parts, new: Parts) -> Parts:
    """The new version with what the user wrote in the blocks of the old one.

    A block goes to the one of its name. One that the new version does not have, for the user has made it, goes behind
    the lines that it stood behind. Raises Homeless.
    """
    parts = list(new)
    for at, block in enumerate(old):
        if isinstance(block, str) or not block.lines:
            continue
        if block.name in names_of(tuple(parts)):
            parts = [_filled(part, block) for part in parts]
        else:
            parts.insert(_place(block.name, list(_keys(old[:at])), list(_keys(parts))), block)
    return tuple(parts)


def _place(name: str, before: list[str], there: list[str]) -> int:
    """Behind the fewest lines that tell one place."""
    if not before:
        return 0
    for count in range(1, len(before) + 1):
        anchor = before[-count:]
        places = [at + count for at in range(len(there) - count + 1) if there[at : at + count] == anchor]
        if len(places) == 1:
            return places[0]
        if not places:
            break
    raise Homeless(name)


def _keys(parts: Iterable[str | Block]) -> Iterator[str]:
    """What parts are known by: lines by themselves, blocks by their first line."""
    return (part.rstrip("\r\n") if isinstance(part, str) else part.begin.rstrip("\r\n") for part in parts)


def _emptied(part: str | Block) -> str | Block:
    return part if isinstance(part, str) else replace(part, lines=())


def _filled(part: str | Block, block: Block) -> str | Block:
    return part if isinstance(part, str) or part.name != block.name else replace(part, lines=block.lines)
