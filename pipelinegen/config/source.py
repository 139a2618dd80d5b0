"""The bytes of pipelinegen.yaml as text, what must not be in it, and how a problem at a place of it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelinegen.errors import InputError

MIB = 1024 * 1024
SIZE_MAX = 1 * MIB
LINE_MAX = 64 * 1024
PROBLEMS_MAX = 100
SNIPPET_WIDTH = 100

# Readers differ about where these end a line (a comment for one is a key for another), or refuse them.
_ODD_BREAK = r"[\x85\u2028\u2029]|\r(?!\n)"
_NOT_TEXT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]"
_NAMES = {"\x85": "NEL", "\u2028": "LS", "\u2029": "PS", "\r": "a lone CR", "\ufeff": "a byte order mark"}

# Prefixes that issuers chose so that scanners find their tokens, and the password of a URL. The look-behind keeps a
# long run of words and hyphens from being searched again from each of its words.
_CREDENTIAL = (
    r"(?<![\w-])(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|npm_[A-Za-z0-9]{30,}|AKCp[A-Za-z0-9]{10,}"
    r"|gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[\w.-]{16,}|dckr_[po]at_[\w-]{16,}|pypi-AgE[\w-]{16,}"
    r"|xox[abeoprs]-[\w-]{10,}|hv[sbr]\.[\w-]{20,}|(?:AKIA|ASIA)[A-Z0-9]{16}\b|AIza[\w-]{35}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|(?<=://)[^\s/@:'\"]*:[^\s/@'\"]+(?=@)"
)


class Place(NamedTuple):
    """Where a text stands: line and column from 1, in characters, and how many of them the carets mark."""

    line: int
    column: int
    width: int = 1


class Problem(NamedTuple):
    """One thing that is wrong with the file. `related` is a second place, with the words that go under its carets."""

    place: Place
    what: str
    related: tuple[Place, str] | None = None


class Unreadable(Exception):
    """The text cannot be read any further. `text` is as much of it as can be shown."""

    def __init__(self, problems: Sequence[Problem], text: str = "") -> None:
        super().__init__(problems[-1].what)
        self.problems = problems
        self.text = text


def decode(data: bytes) -> str:
    """The text of the file, without a byte order mark. Raises Unreadable."""
    start = Place(1, 1)
    if len(data) > SIZE_MAX:
        raise Unreadable([Problem(start, f"the file is over {SIZE_MAX // MIB} MiB")])
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data[:4]:
        raise Unreadable([Problem(start, "the file is in UTF-16 or UTF-32: save it as UTF-8")])
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    problems = _undecodable(data) or _odd_characters(text) or _long_lines(text)
    if problems:
        raise Unreadable(problems, text)
    return text


def _undecodable(data: bytes) -> list[Problem]:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place_after(data[: error.start].decode("utf-8").removeprefix("\ufeff"))
        return [Problem(place, f"the byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8")]
    return []


def _odd_characters(text: str) -> list[Problem]:
    problems = []
    for match in re.finditer(f"{_ODD_BREAK}|{_NOT_TEXT}", text):
        code = f"U+{ord(match[0]):04X}"
        name = f"{code} ({_NAMES[match[0]]})" if match[0] in _NAMES else f"the control character {code}"
        if re.fullmatch(_ODD_BREAK, match[0]) or match[0] == "\r":
            what = f"{name} ends a line for some readers of YAML and not for others: write a normal line break"
        else:
            what = f"{name} does not belong in a text: remove it"
        problems.append(Problem(_place_after(text[: match.start()]), what))
        if len(problems) == PROBLEMS_MAX:
            break
    return problems


def _long_lines(text: str) -> list[Problem]:
    what = f"the line is over {LINE_MAX // 1024} KiB"
    return [Problem(Place(n, 1), what) for n, line in enumerate(text.split("\n"), 1) if len(line) > LINE_MAX]


def _place_after(before: str) -> Place:
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def find_credentials(text: str) -> list[Problem]:
    """Each token, private key or password in a URL, wherever it stands: a comment is committed like a value."""
    what = "this looks like a credential: take it out and revoke it; credentials come from the environment only"
    found = re.finditer(_CREDENTIAL, text, re.ASCII)
    return [Problem(_place_after(text[: m.start()])._replace(width=m.end() - m.start()), what) for m in found]


def mask(text: str) -> str:
    """The text with every credential in it as asterisks, and its length kept, so that carets stay in place."""
    return re.sub(_CREDENTIAL, lambda match: "*" * len(match[0]), text, flags=re.ASCII)


def visible(text: str) -> str:
    """One line that is safe to show: control, bidirectional and other unprintable characters written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(text: str) -> str:
    """A text of the file, short and safe, for a message."""
    line = visible(mask(text[:200]))
    return line if len(line) <= 80 else f"{line[:79]}…"


def snippet(lines: Sequence[str], place: Place, note: str = "") -> list[str]:
    """The line of a place with carets below, cut to a window where it is long."""
    line = mask(lines[place.line - 1]).rstrip("\r") if place.line <= len(lines) else ""
    start = max(0, place.column - 1 - SNIPPET_WIDTH // 2) if len(line) > SNIPPET_WIDTH else 0
    end = start + SNIPPET_WIDTH
    before, marked = line[start : place.column - 1], line[place.column - 1 : min(place.column - 1 + place.width, end)]
    after = line[place.column - 1 + len(marked) : end]
    head, body = ("…" if start else "") + visible(before), visible(marked)
    gutter = f"{place.line:>4} | "
    carets = " " * _cells(head) + "^" * max(_cells(body), 1)
    tail = visible(after) + ("…" if len(line) > end else "")
    return [f"{gutter}{head}{body}{tail}".rstrip(), f"{'':>4} | {carets} {note}".rstrip()]


def _cells(text: str) -> int:
    """The width on a terminal. Carets under a line of wide or combining characters stand right only when counted."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def bad_config(name: str, text: str, problems: Sequence[Problem]) -> InputError:
    """All problems of a file as one error, in the order of their places."""
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: problem.place)
    first, lines = ordered[0], text.split("\n")
    details: list[str] = []
    for problem in ordered[:PROBLEMS_MAX]:
        if problem is not first:
            details.append(f"{where(name, problem.place)}: {problem.what}")
        details += snippet(lines, problem.place) if text else []
        if problem.related is not None:
            details += snippet(lines, *problem.related)
    if len(ordered) > PROBLEMS_MAX:
        details.append(f"… and {len(ordered) - PROBLEMS_MAX} more")
    places = "this place" if len(ordered) == 1 else f"these {len(ordered)} places"
    return InputError(
        first.what,
        id="bad-config",
        where=where(name, first.place),
        next=f"correct {places}; `pipelinegen schema` prints what the file may hold",
        details=details,
    )


def where(name: str, place: Place) -> str:
    return f"{name}:{place.line}:{place.column}"
