"""How an entry of kustomize's `images:` is made to say the wanted version: keys set, inserted, renamed or removed."""

from __future__ import annotations

from typing import NamedTuple

from pipelinegen.manifests.place import Entry, LeftAlone, Place
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.rewrite import NOT_IN_PLACE, Change, Expectation, Rewrite, plain, replace_value, says
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Mapping, Scalar, token_start


class _Parts(NamedTuple):
    """The scalars of an entry: the last of its names, and the version that stands there."""

    mapping: Mapping
    name: Scalar
    tag: Scalar | None
    digest: Scalar | None


def rewrite_entry(source: Source, place: Place, form: Entry, request: Request) -> Rewrite | LeftAlone:
    """The changes that the entry needs; a reason where it cannot be changed in place."""
    parts = _parts(form)
    if isinstance(parts, LeftAlone):
        return parts
    changes = list(_changes(source, parts, request))
    if None in changes:
        return LeftAlone(place.at, NOT_IN_PLACE, warn=True)
    return Rewrite(tuple(change for change in changes if change is not None))


def _parts(form: Entry) -> _Parts | LeftAlone:
    entry, name = form
    tag, digest = entry.get("newTag"), entry.get("digest")
    for part in (tag, digest, name):
        if part is not None and (not isinstance(part, Scalar) or part.style in {"|", ">"}):
            return LeftAlone(part.start, "the version of this entry is not a plain scalar", warn=True)
    found_tag, found_digest = (part if isinstance(part, Scalar) else None for part in (tag, digest))
    return _Parts(entry, name, found_tag, found_digest)


def _changes(source: Source, parts: _Parts, request: Request) -> list[Change | None]:
    entry, name, tag, digest = parts
    missing: list[tuple[str, str]] = []
    changes: list[Change | None] = []
    drop = digest is not None and digest.value != "" and request.tag is not None and request.digest is None
    if drop and digest is not None:
        gives_way = tag is None
        changes.append(_give_way(source, entry, digest, request.tag or "") if gives_way else _drop(source, parts))
        tag_wanted = None if gives_way else request.tag
    else:
        tag_wanted = request.tag
    for scalar, key, value in ((tag, "newTag", tag_wanted), (digest, "digest", request.digest)):
        if value is None:
            continue
        if scalar is None:
            missing.append((key, value))
        elif not says(scalar, value):
            changes.append(replace_value(source, scalar, value))
    if missing:
        behind_tag = tag is not None and missing[0][0] == "digest"
        after, value = (tag, tag_wanted or tag.value) if behind_tag and tag is not None else (name, name.value)
        changes.append(_insert(source, entry, after, value, missing))
    return changes


def _key_of(entry: Mapping, value: Scalar) -> Scalar:
    return next(key for key, other in entry.pairs if other is value and isinstance(key, Scalar))


def _give_way(source: Source, entry: Mapping, digest: Scalar, tag: str) -> Change | None:
    """`digest: sha256:…` becomes `newTag: …`; what stands between key and value stays."""
    text, key = source.text, _key_of(entry, digest)
    change = replace_value(source, digest, tag)
    if change is None or key.style in {"|", ">"}:
        return None
    start = token_start(text, key)
    quote = key.style or ""
    new = f"{quote}newTag{quote}{text[key.end : change.start]}{change.new}{text[change.end : digest.end]}"
    expected = (Expectation(key.start, key.end, ("newTag",)), *change.expectations)
    return Change(key.start, start, digest.end, new, f"digest: {digest.value}", f"newTag: {tag}", expected)


def _drop(source: Source, parts: _Parts) -> Change | None:
    """Remove `digest:` from an entry that has a tag; where that would move a comment or an anchor, empty it instead."""
    entry, digest = parts.mapping, parts.digest
    if digest is None:
        return None
    key = _key_of(entry, digest)
    span = _flow_pair(source, entry, key, digest) if entry.flow else _block_pair(source, entry, key, digest)
    if span is None or key.anchor is not None or digest.anchor is not None:
        return replace_value(source, digest, "")
    expected = (Expectation(key.start, key.end, ()), Expectation(digest.start, digest.end, ()))
    return Change(key.start, *span, "", f"digest: {digest.value}", "", expected)


def _flow_pair(source: Source, entry: Mapping, key: Scalar, value: Scalar) -> tuple[int, int] | None:
    index = next(index for index, (name, _) in enumerate(entry.pairs) if name is key)
    if index > 0:
        start, end = entry.pairs[index - 1][1].end, value.end
    else:
        start, end = key.start, entry.pairs[1][0].start
    return None if "#" in source.text[start:end] else (start, end)


def _block_pair(source: Source, entry: Mapping, key: Scalar, value: Scalar) -> tuple[int, int] | None:
    text, lines = source.text, source.lines
    line_start, line_end = lines.start(key.start), lines.end(value.end)
    before, after = text[line_start : key.start], text[value.end : line_end]
    if after.strip() or "#" in text[key.end : value.start]:
        return None
    if not before.strip():
        next_line = text.find("\n", value.end) + 1
        return (line_start, next_line) if next_line else (_end_of_line_before(text, line_start), line_end)
    index = next(index for index, (name, _) in enumerate(entry.pairs) if name is key)
    following = entry.pairs[index + 1][0].start if index + 1 < len(entry.pairs) else None
    if before.strip() == "-" and following is not None and not text[line_end:following].strip():
        return key.start, following
    return None


def _end_of_line_before(text: str, line_start: int) -> int:
    end = line_start - 1
    return end - 1 if text[end - 1] == "\r" else end


def _insert(source: Source, entry: Mapping, after: Scalar, value: str, pairs: list[tuple[str, str]]) -> Change | None:
    """Put `key: value` lines behind the line of a scalar, which says `value` by then; in a flow mapping, behind it."""
    text, lines = source.text, source.lines
    key = _key_of(entry, after)
    prefix = text[lines.start(key.start) : key.start]
    if not entry.flow and prefix.strip(" \t-"):
        return None
    quote = '"' if key.style == '"' else ""
    written = [f"{quote}{name}{quote}: {plain(version, always_quoted=after.json)}" for name, version in pairs]
    line_break = _line_break(text, after.end) + "".join(char if char == "\t" else " " for char in prefix)
    if entry.flow:
        at = after.end
        new = "".join(f",{' ' if prefix.strip() else line_break}{pair}" for pair in written)
    else:
        at = lines.end(after.end)
        new = "".join(line_break + pair for pair in written)
    inserted = tuple(part for pair in pairs for part in pair)
    # The proof takes the last expectation of a scalar, and this change comes behind the one of the scalar itself.
    expected = (Expectation(after.start, after.end, (value, *inserted)),)
    return Change(after.start, at, at, new, "", ", ".join(f"{name}: {version}" for name, version in pairs), expected)


def _line_break(text: str, near: int) -> str:
    at = text.find("\n", near)
    at = at if at >= 0 else text.rfind("\n")
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"
