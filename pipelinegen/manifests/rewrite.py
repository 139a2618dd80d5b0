"""How a place is made to say the wanted version: which characters are replaced, inserted or removed."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelinegen.images.reference import is_tag
from pipelinegen.images.versions import reads_as_other
from pipelinegen.manifests.place import LeftAlone, Place, Span, Split, Whole
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.spans import Scalar, one_line, token_start, written_span

NOT_IN_PLACE = "written in a way that is not changed in place"
_STRING_TAGS = {None, "!", "tag:yaml.org,2002:str"}
_BASE_60 = re.compile(r"[0-9_]+(?::[0-9_.]+)+", re.ASCII)


class Expectation(NamedTuple):
    """What the proof is to find: the scalar that began at `at` and ended at `end` has become this, in order.

    values: one for a changed scalar, none for a removed one, more where scalars were inserted behind it.
    """

    at: int
    end: int
    values: tuple[str, ...]


class Change(NamedTuple):
    """Characters start..end give way to `new`; `before` and `after` are the values as a person reads them.

    at: the offset of the scalar that changes, for line and column.
    """

    at: int
    start: int
    end: int
    new: str
    before: str
    after: str
    expectations: tuple[Expectation, ...]


class Rewrite(NamedTuple):
    """The changes that a place needs (none: it is as wanted) and a note where not all of the request can be written."""

    changes: tuple[Change, ...] = ()
    note: str | None = None


def rewrite(source: Source, place: Place, request: Request) -> Rewrite | LeftAlone:
    """What makes `place` say what `request` wants; a reason where that cannot be written."""
    if place.tag == request.tag and request.digest is None and place.digest is not None:
        return Rewrite(note=f"already {request.tag}, pinned by its digest")
    form = place.form
    if isinstance(form, Whole):
        return _rewrite_whole(source, place, form, request)
    if isinstance(form, Span):
        return _rewrite_span(source, place, form, request)
    if isinstance(form, Split):
        return _rewrite_split(source, place, form, request)
    from pipelinegen.manifests.rewrite_entry import rewrite_entry

    return rewrite_entry(source, place, form, request)


def version_text(tag: str | None, digest: str | None) -> str:
    """`:TAG@DIGEST`, either part left out where it is absent."""
    return (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def _wanted(place: Place, request: Request) -> str:
    return version_text(request.tag or place.tag, request.digest)


def _rewrite_whole(source: Source, place: Place, form: Whole, request: Request) -> Rewrite | LeftAlone:
    scalar = form.scalar
    value = one_line(scalar)
    before, after = value[form.start :], _wanted(place, request)
    if before == after:
        return Rewrite()
    new_value = value[: form.start] + after
    expected = (Expectation(scalar.start, scalar.end, (new_value + scalar.value[len(value) :],)),)
    if not scalar.style and _needs_quotes(new_value):
        span: tuple[int, int] | None = (token_start(source.text, scalar), scalar.end)
        text = f'"{new_value}"'
    else:
        span = written_span(source.text, scalar, form.start, len(value))
        text = after
    if span is None:
        return LeftAlone(place.at, NOT_IN_PLACE, warn=True)
    return Rewrite((Change(place.at, *span, text, value, new_value, expected),))


def _rewrite_span(source: Source, place: Place, form: Span, request: Request) -> Rewrite:
    before, after = source.text[form.start : form.end], _wanted(place, request)
    if before == after:
        return Rewrite()
    name = source.text[place.at : form.start]
    return Rewrite((Change(place.at, form.start, form.end, after, name + before, name + after, ()),))


def _rewrite_split(source: Source, place: Place, form: Split, request: Request) -> Rewrite | LeftAlone:
    """Helm values and Argo CD parameters; a digest that gives way becomes empty, since an overlay must not uncover
    the digest of the values below it."""
    tag, digest, _ = form
    joined = tag is not None and "@" in tag.value
    values: list[tuple[Scalar, str]] = []
    note = None
    if tag is None and digest is not None:
        if request.digest is None:
            return LeftAlone(place.at, "only a digest stands here; give REPOSITORY@DIGEST or --pin-digest", warn=True)
        values.append((digest, request.digest))
        note = "the tag is not written: there is no key for it" if request.tag else None
    elif tag is not None and digest is None:
        if request.tag is None and not joined:
            return LeftAlone(place.at, "no digest stands beside the tag; give REPOSITORY:TAG@DIGEST", warn=True)
        keeps = request.digest is not None and joined
        wanted = (request.tag or place.tag or "") + (f"@{request.digest}" if keeps else "")
        values.append((tag, wanted))
        note = "the digest is not written: there is no key for it" if request.digest and not joined else None
    elif tag is not None and digest is not None:
        if request.tag is not None or joined:
            values.append((tag, request.tag or place.tag or ""))
        values.append((digest, request.digest or ""))
    changes = []
    for scalar, value in values:
        if says(scalar, value):
            continue
        change = replace_value(source, scalar, value)
        if change is None:
            return LeftAlone(scalar.start, NOT_IN_PLACE, warn=True)
        changes.append(change)
    return Rewrite(tuple(changes), note)


def says(scalar: Scalar, value: str) -> bool:
    """Whether readers find this very string: `tag: 1.10` is a number to them, though the characters are the same."""
    read_as_other = not scalar.style and value != "" and (scalar.json or _needs_quotes(value))
    return one_line(scalar) == value and not read_as_other


def replace_value(source: Source, scalar: Scalar, value: str) -> Change | None:
    """The change that gives a scalar another value, in the style it is written in; None where that cannot be done."""
    if scalar.tag not in _STRING_TAGS and not scalar.json:
        return None
    line = one_line(scalar)
    expected = (Expectation(scalar.start, scalar.end, (value + scalar.value[len(line) :],)),)
    span: tuple[int, int] | None
    if scalar.style in {"|", ">"}:
        span = written_span(source.text, scalar, 0, len(line)) if value else None
        new = value
    elif scalar.style:
        span = _inside_quotes(source.text, scalar)
        new = value
    else:
        span = _plain_span(source, scalar)
        new = plain(value, always_quoted=scalar.json)
        if span and span[0] == span[1] and source.text[span[0] - 1] not in {" ", "\t"}:
            new = f" {new}"
    return Change(scalar.start, *span, new, line, value, expected) if span else None


def _inside_quotes(text: str, scalar: Scalar) -> tuple[int, int] | None:
    start = token_start(text, scalar) + 1
    return None if "\n" in text[start : scalar.end] else (start, scalar.end - 1)


def _plain_span(source: Source, scalar: Scalar) -> tuple[int, int] | None:
    """Where a plain scalar is written; where nothing is written, the place behind the colon."""
    text, begin = source.text, token_start(source.text, scalar)
    if text[begin : scalar.end] != scalar.value:
        return None
    bare = scalar.start == scalar.end
    behind_colon = text[source.lines.start(begin) : begin].rstrip(" \t").endswith(":")
    return None if bare and not behind_colon else (begin, scalar.end)


def plain(value: str, *, always_quoted: bool) -> str:
    """A value that stands alone: quoted where a reader would take it for something else than this string."""
    return f'"{value}"' if always_quoted or not value or _needs_quotes(value) else value


def _needs_quotes(value: str) -> bool:
    """A tag by the table of readers; of longer texts only `12:30` is something else (YAML 1.1's base 60)."""
    return reads_as_other(value) if is_tag(value) else _BASE_60.fullmatch(value) is not None
