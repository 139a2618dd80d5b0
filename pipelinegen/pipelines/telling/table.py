"""The comparison as text for a terminal: side by side where there is room, each line with the places that prove it."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from pipelinegen.markdown import visible
from pipelinegen.pipelines.analyse.in_clear import masked
from pipelinegen.pipelines.compared import Facts
from pipelinegen.pipelines.costs import costs_of
from pipelinegen.pipelines.telling.rows import Item, Row, rows_of, where

_NARROWEST = 34
_MOST = 12
_COLORS = {"good": "32", "bad": "31"}


def table(several: Sequence[Facts], width: int, *, colored: bool = False) -> list[str]:
    """The lines of the report. More pipelines than fit side by side follow one another."""
    fitting = max(1, min(len(several), (width - 2) // (_NARROWEST + 2)))
    lines: list[str] = []
    for start in range(0, len(several), fitting):
        lines += _beside(several[start : start + fitting], width, colored=colored)
    lines += list(_costs(several, width))
    return lines


def _beside(several: Sequence[Facts], width: int, *, colored: bool) -> Iterator[str]:
    column = (width - 2 * (len(several) - 1)) // len(several)
    names = [f"{visible(each.reading.file)} ({each.reading.system})" for each in several]
    yield from _side_by_side([_wrapped(name, column, "") for name in names], column)
    yield "  ".join("=" * column for _ in several)
    for row in rows_of(several):
        if any(row.cells):
            yield ""
            yield _bold(row.question, colored)
            yield from _row(row, several, column, colored=colored)
    yield ""


def _row(row: Row, several: Sequence[Facts], column: int, *, colored: bool) -> Iterator[str]:
    cells = [_cell(cell, facts.reading.file, column, colored) for cell, facts in zip(row.cells, several, strict=True)]
    yield from _side_by_side(cells, column)


def _cell(cell: Sequence[Item], file: str, column: int, colored: bool) -> list[str]:
    if not cell:
        return ["  -"]
    lines: list[str] = []
    for item in cell[:_MOST]:
        places = where(item.places, file)
        wrapped = _wrapped(f"{visible(masked(item.text))}  {visible(places)}".rstrip(), column, "  ")
        lines += [_painted(line, item.tone, colored) for line in wrapped]
    if len(cell) > _MOST:
        lines.append(f"  … and {len(cell) - _MOST} more (--json has all)")
    return lines


def _wrapped(text: str, column: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, column, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=True
    ) or [""]


def _side_by_side(cells: Sequence[Sequence[str]], column: int) -> Iterator[str]:
    for number in range(max(map(len, cells))):
        parts = [cell[number] if number < len(cell) else "" for cell in cells]
        padded = [f"{part}{' ' * max(0, column - _cells(part))}" for part in parts]
        yield "  ".join(padded).rstrip()


def _cells(text: str) -> int:
    """The width on a terminal, without colours."""
    found, at = 0, 0
    while at < len(text):
        if text[at] == "\x1b":
            at = text.index("m", at) + 1
            continue
        char = text[at]
        found += 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        at += 1
    return found


def _painted(text: str, tone: str, colored: bool) -> str:
    return f"\x1b[{_COLORS[tone]}m{text}\x1b[0m" if colored and tone in _COLORS else text


def _bold(text: str, colored: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if colored else text


def _costs(several: Sequence[Facts], width: int) -> Iterator[str]:
    costs = costs_of([each for each in several if "pull" in each.styles])
    if costs:
        yield "What pull costs"
        for cost in costs:
            yield from _wrapped(f"{visible(cost.what)}: {visible(cost.why)}", width, "  ")
