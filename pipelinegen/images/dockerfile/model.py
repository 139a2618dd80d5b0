"""What a Dockerfile is made of: stages of instructions, their flags, words and here-documents, each with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """Where a text stands: line and column from 1, in characters, and how many of them it is."""

    line: int
    column: int
    width: int = 1


class Problem(NamedTuple):
    """One thing that is wrong with the file."""

    place: Place
    what: str


class Malformed(ValueError):
    """A file that is no Dockerfile; `problems` are all that were found, in their order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].what)
        self.problems = tuple(problems)


class Word(NamedTuple):
    """A word of an instruction as it is written."""

    text: str
    place: Place


class Pair(NamedTuple):
    """NAME=VALUE of ENV, LABEL or ARG; an ARG may have no value."""

    name: str
    value: str | None
    place: Place


class Heredoc(NamedTuple):
    """A here-document: the name that stands for it among the words, and whether its variables are replaced."""

    name: str
    content: str
    expands: bool


class Instruction(NamedTuple):
    """One instruction. `text` is what follows its name and flags, `is_json` whether its words are a JSON array."""

    name: str
    place: Place
    last_line: int
    text: str
    flags: Mapping[str, tuple[Word, ...]]
    words: tuple[Word, ...]
    pairs: tuple[Pair, ...]
    is_json: bool
    heredocs: tuple[Heredoc, ...]

    def flag(self, name: str) -> Word | None:
        """The one value of a flag, "true" for a switch that is on."""
        found = self.flags.get(name)
        return found[0] if found else None

    def is_on(self, name: str) -> bool:
        word = self.flag(name)
        return word is not None and word.text == "true"


class Stage(NamedTuple):
    """FROM and what follows it. `base` and `platform` are as written, with their variables."""

    number: int
    name: str | None
    base: Word
    platform: Word | None
    source: Instruction
    instructions: tuple[Instruction, ...]


class Dockerfile(NamedTuple):
    """A whole file. `arguments` are the ARG instructions before its first FROM."""

    stages: tuple[Stage, ...]
    arguments: tuple[Instruction, ...]
    escape: str
    syntax: str | None
