"""Adding an entry to the `images:` of a kustomization: one insertion, every other byte as it was, proved by reading."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from pipelinegen.errors import InputError
from pipelinegen.images.reference import is_tag
from pipelinegen.manifests.kustomize.objects import Value, documents, mapping, sequence
from pipelinegen.manifests.source import Refused, Source, read_source
from pipelinegen.manifests.spans import Mapping, Node, Scalar, Sequence, Unparsable
from pipelinegen.manifests.tree import Tree, Unreadable

Fields: TypeAlias = "dict[str, str]"
Quote: TypeAlias = Callable[[str], str]

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
_FLOW_MARKS = frozenset(":,[]{}#&*!|>'\"%@` ")


class Insertion(NamedTuple):
    """A text that a file gets at an offset (code points of its text without BOM)."""

    path: str
    offset: int
    text: str


def overlay_entry(
    tree: Tree, kustomization: str, written_name: str, tag: str | None, digest: str | None, quote: Quote
) -> Insertion:
    """The insertion that makes `images:` of a kustomization end in an entry for `written_name`.

    quote: how a value is written where it stands alone. Raises InputError for a file in which it cannot be done by an
    insertion alone.
    """
    source = _read(tree, kustomization)
    fields = {"name": written_name} | ({"newTag": tag} if tag else {}) | ({"digest": digest} if digest else {})
    for offset, text in _candidates(source, fields, quote):
        if _proved(source, offset, text, fields):
            return Insertion(kustomization, offset, text)
    raise _refused(source, "an `images:` entry cannot be added by an insertion alone", _images_offset(source))


def insert(data: bytes, insertion: Insertion) -> bytes:
    """The bytes of a file with the insertion made."""
    source = read_source(insertion.path, data)
    return source.encode(source.text[: insertion.offset] + insertion.text + source.text[insertion.offset :])


def _read(tree: Tree, path: str) -> Source:
    try:
        source = read_source(path, tree.read(path))
    except KeyError:
        raise InputError("there is no such kustomization", id="bad-path", where=path) from None
    except Unreadable as unreadable:
        raise InputError(unreadable.reason, id="file-refused", where=path) from None
    except Refused as refused:
        where = f"{path}:{refused.line}:{refused.column}"
        raise InputError(refused.reason, id="file-refused", where=where) from None
    if source.form not in {"yaml", "json"}:
        raise InputError("a template, not a kustomization", id="file-refused", where=path)
    return source


def _refused(source: Source, reason: str, offset: int) -> InputError:
    return InputError(
        reason,
        id="file-refused",
        where="{}:{}:{}".format(source.path, *source.place(offset)),
        next="add the entry by hand once; from then on it is changed in place",
    )


def _images_offset(source: Source) -> int:
    root = source.documents[0] if source.documents else None
    images = root.get("images") if isinstance(root, Mapping) else None
    return images.start if images is not None else 0


def _candidates(source: Source, fields: Fields, quote: Quote) -> Iterator[tuple[int, str]]:
    """Insertions in the order of their beauty; only those that the proof accepts are made."""
    root = source.documents[0] if source.documents else None
    if isinstance(root, Mapping):
        images = root.get("images")
        if images is not None and root.repeats("images"):
            raise _refused(source, "`images:` stands there more than once", images.start)
        if isinstance(images, Sequence):
            yield (
                _into_flow(source, images, fields, quote) if images.flow else _into_block(source, images, fields, quote)
            )
        elif images is not None:
            yield from _below_key(source, root, images, fields, quote)
        elif root.flow:
            pair = f"{_key(source, root, 'images')}: [{_flow_item(source, root, fields, quote)}]"
            yield _append_flow(source, [key for key, _ in root.pairs], _last_end(root), root.end, pair)
        else:
            yield from _new_block(source, root, fields, quote)
    elif root is None or (isinstance(root, Scalar) and root.start == root.end):
        yield from _new_block(source, None, fields, quote)


def _proved(source: Source, offset: int, text: str, fields: Fields) -> bool:
    """Whether the file read again differs only in the one entry at the end of `images:`."""
    changed = source.encode(source.text[:offset] + text + source.text[offset:])
    try:
        before = documents(source)
        after = documents(read_source(source.path, changed))
    except (Refused, Unparsable):
        return False
    wanted: dict[str, Value] = dict(mapping(before[0] if before else None))
    images = [*sequence(wanted.get("images")), dict(fields)]
    # A missing or empty `images:` becomes a list; nothing else may differ.
    return _plain([{**wanted, "images": images}, *before[1:]]) == _plain(after)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if value is None else str(value)


def _into_block(source: Source, images: Sequence, fields: Fields, quote: Quote) -> tuple[int, str]:
    """After the last item, in its indentation and style."""
    last = images.items[-1]
    prefix = source.text[source.lines.start(last.start) : last.start]
    dash, _, gap = prefix.partition("-")
    if dash.strip() or gap.strip() or not gap or "\t" in prefix:
        dash, gap = " " * (source.place(images.start)[1] - 1), " "
    if isinstance(last, Mapping) and last.flow:
        item = f"{dash}-{gap}{_flow_item(source, last, fields, quote)}"
    else:
        item = _block_item(source, dash, gap, fields, quote)
    end = _end(last)
    if end and source.text[end - 1] == "\n":
        # Only a block scalar ends behind its line break.
        return end, item + _line_break(source)
    return source.lines.end(end), _line_break(source) + item


def _block_item(source: Source, dash: str, gap: str, fields: Fields, quote: Quote) -> str:
    separator = _line_break(source) + dash + " " * (1 + len(gap))
    return f"{dash}-{gap}" + separator.join(f"{key}: {_value(value, quote)}" for key, value in fields.items())


def _value(value: str, quote: Quote) -> str:
    """Names with a slash and digests are strings to every reader; a tag or a one-word name may not be."""
    return quote(value) if is_tag(value) else value


def _into_flow(source: Source, images: Sequence, fields: Fields, quote: Quote) -> tuple[int, str]:
    item = _flow_item(source, images, fields, quote)
    return _append_flow(source, images.items, _last_end(images), images.end, item)


def _append_flow(source: Source, starts: list[Node], last_end: int, end: int, text: str) -> tuple[int, str]:
    """Behind the last part of a flow collection, on a line of its own where that one has its own."""
    if not starts:
        return end - 1, text
    begin = source.lines.start(starts[-1].start)
    prefix = source.text[begin : starts[-1].start]
    return last_end, f",{_line_break(source)}{prefix}{text}" if not prefix.strip() and begin else f", {text}"


def _below_key(source: Source, root: Mapping, images: Node, fields: Fields, quote: Quote) -> Iterator[tuple[int, str]]:
    """`images:` without a value: the list is put below it."""
    if not isinstance(images, Scalar) or images.start != images.end or images.style:
        raise _refused(source, "`images:` is not a list", images.start)
    if root.flow:
        yield images.end, f" [{_flow_item(source, root, fields, quote)}]"
        return
    item = _block_item(source, _root_indent(source, root) + _list_indent(source, root), " ", fields, quote)
    yield source.lines.end(images.end), _line_break(source) + item


def _new_block(source: Source, root: Mapping | None, fields: Fields, quote: Quote) -> Iterator[tuple[int, str]]:
    """`images:` at the end of the first document: before blank lines, behind them, before the last key."""
    text, line_break = source.text, _line_break(source)
    indent = _root_indent(source, root) if root is not None else ""
    dash = indent + _list_indent(source, root) if root is not None else ""
    block = f"{indent}images:{line_break}{_block_item(source, dash, ' ', fields, quote)}"
    marker = _MARKER.search(text, root.start) if root is not None else None
    if root is None and source.documents and len(source.documents) > 1:
        return
    end = marker.start() if marker is not None else len(text)
    filled = len(text[:end].rstrip())
    for at in (text.find("\n", filled, end) + 1 or end, end):
        if at == 0 or text[at - 1] == "\n":
            yield at, block + line_break
        else:
            # The missing line break at the end of the file stays missing.
            yield at, line_break + block
    if root is not None:
        yield source.lines.start(root.pairs[-1][0].start), block + line_break


def _root_indent(source: Source, root: Mapping) -> str:
    first = root.pairs[0][0].start
    prefix = source.text[source.lines.start(first) : first]
    return prefix if not prefix.strip() else ""


def _list_indent(source: Source, root: Mapping) -> str:
    """How far the file's other lists stand in from their keys."""
    for key, value in root.pairs:
        if isinstance(value, Sequence) and not value.flow and source.text.startswith("-", value.start):
            return " " * max(source.place(value.start)[1] - source.place(key.start)[1], 0)
    return ""


