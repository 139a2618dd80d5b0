"""The comparison as Markdown that fits a comment of a pull request: nothing in it is a link, a mention or a command."""

from __future__ import annotations

from collections.abc import Sequence

from pipelinegen.markdown import escaped, fitting
from pipelinegen.pipelines.analyse.in_clear import masked
from pipelinegen.pipelines.compared import Facts
from pipelinegen.pipelines.costs import costs_of
from pipelinegen.pipelines.telling.rows import Item, rows_of, where

# GitHub takes 65,536 characters for a comment, GitLab a million.
ROOM = 60_000
_MOST = 8


def markdown(several: Sequence[Facts]) -> list[str]:
    """The lines of the report."""
    names = [f"{escaped(each.reading.file)} ({each.reading.system})" for each in several]
    title = "What push and pull cost" if len(several) > 1 else "What this pipeline does and holds"
    lines = [f"### {title}", ""]
    lines += ["| " + " | ".join(["", *names]) + " |", "| " + " | ".join(["---"] * (len(names) + 1)) + " |"]
    for row in rows_of(several):
        if any(row.cells):
            cells = [_cell(cell, facts.reading.file) for cell, facts in zip(row.cells, several, strict=True)]
            lines.append("| " + " | ".join([f"**{escaped(row.question)}**", *cells]) + " |")
    costs = costs_of([each for each in several if "pull" in each.styles])
    if costs:
        lines += ["", "**What pull costs**", ""]
        lines += [f"- {escaped(cost.what)}: {escaped(cost.why)}" for cost in costs]
    lines += ["", "Computed by `pipelinegen compare` from the files; each fact has its line."]
    return fitting(lines, ROOM, lambda count: f"… and {count} more lines; `pipelinegen compare --json` has all.")


def _cell(cell: Sequence[Item], file: str) -> str:
    parts = [_item(item, file) for item in cell[:_MOST]]
    if len(cell) > _MOST:
        parts.append(f"… and {len(cell) - _MOST} more")
    return "<br>".join(parts) or "–"


def _item(item: Item, file: str) -> str:
    places = where(item.places, file)
    text = escaped(masked(item.text))
    return f"{text} <sub>{escaped(places)}</sub>" if places else text
