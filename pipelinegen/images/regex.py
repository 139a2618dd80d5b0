"""Go's regular expressions (RE2's syntax, which container-structure-test's files are written in) as Python's."""

from __future__ import annotations

import re
from typing import NamedTuple

_FLAGS = "imsU"
# Perl's classes are ASCII in Go, and \s has no vertical tab; the second is the complement, for use inside [...].
_PERL = {
    "d": ("0-9", r"\x00-/:-\U0010ffff"),
    "s": (r"\t\n\f\r ", r"\x00-\x08\x0b\x0e-\x1f!-\U0010ffff"),
    "w": ("0-9A-Za-z_", r"\x00-/:-@\[-\^`{-\U0010ffff"),
}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_CONTROL = {"a": r"\x07", "f": r"\f", "n": r"\n", "r": r"\r", "t": r"\t", "v": r"\v"}
_REPEAT = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_MOST = 1000


class BadRegex(ValueError):
    """Not a regular expression of Go's; says why and where."""


class _Scope(NamedTuple):
    """A group: its flags, and how many groups of ours were opened inside it for flags in its middle."""

    flags: str
    opened: int = 0


def compile_go(pattern: str) -> re.Pattern[str]:
    """The pattern as Go understands it. Raises BadRegex where Go would refuse it, or Python has no such thing."""
    try:
        return re.compile(_Translation(pattern).text())
    except (re.error, OverflowError, RecursionError) as error:
        raise BadRegex(str(error)) from None


