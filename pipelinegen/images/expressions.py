"""The expressions of tag rules as metadata-action writes them: `{{branch}}`, `{{date 'YYYYMMDD' tz='Asia/Tokyo'}}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone, tzinfo
from difflib import get_close_matches
from typing import NamedTuple

# What an expression stands for; it is called with its positional arguments and its named ones.
Word = Callable[["tuple[str, ...]", "Mapping[str, str]"], str]

_EXPRESSION = re.compile(r"\{\{\s*([A-Za-z_]\w*)((?:\s+(?:\w+=)?(?:'[^']*'|\"[^\"]*\"))*)\s*\}\}")
_ARGUMENT = re.compile(r"(?:(\w+)=)?(?:'([^']*)'|\"([^\"]*)\")")
# The tokens of moment.js, which metadata-action formats dates with; a text in brackets stands for itself.
_TOKEN = re.compile(r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DDDD|DDD|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|WW|W|A|a|X|x")
_STRFTIME = dict(
    zip(
        ("YYYY", "YY", "MMMM", "MMM", "MM", "DDDD", "DD", "dddd", "ddd", "WW", "HH", "hh", "mm", "ss", "A"),
        ("%Y", "%y", "%B", "%b", "%m", "%j", "%d", "%A", "%a", "%V", "%H", "%I", "%M", "%S", "%p"),
        strict=True,
    )
)
_UNPADDED = {"M": "%m", "DDD": "%j", "D": "%d", "W": "%V", "H": "%H", "h": "%I", "m": "%M", "s": "%S"}


class BadExpression(ValueError):
    """An expression that is not known, or not well formed. `reason` says what and what to write instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Used(NamedTuple):
    """What an expression came to, and the words that it was made of."""

    text: str
    words: frozenset[str]


def expand(text: str, words: Mapping[str, Word]) -> Used:
    """The text with each of its expressions replaced. Raises BadExpression."""
    used: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        word = words.get(name)
        if word is None:
            near = get_close_matches(name, words, n=1)
            known = f"did you mean {{{{{near[0]}}}}}?" if near else f"known here: {', '.join(sorted(words))}"
            raise BadExpression(f"the expression {{{{{name}}}}} is not known, {known}")
        used.add(name)
        arguments = [(key, single + double) for key, single, double in _ARGUMENT.findall(match[2])]
        plain = tuple(value for key, value in arguments if not key)
        return word(plain, {key: value for key, value in arguments if key})

    expanded = _EXPRESSION.sub(replace, text)
    if "{{" in _EXPRESSION.sub("", text):
        raise BadExpression("an expression is written {{name}}, a date {{date 'YYYYMMDD'}}")
    return Used(expanded, frozenset(used))


def plain(value: str) -> Word:
    """A word that takes no arguments."""

    def word(arguments: tuple[str, ...], named: Mapping[str, str]) -> str:
        if arguments or named:
            raise BadExpression("only dates take a format")
        return value

    return word


def dated(moment: datetime) -> Word:
    """A word that formats this time: {{date 'YYYYMMDD' tz='Europe/Berlin'}}; UTC if no zone is given."""

    def word(arguments: tuple[str, ...], named: Mapping[str, str]) -> str:
        if len(arguments) != 1 or set(named) - {"tz"}:
            raise BadExpression("a date takes one format and perhaps a zone: {{date 'YYYYMMDD' tz='Europe/Berlin'}}")
        return formatted(moment, arguments[0], named.get("tz", "UTC"))

    return word


def formatted(moment: datetime, form: str, zone: str = "UTC") -> str:
    """A time in a format of moment.js. Raises BadExpression for a zone that is not known here."""
    local = moment.astimezone(timezone.utc if zone == "UTC" else _zone(zone))
    return _TOKEN.sub(lambda match: match[1] if match[1] is not None else _part(local, match[0]), form)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadExpression(f"the time zone {name!r} is not known on this machine") from None


def _part(local: datetime, mark: str) -> str:
    if mark in _STRFTIME:
        return local.strftime(_STRFTIME[mark])
    if mark in _UNPADDED:
        return str(int(local.strftime(_UNPADDED[mark])))
    if mark == "a":
        return local.strftime("%p").lower()
    milliseconds = int(local.timestamp() * 1000)
    return {"SSS": f"{milliseconds % 1000:03}", "X": str(milliseconds // 1000), "x": str(milliseconds)}[mark]
