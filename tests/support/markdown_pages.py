"""Generated pages of Markdown: their blocks of shell, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCED = re.compile(r"^```[a-z]*\n.*?^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str = "sh") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ .*$", _FENCED.sub("", text), re.MULTILINE)


def faults(text: str) -> Iterator[str]:
    """Fences that stay open, tables that are no tables, headings that skip a level, links that lead nowhere."""
    fenced = _FENCED.sub("", text)
    if "```" in fenced:
        yield "a fence stays open"
    level = 0
    for number, line in enumerate(fenced.splitlines(), 1):
        heading = re.match(r"(#+) ", line)
        if heading and len(heading[1]) > level + 1:
            yield f"{line!r} skips a level"
        level = len(heading[1]) if heading else level
        if line != line.rstrip():
            yield f"{number}: blanks at the end: {line!r}"
    if "\n\n\n" in text:
        yield "two empty lines"
    yield from _tables(fenced)
    for link in re.findall(r"\]\(([^)]*)\)", fenced):
        if not re.match(r"https://|[a-z./-]+\.md$", link):
            yield f"a link to {link!r}"


def _tables(text: str) -> Iterator[str]:
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row)) for row in table.splitlines()]
        if len({len(row) for row in rows}) != 1:
            yield f"a table with rows of several lengths: {table.splitlines()[0]}"
        if len(rows) < 3:
            yield f"a table without rows: {table.splitlines()[0]}"
