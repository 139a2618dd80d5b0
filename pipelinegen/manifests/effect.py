"""Which fields of which objects differ between two renderings of manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from pipelinegen.manifests.kustomize.objects import Value, documents, mapping, text
from pipelinegen.manifests.source import Refused, read_source

MAX_SHOWN = 200

Key: TypeAlias = "tuple[str, str, str, str]"


class Change(NamedTuple):
    """A field of an object that is another after the edit; None: it is not there. An empty field: the whole object."""

    source: str
    object: str
    field: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        what = f"{self.object} {self.field}".rstrip()
        if not self.field:
            return f"{what}: {'added' if self.old is None else 'removed'}"
        return f"{what}: {'(none)' if self.old is None else self.old} -> {'(none)' if self.new is None else self.new}"


def compare(source: str, old: bytes, new: bytes) -> list[Change]:
    """The changes from one rendering to the other. Raises Refused, Unparsable for what is no manifest."""
    pieces = _pieces(old), _pieces(new)
    was = _objects(piece for piece in pieces[0] if piece not in pieces[1])
    now = _objects(piece for piece in pieces[1] if piece not in pieces[0])
    changes: list[Change] = []
    for key in (*was, *(key for key in now if key not in was)):
        label = _label(key)
        if key in was and key in now:
            hidden = key[1] == "Secret"
            for field, before, after in _differences("", was[key], now[key]):
                changes.append(Change(source, label, field, _told(before, hidden), _told(after, hidden)))
        else:
            changes.append(Change(source, label, "", *(None if key not in side else "present" for side in (was, now))))
    return changes


def _pieces(output: bytes) -> dict[bytes, None]:
    """The documents as they are written: only those that differ are parsed."""
    return dict.fromkeys(piece.strip(b"\n") for piece in (b"\n" + output).split(b"\n---"))


def _objects(pieces: Iterable[bytes]) -> dict[Key, Value]:
    found: dict[Key, Value] = {}
    for piece in pieces:
        source = read_source("output.yaml", piece)
        if source.form != "yaml":
            raise Refused("not YAML")
        for document in documents(source):
            metadata = mapping(mapping(document).get("metadata"))
            if isinstance(document, dict):
                words = [text(document.get("apiVersion")), text(document.get("kind"))]
                found[words[0], words[1], text(metadata.get("namespace")), text(metadata.get("name"))] = document
    return found


def _label(key: Key) -> str:
    _, kind, namespace, name = key
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _differences(field: str, old: Value, new: Value) -> Iterator[tuple[str, Value, Value]]:
    """The leaves that differ; items of lists are paired by name where all have one, else by position."""
    if isinstance(old, list) and isinstance(new, list):
        old, new = _by_name(old, new)
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new or (old is None) != (new is None):
            yield field.removeprefix("."), old, new
        return
    for key in (*old, *(key for key in new if key not in old)):
        step = key if key.startswith("[") else f".{key}"
        yield from _differences(field + step, old.get(key), new.get(key))


def _by_name(old: list[Value], new: list[Value]) -> tuple[dict[str, Value], dict[str, Value]]:
    names = [[text(mapping(item).get("name")) for item in items] for items in (old, new)]
    if not all(all(found) and len(set(found)) == len(found) for found in names):
        names = [[str(at) for at in range(len(items))] for items in (old, new)]
    keyed = [
        {f"[{name}]": item for name, item in zip(found, items, strict=True)}
        for found, items in zip(names, (old, new), strict=True)
    ]
    return keyed[0], keyed[1]


def _told(value: Value, hidden: bool) -> str | None:
    if value is None:
        return None
    return "***" if hidden else _shortened(_flat(value))


def _flat(value: Value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flat(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return "null" if value is None else str(value)


def _shortened(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
