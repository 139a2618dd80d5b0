"""Text files named in the configuration: whole quoted strings and whole words that are references."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelinegen.images.reference import normalise, split
from pipelinegen.manifests.locate.scalar import is_image_key
from pipelinegen.manifests.place import Found, LeftAlone, Place, Span
from pipelinegen.manifests.source import Source

_WORD = re.compile(r"""(?:^|(?<=[\s"'=(\[{,;]))[^\s"'=()\[\]{},;#]+(?=$|[\s"')\]},;])""", re.MULTILINE)
_COMMENT = re.compile(r"[ \t]*(?:#|//|;|--)")
_KEY = re.compile(r"""([\w.-]+)["']?[ \t]*[:=]?[ \t]*["']?$""")


def locate_text(source: Source, names: re.Pattern[str]) -> Iterator[Found]:
    """Words that are references; a word of a comment, or a part of a longer word, is left alone."""
    for match in _WORD.finditer(source.text):
        if names.search(match[0]):
            yield _place(source, match)


def _place(source: Source, match: re.Match[str]) -> Found:
    start = match.start()
    line = source.text[source.lines.start(start) : start]
    if _COMMENT.match(line):
        return LeftAlone(start, "in a comment")
    parts = split(match[0])
    repository = normalise(parts[0]) if parts else None
    if parts is None or repository is None:
        return LeftAlone(start, "part of another word, not a reference")
    name, tag, digest = parts
    if "/" not in name and not _names_image(line):
        return LeftAlone(start, "a single word counts only after FROM or a key that is or ends in `image`")
    if tag is None and digest is None:
        return LeftAlone(start, "names the repository without a version")
    return Place("text", repository, name, tag, digest, Span(start + len(name), match.end()), start)


def _names_image(before: str) -> bool:
    key = _KEY.search(before)
    return key is not None and (key[1].upper() == "FROM" or is_image_key(key[1]))
