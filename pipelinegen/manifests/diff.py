"""The unified diff of a plan. Its hunks follow from the edits, so no search for differences is needed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pipelinegen.manifests.plan import Edit
from pipelinegen.manifests.source import BOM

CONTEXT = 3


class _Block(NamedTuple):
    """Lines first..last (from 0, last excluded) of the old text give way to `new`."""

    first: int
    last: int
    new: list[str]


def unified(file: str, old: str, edits: Sequence[Edit]) -> Iterator[str]:
    """The lines of the diff of one file (without line breaks), as `git diff` writes it and `git apply` reads it."""
    lines = _split(old)
    blocks = _joined(_blocks(lines, edits))
    if not blocks:
        return
    yield f"--- {_quoted('a/' + file)}"
    yield f"+++ {_quoted('b/' + file)}"
    shift = 0
    for hunk in _hunks(blocks):
        first = max(hunk[0].first - CONTEXT, 0)
        last = min(hunk[-1].last + CONTEXT, len(lines))
        added = sum(len(block.new) - (block.last - block.first) for block in hunk)
        yield f"@@ -{_range(first, last - first)} +{_range(first + shift, last - first + added)} @@"
        at = first
        for block in hunk:
            yield from _marked(" ", lines[at : block.first])
            yield from _marked("-", lines[block.first : block.last])
            yield from _marked("+", block.new)
            at = block.last
        yield from _marked(" ", lines[at:last])
        shift += added


def unified_texts(file: str, old: str, new: str) -> Iterator[str]:
    """The same for two texts, where no edits say what differs."""
    from difflib import unified_diff

    for line in unified_diff(_split(old), _split(new), _quoted(f"a/{file}"), _quoted(f"b/{file}")):
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


def with_bom(lines: Iterator[str]) -> Iterator[str]:
    """The diff of a file that begins with a byte order mark, which texts are read without."""
    waiting = ""
    for line in lines:
        if line[:1] and line[0] in waiting:
            waiting = "+" if line[0] == "-" else ""
            yield f"{line[0]}{BOM}{line[1:]}"
            continue
        if line.startswith(("@@ -1 ", "@@ -1,")):
            waiting = " -+"
        yield line


def _split(text: str) -> list[str]:
    parts = [f"{line}\n" for line in text.split("\n")]
    last = parts.pop()[:-1]
    return [*parts, last] if last else parts


def _blocks(lines: list[str], edits: Sequence[Edit]) -> Iterator[_Block]:
    """Whole lines around the edits; edits that share a line share a block."""
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line)
    starts.append(at)
    index = 0
    while index < len(edits):
        first = _line_of(starts, edits[index].start)
        last = first
        parts: list[str] = []
        at = starts[first]
        while index < len(edits) and (not parts or edits[index].start < starts[last]):
            edit = edits[index]
            last = max(last, _line_of(starts, max(edit.end - 1, edit.start)) + 1)
            parts += [_slice(lines, starts, at, edit.start), edit.new]
            at = edit.end
            index += 1
        parts.append(_slice(lines, starts, at, starts[last]))
        yield _trimmed(first, lines[first:last], _split("".join(parts)))


def _joined(blocks: Iterable[_Block]) -> list[_Block]:
    """Blocks of lines that follow each other as one: first all that go, then all that come, as git shows them."""
    joined: list[_Block] = []
    for block in blocks:
        if joined and joined[-1].last == block.first:
            before = joined.pop()
            before.new.extend(block.new)
            joined.append(_Block(before.first, block.last, before.new))
        else:
            joined.append(block)
    return joined


def _line_of(starts: list[int], offset: int) -> int:
    return max(min(bisect_right(starts, offset) - 1, len(starts) - 2), 0)


def _slice(lines: list[str], starts: list[int], start: int, end: int) -> str:
    first = _line_of(starts, start)
    parts = []
    while first < len(lines) and starts[first] < end:
        begin = max(start - starts[first], 0)
        parts.append(lines[first][begin : end - starts[first]])
        first += 1
    return "".join(parts)


def _trimmed(first: int, old: list[str], new: list[str]) -> _Block:
    """Without the lines that both begin or end with (the line that another was inserted behind)."""
    while old and new and old[0] == new[0]:
        old, new, first = old[1:], new[1:], first + 1
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return _Block(first, first + len(old), new)


def _hunks(blocks: list[_Block]) -> Iterator[list[_Block]]:
    hunk = [blocks[0]]
    for block in blocks[1:]:
        if block.first - hunk[-1].last > 2 * CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    yield hunk


def _range(first: int, count: int) -> str:
    start = first + 1 if count else first
    return str(start) if count == 1 else f"{start},{count}"


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield mark + line.removesuffix("\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


def _quoted(path: str) -> str:
    """As git quotes a path that holds quotes, backslashes or control characters."""
    if not any(char in '"\\' or char < " " or char == "\x7f" for char in path):
        return path
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(c, f"\\{ord(c):03o}" if c < " " or c == "\x7f" else c) for c in path) + '"'
