"""Text files named in the configuration: whole quoted strings and whole words that are references."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelinegen.images.reference import normalise, split
from pipelinegen.manifests.locate.scalar import is_image_key
from pipelinegen.manifests.place import Found, LeftAlone, Place, Span
from pipelinegen.manifests.source import Source

_WORD = re.compile(r"""(?:^|(?<=[\s"'=(\[{,;]))[^\s"'=()\[\]{},;#]+(?=$|[\s"')\]},;])""", re.MULTILINE)
# Over lines (Terraform), or a whole line (shell, INI, Lua), or, behind a blank, the rest of one.
_COMMENT = re.compile(r"^[ \t]*(?:(/\*)|#|//|;|--)|[ \t](?:#|//)", re.MULTILINE)
_FROM = re.compile(r"[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*", re.IGNORECASE)
_KEY = re.compile(r"""([\w.-]+)["']?[ \t]*[:=]?[ \t]*["']?$""")
_KEY_LENGTH = 256


def locate_text(source: Source, names: re.Pattern[str]) -> Iterator[Found]:
    """Words that are references; a word of a comment, or a part of a longer word, is left alone."""
    words = [match for match in _WORD.finditer(source.text) if names.search(match[0])]
    comments = _comments(source) if words else iter(())
    start = end = -1
    for match in words:
        while end <= match.start():
            start, end = next(comments, (len(source.text), len(source.text) + 1))
        yield LeftAlone(match.start(), "in a comment") if start < match.start() else _place(source, match)


def _comments(source: Source) -> Iterator[tuple[int, int]]:
    """Where the comments are, in the order of the text."""
    text, at = source.text, 0
    while comment := _COMMENT.search(text, at):
        end = text.find("*/", comment.end()) if comment[1] else source.lines.end(comment.end())
        at = len(text) if end < 0 else end
        yield comment.start(), at


def _place(source: Source, match: re.Match[str]) -> Found:
    start = match.start()
    parts = split(match[0])
    repository = normalise(parts[0]) if parts else None
    if parts is None or repository is None:
        return LeftAlone(start, "part of another word, not a reference")
    name, tag, digest = parts
    if "/" not in name and not _names_image(source, start):
        return LeftAlone(start, "a single word counts only after FROM or a key that is or ends in `image`")
    if tag is None and digest is None:
        return LeftAlone(start, "names the repository without a version")
    return Place("text", repository, name, tag, digest, Span(start + len(name), match.end()), start)


def _names_image(source: Source, start: int) -> bool:
    before = source.text[max(source.lines.start(start), start - _KEY_LENGTH) : start]
    key = _KEY.search(before)
    return _FROM.fullmatch(before) is not None or (key is not None and is_image_key(key[1]))
