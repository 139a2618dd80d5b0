"""The lines of an instruction: put together from those that continue each other, knowing where each part stands."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelinegen.images.dockerfile.model import Place, Problem
from pipelinegen.images.words import BadWord, bare, is_space, raw_words

_HEREDOC = re.compile(r"\d*<<(-?)\s*([^<]*)")


class Wrong(Exception):
    """One instruction is not what it should be; the others are read all the same."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


class Line:
    """An instruction's line, put together from those that continue each other, that knows where each part stands."""

    def __init__(self) -> None:
        self.text = ""
        self._parts: list[tuple[int, int, int]] = []

    def add(self, text: str, line: int, column: int) -> None:
        self._parts.append((len(self.text), line, column))
        self.text += text

    def place(self, start: int, width: int = 1) -> Place:
        offset, line, column = next(part for part in reversed(self._parts) if part[0] <= start)
        return Place(line, column + start - offset, max(width, 1))


class Announced(NamedTuple):
    """A here-document by its word: <<NAME, <<-NAME (its tabs are cut off), <<"NAME" (its variables are kept)."""

    name: str
    chomps: bool
    expands: bool


def heredocs_of(text: str) -> list[Announced]:
    """The here-documents that a line announces, in the order in which they follow it."""
    try:
        words = raw_words(text)
    except BadWord:
        return []
    return [found for word in words if (found := announced_by(word)) is not None]


def announced_by(word: str) -> Announced | None:
    """The here-document that a word stands for."""
    found = _HEREDOC.fullmatch(word)
    if found is None or not found[2]:
        return None
    try:
        plain, quoted = bare(found[2])
    except BadWord:
        return None
    if len(plain) != 1 or len(quoted) != 1:
        return None
    quotes = [text.count("'") + text.count('"') for text in (plain[0], quoted[0])]
    return Announced(plain[0], found[1] == "-", quotes[0] == quotes[1])


def lstrip(text: str) -> str:
    at = 0
    while at < len(text) and is_space(text[at]):
        at += 1
    return text[at:]


def rstrip(text: str) -> str:
    at = len(text)
    while at > 0 and is_space(text[at - 1]):
        at -= 1
    return text[:at]
