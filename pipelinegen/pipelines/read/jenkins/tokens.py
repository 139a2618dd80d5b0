"""The tokens of Groovy as far as pipelines use it: strings of all kinds, names and marks, with their lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["name", "text", "number", "mark", "line", "end"]

_SKIPPED = re.compile(r"(?:[ \t\r\f]|\\\r?\n|//[^\n]*|/\*.*?\*/|\A#![^\n]*)+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$]\w*")
_NUMBER = re.compile(r"\d[\w.]*(?<!\.)")
_MARK = re.compile(
    r"\.\.\.|\?\.|\*\.|\.&|->|<=>|==~|=~|\*\*=?|\+\+|--|[+\-*/%&|^]=|==|!=|<=|>=|&&|\|\||\?:|\.\.<?|<<|>>|[-+*/%=<>!&|^~?:.,;@(){}\[\]]"
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Broken(Exception):
    """A text that is not Groovy; line is where."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


@dataclass(frozen=True, slots=True)
class Token:
    """One token. A text has `lines`: the lines of the file on which the lines of its value begin."""

    kind: Kind
    value: str
    line: int
    interpolated: bool = False
    lines: tuple[int, ...] = ()


def tokens_of(text: str) -> list[Token]:
    """The tokens of a file, the last one an end. Raises Broken."""
    found: list[Token] = []
    at, line = 0, 1
    while at < len(text):
        skipped = _SKIPPED.match(text, at)
        if skipped:
            line += skipped[0].count("\n")
            at = skipped.end()
            continue
        char = text[at]
        if char == "\n":
            found.append(Token("line", "\n", line))
            line, at = line + 1, at + 1
        elif char in "'\"" or text.startswith("$/", at) or (char == "/" and _may_be_pattern(found)):
            start = at
            token, at = _string(text, at, line)
            found.append(token)
            line += text.count("\n", start, at)
        elif (match := _NAME.match(text, at)) is not None:
            found.append(Token("name", match[0], line))
            at = match.end()
        elif (match := _NUMBER.match(text, at)) is not None:
            found.append(Token("number", match[0], line))
            at = match.end()
        elif (match := _MARK.match(text, at)) is not None:
            found.append(Token("mark", match[0], line))
            at = match.end()
        else:
            raise Broken(f"the character {char!r} does not belong here", line)
    found.append(Token("end", "", line))
    return found


def _may_be_pattern(found: list[Token]) -> bool:
    """A slash begins a string where a value may begin, else it divides."""
    last = next((token for token in reversed(found) if token.kind != "line"), None)
    if last is None or last.kind in {"number", "text"}:
        return False
    if last.kind == "name":
        return last.value in {"return", "in", "case"}
    return last.value not in {")", "]", "}"}


def _string(text: str, at: int, line: int) -> tuple[Token, int]:
    if text.startswith("$/", at):
        return _until(text, at + 2, line, "/$", escapes=False, interpolated=True)
    for quote in ("'''", '"""'):
        if text.startswith(quote, at):
            return _until(text, at + 3, line, quote, escapes=True, interpolated=quote == '"""')
    quote = text[at]
    return _until(text, at + 1, line, quote, escapes=quote != "/", interpolated=quote != "'")


def _until(text: str, at: int, line: int, quote: str, *, escapes: bool, interpolated: bool) -> tuple[Token, int]:
    start = line
    parts: list[str] = []
    lines = [line]
    while at < len(text):
        if text.startswith(quote, at):
            value = "".join(parts)
            return Token("text", value, start, interpolated and "$" in value, tuple(lines)), at + len(quote)
        char = text[at]
        if char == "\n":
            if len(quote) == 1 and quote != "/":
                raise Broken("this text is not closed on its line", start)
            line += 1
        if char == "\\" and escapes:
            part, at, line, lines = _escape(text, at, line, lines)
            parts.append(part)
            continue
        if char == "\\" and text.startswith("/", at + 1):
            at += 1
            continue
        if interpolated and text.startswith("${", at):
            end = _closing(text, at + 1)
            inner = text[at:end]
            parts.append(inner)
            line += inner.count("\n")
            lines += [line] * inner.count("\n")
            at = end
            continue
        parts.append(char)
        if char == "\n":
            lines.append(line)
        at += 1
    raise Broken("this text is never closed", start)


def _escape(text: str, at: int, line: int, lines: list[int]) -> tuple[str, int, int, list[int]]:
    following = text[at + 1 : at + 2]
    if following == "\n":
        return "", at + 2, line + 1, [*lines[:-1], lines[-1]]
    if following == "u" and re.match(r"[0-9A-Fa-f]{4}", text[at + 2 : at + 6]):
        return chr(int(text[at + 2 : at + 6], 16)), at + 6, line, lines
    value = _ESCAPES.get(following, following)
    return value, at + 2, line, [*lines, line] if value == "\n" else lines


def _closing(text: str, at: int) -> int:
    """Behind the brace that closes the one at `at`."""
    depth = 0
    while at < len(text):
        depth += (text[at] == "{") - (text[at] == "}")
        at += 1
        if not depth:
            break
    return at
