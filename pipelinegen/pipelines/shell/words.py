"""A shell command as it is written: its words, assignments, redirections, here-document, and what is piped into it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipelinegen.pipelines.reading import Place

# $NAME, ${NAME}, ${NAME:-x}, ${env.NAME} and ${params.NAME} of Groovy, $env:NAME of PowerShell; never ${{ ... }}.
VARIABLE = re.compile(r"\$(?:env:([A-Za-z_]\w*)|([A-Za-z_]\w*)|\{(?!\{)[#!]?(?:env\.|params\.)?([A-Za-z_]\w*))")


def variables_in(text: str) -> tuple[str, ...]:
    """The names of the variables that a text refers to, in order, each once."""
    if "$" not in text:
        return ()
    return tuple(dict.fromkeys(a or b or c for a, b, c in VARIABLE.findall(text)))


@dataclass(frozen=True, slots=True)
class Word:
    """A word: its text without quotes, with references to variables as they are written. place: where it begins."""

    text: str
    place: Place
    variables: tuple[str, ...] = ()
    # Single quotes and nothing else: the shell replaces nothing in it.
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command. via: what runs it, outermost first (ssh, bash, xargs); empty for the shell of the step."""

    words: tuple[Word, ...]
    place: Place
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[tuple[str, Word], ...] = ()
    document: Word | None = None
    before: Command | None = None
    via: tuple[str, ...] = ()
    inner: tuple[Command, ...] = field(default=())
    # The function of the script in whose body it stands.
    function: str = ""

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        return self.words[0].text.rpartition("/")[2] if self.words else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words[1:])

    @property
    def shown(self) -> str:
        """The command as a short text."""
        text = " ".join(word.text for word in self.words)
        return text if len(text) <= 120 else f"{text[:119]}…"

    def reads(self) -> tuple[str, ...]:
        """The variables that the command is given, in its words, its assignments, what it reads, and the pipe."""
        found = [name for word in self.words for name in word.variables]
        found += [name for _, word in self.assignments for name in word.variables]
        found += [name for _, word in self.redirects for name in word.variables]
        found += self.document.variables if self.document else ()
        for each in self.inner:
            found += each.reads()
        if self.before is not None:
            found += self.before.reads()
        return tuple(dict.fromkeys(found))

    def upstream(self) -> tuple[Command, ...]:
        """The commands whose output reaches it, nearest first."""
        found: list[Command] = []
        command = self.before
        while command is not None:
            found.append(command)
            command = command.before
        return tuple(found)
