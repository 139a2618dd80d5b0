"""Docker's words: quotes, escapes and variables (`${NAME:-default}`) of a Dockerfile, which are nearly a shell's.

The rules are those of BuildKit's frontend/dockerfile/shell, which says itself where it differs from a shell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DEEPEST = 50
_SPECIAL = frozenset("@*#?-$!0")
_NO_SPACE = frozenset("\x1c\x1d\x1e\x1f")  # Python's, not Go's
_ESCAPED_IN_QUOTES = frozenset('"$')


class BadWord(ValueError):
    """A word that cannot be read. `reason` is for the person who wrote it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_space(char: str) -> bool:
    """Whether Go's unicode.IsSpace says so."""
    return char.isspace() and char not in _NO_SPACE


def expand(word: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """The word without its quotes and escapes, its variables replaced; one that is not set is empty. Raises BadWord."""
    return _Reader(word, variables, escape).read()[0]


def expand_words(word: str, variables: Mapping[str, str], escape: str = "\\") -> list[str]:
    """As `expand`, then split at blanks that are not quoted: of the text itself and of what variables hold."""
    return _Reader(word, variables, escape).read()[1]


def expand_document(text: str, variables: Mapping[str, str]) -> str:
    """The content of a here-document: variables and escapes, but quotes are quotes."""
    return _Reader(text, variables, "\\", quotes=False).read()[0]


def raw_words(line: str) -> list[str]:
    """A line split at blanks that are not quoted, with its quotes, escapes and variables as they are written."""
    return _Reader(line, {}, "\\", raw_quotes=True, raw_escapes=True, keep_unset=True).read()[1]


def bare(word: str) -> tuple[list[str], list[str]]:
    """The words of a text twice: without quotes, and with them; variables stay as they are."""
    plain = _Reader(word, {}, "\\", keep_unset=True).read()[1]
    return plain, _Reader(word, {}, "\\", raw_quotes=True, keep_unset=True).read()[1]


class _Words:
    """Collects characters into words."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._word: list[str] = []

    def add(self, char: str) -> None:
        if not is_space(char):
            self._word.append(char)
        elif self._word:
            self.end()

    def add_raw(self, text: str) -> None:
        if text:
            self._word.append(text)

    def end(self) -> list[str]:
        if self._word:
            self.done.append("".join(self._word))
            self._word = []
        return self.done


class _Reader:
    """Reads one text forwards."""

    def __init__(
        self,
        text: str,
        variables: Mapping[str, str],
        escape: str,
        *,
        quotes: bool = True,
        raw_quotes: bool = False,
        raw_escapes: bool = False,
        keep_unset: bool = False,
    ) -> None:
        self._text = text
        self._at = 0
        self._variables = variables
        self._escape = escape
        self._quotes = quotes
        self._raw_quotes = raw_quotes
        self._raw_escapes = raw_escapes
        self._keep_unset = keep_unset
        self._depth = 0

    def read(self) -> tuple[str, list[str]]:
        return self._until("", self._raw_escapes)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _until(self, stop: str, raw_escapes: bool) -> tuple[str, list[str]]:
        """Up to a character that is not quoted, or to the end; with variables replaced."""
        if self._depth == DEEPEST:
            raise BadWord(f"variables are nested more than {DEEPEST} deep")
        before, self._raw_escapes = self._raw_escapes, raw_escapes
        self._depth += 1
        result: list[str] = []
        words = _Words()
        while (char := self._peek()) and char != stop:
            self._one(char, result, words)
        if stop:
            if not char:
                raise BadWord(
                    f"the {stop} of a variable is missing" if stop == "}" else f"a {stop} is missing in ${{}}"
                )
            self._next()
        self._raw_escapes = before
        self._depth -= 1
        return "".join(result), words.end()

    def _one(self, char: str, result: list[str], words: _Words) -> None:
        if char == "$":
            found = self._dollar()
            result.append(found)
            for each in found:
                words.add(each)
        elif self._quotes and char in "'\"":
            found = self._single() if char == "'" else self._double()
            result.append(found)
            words.add_raw(found)
        elif char == "<":
            found = self._heredoc()
            result.append(found)
            words.add_raw(found)
        elif char == self._escape:
            self._escaped(result, words)
        else:
            result.append(self._next())
            words.add(char)

    def _escaped(self, result: list[str], words: _Words) -> None:
        escape, char = self._next(), self._next()
        if self._raw_escapes:
            result.append(escape)
            words.add_raw(escape)
        result.append(char)
        words.add_raw(char)

    def _heredoc(self) -> str:
        """`<< NAME` is one word, its blank included."""
        found = self._next()
        if self._peek() != "<":
            return found
        found += self._next()
        while self._peek() and self._peek() in "\t\r ":
            found += self._next()
        return found

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise BadWord("the second ' of a quoted text is missing")
        start, self._at = self._at + 1, end + 1
        inside = self._text[start:end]
        return f"'{inside}'" if self._raw_quotes else inside

    def _double(self) -> str:
        quote = self._next() if self._raw_quotes else self._next() and ""
        result = [quote]
        while char := self._peek():
            if char == '"':
                self._next()
                return "".join([*result, quote])
            if char == "$":
                result.append(self._dollar())
                continue
            self._next()
            if char == self._escape:
                if self._raw_escapes:
                    result.append(char)
                following = self._peek()
                if not following:
                    continue
                if following in _ESCAPED_IN_QUOTES or following == self._escape:
                    char = self._next()
            result.append(char)
        raise BadWord('the second " of a quoted text is missing')

    def _dollar(self) -> str:
        self._next()
        if self._peek() != "{":
            name = self._name()
            return self._value(name, f"${name}") if name else "$"
        self._next()
        if not self._peek():
            raise BadWord("the } of a variable is missing")
        if self._peek() in "{}:":
            raise BadWord("between ${ and } stands the name of a variable")
        name = self._name()
        return self._substituted(name)

    def _substituted(self, name: str) -> str:
        how = self._next()
        if how == "}":
            return self._value(name, f"${{{name}}}")
        if how == "/":
            return self._replaced(name)
        or_empty = how == ":"
        if or_empty:
            how = self._next()
        if not how:
            raise BadWord("the } of a variable is missing")
        if how not in "+-?#%" or (or_empty and how in "#%"):
            raise BadWord(f"${{{name}{':' if or_empty else ''}{how}...}} is no way to use a variable")
        word, _ = self._until("}", raw_escapes=how in "#%")
        if self._keep_unset and name not in self._variables:
            return f"${{{name}{':' if or_empty else ''}{how}{word}}}"
        return self._chosen(name, how, word, or_empty)

    def _chosen(self, name: str, how: str, word: str, or_empty: bool) -> str:
        value = self._variables.get(name)
        lacks = value is None or (or_empty and not value)
        if how == "-":
            return word if lacks else value or ""
        if how == "+":
            return "" if lacks else word
        if how == "?":
            if lacks:
                raise BadWord(f"{name}: {word or ('is empty' if value is not None else 'is not set')}")
            return value or ""
        longest = word.startswith(how)
        pattern = word[1:] if longest else word
        return _trimmed(value or "", pattern, longest, from_end=how == "%")

    def _replaced(self, name: str) -> str:
        every = self._peek() == "/"
        if every:
            self._next()
        pattern, _ = self._until("/", raw_escapes=True)
        replacement, _ = self._until("}", raw_escapes=True)
        if self._keep_unset and name not in self._variables:
            return f"${{{name}/{pattern}/{replacement}}}"
        expression = re.compile("".join(_expressions(pattern, longest=True)))
        return expression.sub(lambda _: replacement, self._variables.get(name, ""), count=0 if every else 1)

    def _name(self) -> str:
        start = self._at
        first = self._peek()
        if first.isdigit():
            while self._peek().isdigit():
                self._next()
        elif first in _SPECIAL:
            self._next()
        else:
            while (char := self._peek()) and (char.isalpha() or char.isdigit() or char == "_"):
                self._next()
        return self._text[start : self._at]

    def _value(self, name: str, written: str) -> str:
        value = self._variables.get(name)
        if value is None:
            return written if self._keep_unset else ""
        return value


def _trimmed(value: str, pattern: str, longest: bool, *, from_end: bool) -> str:
    """Without what the pattern matches at its beginning, or at its end: there both are turned round."""
    parts = _expressions(pattern, longest)
    if not from_end:
        found = re.match("".join(parts), value)
        return value[found.end() :] if found else value
    found = re.match("".join(parts[::-1]), value[::-1])
    return value[: len(value) - found.end()] if found else value


def _expressions(pattern: str, longest: bool) -> list[str]:
    """A regular expression for each character of a pattern in which only `*` and `?` mean something."""
    parts = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append(".*" if longest else ".*?")
        elif char == "?":
            parts.append(".")
        elif char != "\\":
            parts.append(re.escape(char))
        elif pattern[at : at + 1] in ("*", "?", "\\"):
            parts.append(re.escape(pattern[at]))
            at += 1
        elif pattern[at : at + 1] not in ("}", "/"):
            raise BadWord(f"\\{pattern[at : at + 1]} means nothing in a pattern: only *, ? and \\ are escaped")
    return parts