def _flow_item(source: Source, near: Node, fields: Fields, quote: Quote) -> str:
    pairs = (f"{_key(source, near, key)}: {_flow_value(source, near, value, quote)}" for key, value in fields.items())
    return "{" + ", ".join(pairs) + "}"


def _key(source: Source, near: Node, key: str) -> str:
    return json.dumps(key) if _is_json(source, near) else key


def _flow_value(source: Source, near: Node, value: str, quote: Quote) -> str:
    written = _value(value, quote)
    plain = written == value and _FLOW_MARKS.isdisjoint(value)
    return written if not _is_json(source, near) and (plain or written != value) else json.dumps(value)


def _is_json(source: Source, near: Node) -> bool:
    """Whether keys are quoted there, as JSON demands it."""
    if source.form == "json":
        return True
    mappings = [near, *(near.items if isinstance(near, Sequence) else ())]
    root = source.documents[0] if source.documents else None
    mappings += [root] if isinstance(root, Mapping) and root.flow else []
    keys = [key for found in mappings if isinstance(found, Mapping) for key, _ in found.pairs]
    return bool(keys) and all(isinstance(key, Scalar) and key.style == '"' for key in keys)


def _last_end(node: Node) -> int:
    """Where the text of a node ends: libyaml ends block collections, and flow ones at their bracket, later."""
    if isinstance(node, Mapping) and node.pairs:
        return _end(node.pairs[-1][1])
    if isinstance(node, Sequence) and node.items:
        return _end(node.items[-1])
    return node.end


def _end(node: Node) -> int:
    block = isinstance(node, (Mapping, Sequence)) and not node.flow
    return _last_end(node) if block else node.end


def _line_break(source: Source) -> str:
    return "\r\n" if "\r\n" in source.text else "\n"