class _Translation:
    """One pass over a pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.scopes = [_Scope("")]
        self.out: list[str] = []

    def text(self) -> str:
        while self.at < len(self.pattern):
            self._next()
        if len(self.scopes) > 1:
            raise BadRegex("missing closing )")
        return "".join(self.out) + ")" * self.scopes[0].opened

    @property
    def flags(self) -> str:
        return self.scopes[-1].flags

    def _next(self) -> None:
        char = self.pattern[self.at]
        if char == "\\":
            self._escape()
        elif char == "[":
            self._class()
        elif char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char == "|":
            self._alternative()
        elif char in "*+?" or _REPEAT.match(self.pattern, self.at):
            self._repeat()
        else:
            self.at += 1
            self.out.append(self._plain(char))

    def _plain(self, char: str) -> str:
        if char == "^":
            return "(?m:^)" if "m" in self.flags else r"(?:\A)"
        if char == "$":
            # Python's own $ would also match before a last line break.
            return "(?m:$)" if "m" in self.flags else r"(?:\Z)"
        if char == ".":
            return "(?s:.)" if "s" in self.flags else "."
        return re.escape(char) if char in "{}" or char.isspace() or char == "#" else char

    def _repeat(self) -> None:
        found = _REPEAT.match(self.pattern, self.at)
        if found and any(number and int(number) > _MOST for number in found.groups()):
            raise BadRegex(f"invalid repeat count: {found[0]}")
        text = found[0] if found else self.pattern[self.at]
        self.at += len(text)
        lazy = self.pattern.startswith("?", self.at)
        self.at += lazy
        if self.at < len(self.pattern) and self.pattern[self.at] in "*+?":
            raise BadRegex(f"invalid nested repetition operator: {text}{self.pattern[self.at]}")
        self.out.append(text + ("?" if lazy != ("U" in self.flags) else ""))

    def _open(self) -> None:
        named = re.compile(r"\(\?P?<([A-Za-z_][0-9A-Za-z_]*)>").match(self.pattern, self.at)
        if named:
            return self._group(f"(?P<{named[1]}>", named.end(), self.flags)
        if not self.pattern.startswith("(?", self.at):
            return self._group("(", self.at + 1, self.flags)
        found = re.compile(rf"\(\?([{_FLAGS}]*)(?:-([{_FLAGS}]+))?([:)])").match(self.pattern, self.at)
        if found is None:
            raise BadRegex(f"invalid or unsupported Perl syntax: {self.pattern[self.at : self.at + 4]}")
        flags = "".join(sorted((set(self.flags) | set(found[1])) - set(found[2] or "")))
        if found[3] == ":":
            return self._group(_opening(flags, self.flags), found.end(), flags)
        # Flags in the middle of a group hold until its end, also in its further alternatives.
        self.at = found.end()
        self.out.append(_opening(flags, self.flags))
        self.scopes[-1] = _Scope(flags, self.scopes[-1].opened + 1)
        return None

    def _group(self, opening: str, end: int, flags: str) -> None:
        self.at = end
        self.out.append(opening)
        self.scopes.append(_Scope(flags))

    def _close(self) -> None:
        if len(self.scopes) == 1:
            raise BadRegex("unexpected )")
        self.at += 1
        self.out.append(")" * (self.scopes.pop().opened + 1))

    def _alternative(self) -> None:
        self.at += 1
        scope = self.scopes[-1]
        if not scope.opened:
            self.out.append("|")
            return
        outer = self.scopes[-2].flags if len(self.scopes) > 1 else ""
        self.out.append(")" * scope.opened + "|" + _opening(scope.flags, outer))
        self.scopes[-1] = _Scope(scope.flags, 1)

    def _escape(self) -> None:
        char = self.pattern[self.at + 1 : self.at + 2]
        if char == "Q":
            quoted, end, rest = self.pattern[self.at + 2 :].partition("\\E")
            self.at = len(self.pattern) - len(rest) if end else len(self.pattern)
            self.out.append(re.escape(quoted))
        elif char in ("A", "z"):
            self.at += 2
            self.out.append(rf"(?:\{char.upper()})")
        elif char in ("b", "B"):
            self.at += 2
            # Not Python's own \B: before 3.14 it does not match in an empty text.
            self.out.append(r"(?a:\b)" if char == "b" else r"(?!(?a:\b))")
        elif char == "C":
            raise BadRegex(r"\C, one byte, has no counterpart")
        else:
            text = self._member()
            self.out.append(f"[{text}]" if len(text) > 1 and char.lower() in _PERL else text)

    def _member(self) -> str:
        r"""What stands at a backslash, as it is written inside [...]: a character, or the characters of \d."""
        char = self.pattern[self.at + 1 : self.at + 2]
        if not char:
            raise BadRegex(r"trailing backslash at end of expression")
        if char.lower() in _PERL:
            self.at += 2
            return _PERL[char.lower()][char.isupper()]
        if char in "pP":
            raise BadRegex(rf"\{char}, a class of Unicode, is not supported; write its characters as ranges")
        number = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|([0-7]{3}|0[0-7]{0,2}))").match(
            self.pattern, self.at
        )
        if number:
            self.at = number.end()
            return _character(int(number[3], 8) if number[3] else int(number[1] or number[2], 16))
        self.at += 2
        if char in _CONTROL:
            return _CONTROL[char]
        if char.isalnum() or ord(char) > 0x7F:
            raise BadRegex(rf"invalid escape sequence: \{char}")
        return re.escape(char) if char not in "-" else r"\-"

    def _class(self) -> None:
        start = self.at
        self.at += 1
        negated = self.pattern.startswith("^", self.at)
        self.at += negated
        parts: list[str] = []
        first = True
        while first or not self.pattern.startswith("]", self.at):
            if self.at >= len(self.pattern):
                raise BadRegex(f"missing closing ]: {self.pattern[start:]}")
            parts.append(self._class_part())
            first = False
        self.at += 1
        self.out.append(f"[{'^' if negated else ''}{''.join(parts)}]")

    def _class_part(self) -> str:
        posix = re.compile(r"\[:(\^?)([a-z]+):\]").match(self.pattern, self.at)
        if posix:
            if posix[2] not in _POSIX or posix[1]:
                raise BadRegex(f"invalid or unsupported character class: {posix[0]}")
            self.at = posix.end()
            return _POSIX[posix[2]]
        char = self.pattern[self.at]
        if char == "\\":
            return self._member()
        self.at += 1
        # What Python would read as an operation on sets, now or later.
        return "\\" + char if char in "[&~|]" else char


def _opening(flags: str, outer: str) -> str:
    """A group of Python's for the one flag that is left to it; the others are written out where they act."""
    if ("i" in flags) == ("i" in outer):
        return "(?:"
    return "(?i:" if "i" in flags else "(?-i:"


def _character(code: int) -> str:
    if code > 0x10FFFF:
        raise BadRegex(f"not a character: {code:x}")
    return re.escape(chr(code)) if 0x20 < code < 0x7F else rf"\U{code:08x}"
