"""Applying a plan to bytes, and the proof that nothing else changed.

The proof: both versions of a file are parsed, and the two streams of events differ in exactly the planned scalars.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TypeAlias

from pipelinegen.errors import Defect, WorldError
from pipelinegen.manifests.plan import Edit, NewEntry, Plan
from pipelinegen.manifests.source import Refused, Source, read_source
from pipelinegen.manifests.sources import Sources, sources_of
from pipelinegen.manifests.spans import Alias, Mapping, Node, Scalar
from pipelinegen.manifests.spans import Sequence as NodeSequence
from pipelinegen.manifests.tree import Tree, Unreadable

Event: TypeAlias = tuple[str | None, ...]


def apply(plan: Plan, files: Tree | Sources) -> dict[str, bytes]:
    """The new bytes of each file of the plan, proved. Raises WorldError if a file is no longer what was planned on."""
    sources = sources_of(files)
    contents = {}
    for file, group in groupby(plan.edits, key=lambda edit: edit.file):
        edits = list(group)
        try:
            source = sources.source(file, text_file=any(edit.kind == "text" for edit in edits))
        except (KeyError, Unreadable, Refused):
            raise _changed(file) from None
        changed = splice(source, [edit for edit in edits if edit.entry is None])
        entries = [edit.entry for edit in edits if edit.entry is not None]
        contents[file] = _with_entries(sources, file, changed, entries) if entries else changed
    return contents


def _with_entries(sources: Sources, file: str, data: bytes, entries: Sequence[NewEntry]) -> bytes:
    """A kustomization with new `images:` entries, each insertion proved by itself."""
    from pipelinegen.manifests.overlays import insert, overlay_entry
    from pipelinegen.manifests.renderings import Replaced
    from pipelinegen.manifests.rewrite import plain

    quote = partial(plain, always_quoted=False)
    for entry in entries:
        tree = Replaced(sources.tree, {file: data})
        data = insert(data, overlay_entry(tree, file, entry.name, entry.tag, entry.digest, quote))
    return data


def splice(source: Source, edits: Sequence[Edit]) -> bytes:
    """The bytes of a file with its edits made, proved. Raises WorldError, Defect."""
    textual = source.form in {"text", "template"}
    text = _replace(source, edits)
    new = source.encode(text)
    if not textual:
        prove(source, new, edits)
    return new


def _replace(source: Source, edits: Sequence[Edit]) -> str:
    parts, at = [], 0
    for edit in edits:
        if edit.start < at or source.text[edit.start : edit.end] != edit.old:
            raise _changed(f"{source.path}:{edit.line}:{edit.column}")
        parts += [source.text[at : edit.start], edit.new]
        at = edit.end
    parts.append(source.text[at:])
    return "".join(parts)


def _changed(where: str) -> WorldError:
    return WorldError(
        "the file changed between planning and writing",
        id="changed-meanwhile",
        where=where,
        next="run the command again",
    )


def _changed_meanwhile(edit: Edit) -> WorldError:
    return WorldError(
        "the file changed between planning and writing",
        id="changed-meanwhile",
        where=f"{edit.file}:{edit.line}:{edit.column}",
        next="run the command again",
    )


def prove(source: Source, new: bytes, edits: Sequence[Edit]) -> None:
    """Raises Defect unless the new bytes parse to the same events, but for the expected scalars."""
    for edit in edits:
        if not _stays_inside(edit):
            raise _unproved(source.path, edit.line, "an edit reaches beyond its scalars")
    try:
        changed = read_source(source.path, new)
    except Refused as error:
        raise _unproved(source.path, error.line, error.reason) from None
    expected = {(item.at, item.end): item.values for edit in edits for item in edit.expectations}
    before = _events(source.documents, expected)
    for wanted, (found, node) in zip(before, _with_end(_events_of(changed.documents)), strict=False):
        if wanted != found:
            line = changed.place(node.start)[0] if node is not None else 1
            raise _unproved(source.path, line, f"expected {wanted}, found {found}")
    if expected:
        raise _unproved(source.path, 1, f"{len(expected)} planned scalars are not there")


def _stays_inside(edit: Edit) -> bool:
    """What events cannot show: comments, and the blanks around a scalar that gets another value."""
    if edit.old.count("#") != edit.new.count("#"):
        return False
    if len(edit.expectations) != 1:
        return bool(edit.expectations)
    expected = edit.expectations[0]
    if len(expected.values) > 1:
        return edit.start == edit.end >= expected.end
    return expected.at <= edit.start and edit.end <= expected.end


def _unproved(file: str, line: int, reason: str) -> Defect:
    return Defect(
        f"the change could not be proved to touch nothing else, so nothing was written: {reason}",
        id="unproved",
        where=f"{file}:{line}",
        next="report this file's lines around it; --path can leave the file out meanwhile",
    )


def _events(documents: Sequence[Node], expected: dict[tuple[int, int], tuple[str, ...]]) -> Iterator[Event]:
    """The events that the new version must have; takes out of `expected` what was met."""
    for event, node in _with_end(_events_of(documents)):
        values = (
            expected.pop((node.start, node.end), None) if isinstance(node, Scalar) and event[0] == "scalar" else None
        )
        if values is None:
            yield event
            continue
        for index, value in enumerate(values):
            # The first is the scalar that stood there, with its tag and anchor; the others are new and have none.
            yield ("scalar", value, *event[2:]) if index == 0 else ("scalar", value, None, None)


def _with_end(events: Iterator[tuple[Event, Node | None]]) -> Iterator[tuple[Event, Node | None]]:
    yield from events
    yield ("end",), None


def _events_of(documents: Sequence[Node]) -> Iterator[tuple[Event, Node | None]]:
    """Leaf by leaf; a block scalar that holds documents is taken apart into theirs."""
    for document in documents:
        yield ("document",), document
        pending: list[Node | Event] = [document]
        while pending:
            node = pending.pop()
            if isinstance(node, tuple):
                yield node, None
            elif isinstance(node, Scalar):
                if node.nested:
                    yield ("holder", node.tag, node.anchor), node
                    pending += [("/holder",), *reversed(node.nested)]
                else:
                    yield ("scalar", node.value, node.tag, node.anchor), node
            elif isinstance(node, Alias):
                yield ("alias", node.name), node
            elif isinstance(node, Mapping):
                yield ("mapping", node.tag, node.anchor, str(node.flow)), node
                pending.append(("/mapping",))
                for key, value in reversed(node.pairs):
                    pending += [value, key]
            elif isinstance(node, NodeSequence):
                yield ("sequence", node.tag, node.anchor, str(node.flow)), node
                pending += [("/sequence",), *reversed(node.items)]
