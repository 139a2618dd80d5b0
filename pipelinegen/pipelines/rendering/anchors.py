"""What jobs have in common is written once: equal steps and scripts of a YAML text become anchors and aliases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# A step (GitHub) or a script (GitLab) of fewer lines is read faster where it stands.
_FEWEST = 3
_LONGEST = 48
_ITEM = re.compile(r"( *)- (?:name: (?P<step>.+)|(?P<script>\|))")
_TEXT = re.compile(r"( *)\S.*: [|>][-+0-9]*")  # what stands in it looks like YAML, and is none
_RUN = re.compile(r"( *)run: \|")


class _Chunk(NamedTuple):
    """Lines from first up to last (excluded) that are a node of its own."""

    first: int
    last: int
    name: str


def anchored(text: str) -> str:
    """The same document, with equal steps, and equal scripts of steps, written where they first occur."""
    lines = text.splitlines()
    names: Counter[str] = Counter()
    lines = _shared(lines, list(_items(lines)), names)
    lines = _shared(lines, list(_runs(lines)), names)
    return "\n".join(lines) + "\n"


def _items(lines: Sequence[str]) -> Iterator[_Chunk]:
    """Items of lists that begin with a name, or are a script whose first line is a comment."""
    at = 0
    while at < len(lines):
        item = _ITEM.fullmatch(lines[at])
        deeper = item or _TEXT.fullmatch(lines[at])
        last = _end(lines, at, len(deeper[1])) if deeper else at + 1
        if item:
            title = item["step"] or (lines[at + 1].strip().lstrip("# ") if at + 1 < last else "")
            yield _Chunk(at, last, title)
        at = last


def _runs(lines: Sequence[str]) -> Iterator[_Chunk]:
    """The scripts of steps, by the names of the steps."""
    title = ""
    at = 0
    while at < len(lines):
        named, run = re.fullmatch(r" *(?:- )?name: (.+)", lines[at]), _RUN.fullmatch(lines[at])
        title = named[1] if named else title
        last = _end(lines, at, len(run[1])) if run else at + 1
        if run:
            yield _Chunk(at, last, f"{title} script")
        at = last


def _end(lines: Sequence[str], at: int, indent: int) -> int:
    """Behind the last line that is indented deeper than the node's own."""
    last = at + 1
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            break
        last = number + 1 if line.strip() else last
    return last


def _shared(lines: Sequence[str], chunks: Sequence[_Chunk], names: Counter[str]) -> list[str]:
    """The lines, with the first of equal chunks anchored, and aliases in place of the others."""
    counted = Counter(_content(lines, chunk) for chunk in chunks)
    anchors: dict[tuple[str, ...], str] = {}
    found: list[str] = []
    at = 0
    for chunk in chunks:
        content = _content(lines, chunk)
        found += lines[at : chunk.first]
        at = chunk.last
        if counted[content] < 2 or len(content) < _FEWEST:
            found += content
        elif content in anchors:
            found.append(_head(content[0]) + f"*{anchors[content]}")
        else:
            anchors[content] = _name(chunk.name, names)
            found += _with_anchor(content, anchors[content])
    return [*found, *lines[at:]]


def _content(lines: Sequence[str], chunk: _Chunk) -> tuple[str, ...]:
    return tuple(lines[chunk.first : chunk.last])


def _head(line: str) -> str:
    """What stands before the node: its indentation with `- ` or `run: `."""
    head = re.match(r" *(?:- |run: )", line)
    return head[0] if head else ""


def _with_anchor(content: tuple[str, ...], name: str) -> list[str]:
    head = _head(content[0])
    rest = content[0][len(head) :]
    if rest == "|":
        return [f"{head}&{name} |", *content[1:]]
    return [f"{head}&{name}", " " * len(head) + rest, *content[1:]]


def _name(title: str, names: Counter[str]) -> str:
    words = re.findall(r"[a-z0-9]+", title.lower())
    while len("-".join(words)) > _LONGEST:
        words.pop()
    name = "-".join(words) or "shared"
    names[name] += 1
    return name if names[name] == 1 else f"{name}-{names[name]}"
