"""What a 401 asks for: the challenges of WWW-Authenticate (RFC 9110, 11.6.1), several in one header and all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_SEPARATOR = re.compile(r"[ \t,]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_TOKEN68 = re.compile(r"[ \t]+[0-9A-Za-z._~+/-]+=*[ \t]*(?=,|$)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"?')
# Scopes are quoted by the rule, but servers are seen that do not: anything up to the next comma is taken.
_BARE = re.compile(r"[^,]*")


class Challenge(NamedTuple):
    """One way to authenticate. Scheme and parameter names are lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """All challenges of a header (of several, joined by commas). What cannot be read is passed over, never raised."""
    challenges: list[Challenge] = []
    parameters: dict[str, str] = {}
    at = _SEPARATOR.match(header).end()  # type: ignore[union-attr]
    while at < len(header):
        word = _TOKEN.match(header, at)
        if word is None:
            at = _next_comma(header, at)
        elif (equals := _EQUALS.match(header, word.end())) and challenges:
            value, at = _value(header, equals.end())
            parameters.setdefault(word[0].lower(), value)
        else:
            parameters = {}
            challenges.append(Challenge(word[0].lower(), parameters))
            token68 = _TOKEN68.match(header, word.end())
            at = token68.end() if token68 else word.end()
        at = _SEPARATOR.match(header, at).end()  # type: ignore[union-attr]
    return challenges


def _value(header: str, at: int) -> tuple[str, int]:
    quoted = _QUOTED.match(header, at)
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted[1]), quoted.end()
    bare = _BARE.match(header, at)
    return (bare[0].rstrip(), bare.end()) if bare else ("", at)


def _next_comma(header: str, at: int) -> int:
    comma = header.find(",", at)
    return len(header) if comma < 0 else comma
