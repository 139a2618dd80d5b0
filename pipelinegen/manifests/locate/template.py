"""Templates, which are not YAML: lines of the form `image: REPOSITORY:TAG` with no template in the reference."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelinegen.images.reference import normalise, split
from pipelinegen.manifests.place import Found, LeftAlone, Place, Span
from pipelinegen.manifests.source import Source

_LINE = re.compile(
    r"""^[ \t]*(?:-[ \t]+)?(["']?)(?:[\w.-]*(?:image|Image|_IMAGE))\1[ \t]*:"""
    r"""[ \t]*(["']?)([^\s"'#{}]+)\2[ \t]*,?[ \t]*(?:\#.*)?\r?$""",
    re.MULTILINE,
)


# Comments of Go templates, Jinja and ERB, which may go over lines.
_COMMENTS = (("{{/*", "*/"), ("{{- /*", "*/"), ("{#", "#}"), ("<%#", "%>"))


def locate_template(source: Source, names: re.Pattern[str]) -> Iterator[Found]:
    """The lines that hold a plain reference; every other line with the name is left alone."""
    claimed = set()
    for match in _lines(source.text):
        place = _place(match, names)
        if place is not None:
            claimed.add(source.place(place.at)[0])
            yield place
    for found in names.finditer(source.text):
        line, _ = source.place(found.start())
        if line not in claimed:
            claimed.add(line)
            yield LeftAlone(found.start(), "in a template, and not a line `image: REPOSITORY:TAG`")


def _lines(text: str) -> Iterator[re.Match[str]]:
    """The lines that look right and stand in no comment."""
    comments = sorted(_comments(text))
    at = 0
    for match in _LINE.finditer(text):
        while at < len(comments) and comments[at][1] < match.start():
            at += 1
        if at == len(comments) or comments[at][0] > match.start(3):
            yield match


def _comments(text: str) -> Iterator[tuple[int, int]]:
    for opening, closing in _COMMENTS:
        start = text.find(opening)
        while start >= 0:
            end = text.find(closing, start)
            if end < 0:
                break
            yield start, end
            start = text.find(opening, end)


def _place(match: re.Match[str], names: re.Pattern[str]) -> Place | None:
    value = match[3]
    parts = split(value) if names.search(value) else None
    repository = normalise(parts[0]) if parts else None
    if parts is None or repository is None or (parts[1] is None and parts[2] is None):
        return None
    name, tag, digest = parts
    start = match.start(3) + len(name)
    return Place("template", repository, name, tag, digest, Span(start, match.end(3)), match.start(3))
