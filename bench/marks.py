"""Texts that know their change: one marked text gives a file before a bump, after it, and the lines that differ."""

from __future__ import annotations

import re
from typing import NamedTuple

# Private-use characters: they can stand in no manifest that the generator writes.
_OLD, _NEW, _END, _OWNER = "\ue000", "\ue001", "\ue002", "\ue003"
_SPAN = re.compile(f"{_OLD}([^{_OWNER}]*){_OWNER}([^{_NEW}]*){_NEW}([^{_END}]*){_END}")


class ChangedLine(NamedTuple):
    """A line that a bump of `image` changes or, where `before` is None, inserts; `line` counts in the file after it."""

    image: str
    file: str
    line: int
    before: str | None
    after: str


def change(image: str, before: str, after: str) -> str:
    """Mark `before` as the text that a bump of `image` turns into `after`."""
    return f"{_OLD}{image}{_OWNER}{before}{_NEW}{after}{_END}"


def insert_line(image: str, text: str) -> str:
    """Mark, at the end of a line, that a bump of `image` inserts the line `text` after it."""
    return change(image, "", f"\n{text}")


def text_before(marked: str) -> str:
    return _SPAN.sub(r"\2", marked) if _OLD in marked else marked


def changed_lines(file: str, marked: str) -> list[ChangedLine]:
    """The lines that change, sorted; a line of CR LF keeps its CR."""
    found: list[ChangedLine] = []
    number = 0
    for line in _physical_lines(marked):
        spans = list(_SPAN.finditer(line))
        after = _SPAN.sub(r"\3", line)
        head, *inserted = after.split("\n")
        number += 1
        if spans and not inserted:
            found.append(ChangedLine(spans[0][1], file, number, text_before(line), head))
        for text in inserted:
            number += 1
            found.append(ChangedLine(spans[0][1], file, number, None, text))
    return found


def _physical_lines(marked: str) -> list[str]:
    """The lines of the file before the bump, marks kept: a line break inside a mark does not end a line."""
    lines = [""]
    for piece in re.split(f"({_OLD}[^{_END}]*{_END})", marked):
        if piece.startswith(_OLD):
            lines[-1] += piece
        else:
            head, *rest = piece.split("\n")
            lines[-1] += head
            lines.extend(rest)
    return lines
