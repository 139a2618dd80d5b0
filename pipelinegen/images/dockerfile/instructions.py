"""One line as an instruction: its flags, then its arguments by their kind, then what this instruction asks of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from pipelinegen.images.dockerfile.checks import FLAGS, MANY, SWITCH, check, did_you_mean
from pipelinegen.images.dockerfile.lines import Line, Wrong, lstrip, rstrip
from pipelinegen.images.dockerfile.model import Instruction, Pair, Problem, Word
from pipelinegen.images.words import is_space

_Token = tuple[str, int]
_Read = tuple[list[Word], list[Pair], bool]

_BLANKS = re.compile(r"[\t\v\f\r ]+")


_STRING, _SPLIT, _HEALTH = "string", "split", "health"
_JSON_OR_STRING, _JSON_OR_SPLIT = "json or string", "json or split"
_ASSIGNMENTS, _NAMES = "assignments", "names"
_KINDS: Mapping[str, str] = {
    "ADD": _JSON_OR_SPLIT,
    "ARG": _NAMES,
    "CMD": _JSON_OR_STRING,
    "COPY": _JSON_OR_SPLIT,
    "ENTRYPOINT": _JSON_OR_STRING,
    "ENV": _ASSIGNMENTS,
    "EXPOSE": _SPLIT,
    "FROM": _SPLIT,
    "HEALTHCHECK": _HEALTH,
    "LABEL": _ASSIGNMENTS,
    "MAINTAINER": _STRING,
    "ONBUILD": _SPLIT,
    "RUN": _JSON_OR_STRING,
    "SHELL": _JSON_OR_STRING,
    "STOPSIGNAL": _STRING,
    "USER": _STRING,
    "VOLUME": _JSON_OR_SPLIT,
    "WORKDIR": _STRING,
}


def read_instruction(line: Line, escape: str) -> Instruction:
    """The instruction of a line; its here-documents and last line are not known yet. Raises Wrong."""
    return _Reading(line, escape).read()


class _Reading:
    """Reads one line as an instruction, by the kind of its arguments."""

    def __init__(self, line: Line, escape: str) -> None:
        self._line = line
        self._escape = escape
        text = line.text
        start = len(text) - len(lstrip(text))
        end = len(rstrip(text))
        blank = _BLANKS.search(text, start, end)
        self._name = text[start : blank.start() if blank else end]
        self._start = start
        self._flags: list[_Token] = []
        self._rest_at = self._take_flags(blank.end(), end) if blank else end
        self._rest = rstrip(text[self._rest_at : end])

    def read(self) -> Instruction:
        name = self._name.upper()
        if name not in _KINDS:
            near = did_you_mean(name, _KINDS)
            raise self._wrong(self._start, len(self._name), f"there is no instruction {self._name}{near}")
        words, pairs, is_json = self._arguments(_KINDS[name])
        instruction = Instruction(
            name,
            self._line.place(self._start, len(self._name)),
            0,
            self._rest,
            self._read_flags(name),
            tuple(words),
            tuple(pairs),
            is_json,
            (),
        )
        if (what := check(instruction)) is not None:
            raise self._all_wrong(what)
        return instruction

    # Flags.

    def _take_flags(self, start: int, end: int) -> int:
        """Collect the words that begin with --, and return where the arguments begin."""
        text, at = self._line.text, start
        while at < end:
            if is_space(text[at]):
                at += 1
                continue
            if not text.startswith("--", at):
                return at
            word, stop = self._flag_word(at, end)
            if word == "--":
                while stop < end and is_space(text[stop]):
                    stop += 1
                return stop
            self._flags.append((word, at))
            at = stop
        return end

    def _flag_word(self, at: int, end: int) -> tuple[str, int]:
        text, word, quote = self._line.text, "", ""
        while at < end:
            char = text[at]
            if quote and char == quote:
                quote = ""
            elif not quote and is_space(char):
                break
            elif not quote and char in "'\"":
                quote = char
            elif char == self._escape and at + 1 < end:
                at += 1
                word += text[at]
            elif char != self._escape:
                word += char
            at += 1
        return word, at

    def _read_flags(self, name: str) -> dict[str, tuple[Word, ...]]:
        known = FLAGS.get(name, {})
        found: dict[str, tuple[Word, ...]] = {}
        for text, at in self._flags:
            flag, equals, value = text[2:].partition("=")
            kind = known.get(flag)
            if kind is None:
                raise self._wrong(at, len(flag) + 2, f"{name} has no flag --{flag}{did_you_mean(flag, known, '--')}")
            if flag in found and kind != MANY:
                raise self._wrong(at, len(flag) + 2, f"the flag --{flag} stands twice")
            if kind == SWITCH:
                value = value.lower() if equals else "true"
                if value not in ("true", "false"):
                    raise self._wrong(at, len(text), f"--{flag} is true or false")
            elif not equals:
                raise self._wrong(at, len(text), f"the value of --{flag} is missing: --{flag}=...")
            place = self._line.place(at, len(text))
            found[flag] = (*found.get(flag, ()), Word(value, place))
        return found

    # Arguments.

    def _arguments(self, kind: str) -> _Read:
        if kind == _HEALTH:
            return self._health()
        if kind == _ASSIGNMENTS:
            return [], self._assignments(), False
        if kind == _NAMES:
            return [], self._names(), False
        if kind in (_JSON_OR_STRING, _JSON_OR_SPLIT) and (words := self._json(0)) is not None:
            return words, [], True
        return self._split() if kind in (_SPLIT, _JSON_OR_SPLIT) else self._string(0), [], False

    def _string(self, start: int) -> list[Word]:
        return [self._word(self._rest[start:], start)] if self._rest[start:] else []

    def _split(self) -> list[Word]:
        """Words between blanks. Quotes mean nothing here; they are taken off with the variables."""
        words, at = [], 0
        for blank in _BLANKS.finditer(self._rest):
            words.append(self._word(self._rest[at : blank.start()], at))
            at = blank.end()
        return [*words, self._word(self._rest[at:], at)] if self._rest else []

    def _json(self, start: int) -> list[Word] | None:
        """A JSON array of strings; what is not quite JSON is text, as Docker has it."""
        rest = self._rest[start:]
        if not lstrip(rest).startswith("["):
            return None
        try:
            content = json.loads(rest)
        except (ValueError, RecursionError):
            return None
        if not all(isinstance(each, str) for each in content):
            raise self._wrong(self._rest_at, len(self._rest), "a JSON array of arguments holds only strings")
        return [self._word(each, start, len(rest)) for each in content]

    def _health(self) -> _Read:
        kind = self._rest[: next((at for at, char in enumerate(self._rest) if is_space(char)), len(self._rest))]
        after = len(self._rest) - len(lstrip(self._rest[len(kind) :]))
        words = self._json(after)
        is_json = words is not None
        return (
            ([self._word(kind, 0), *(words if words is not None else self._string(after))] if kind else []),
            [],
            is_json,
        )

    def _assignments(self) -> list[Pair]:
        """NAME=VALUE...; or, if the first word has no =, one name and the rest of the line as its value."""
        tokens = self._quoted_words()
        if not tokens or "=" in tokens[0][0]:
            return [self._pair(text, at) for text, at in tokens]
        blank = _BLANKS.search(self._rest)
        if blank is None:
            what = f"{self._name.upper()} NAME=VALUE: the value is missing"
            raise self._wrong(self._rest_at, len(self._rest), what)
        place = self._line.place(self._rest_at, len(self._rest))
        return [Pair(self._rest[: blank.start()], self._rest[blank.end() :], place)]

    def _pair(self, text: str, at: int) -> Pair:
        name, equals, value = text.partition("=")
        if not equals:
            raise self._wrong(self._rest_at + at, len(text), f"{text} is not of the form NAME=VALUE")
        return Pair(name, value, self._line.place(self._rest_at + at, len(text)))

    def _names(self) -> list[Pair]:
        pairs = []
        for text, at in self._quoted_words():
            name, equals, value = text.partition("=")
            pairs.append(Pair(name, value if equals else None, self._line.place(self._rest_at + at, len(text))))
        return pairs

    def _quoted_words(self) -> list[_Token]:
        """Words between blanks that are not quoted or escaped, quotes and escapes kept."""
        words: list[_Token] = []
        word, quote, start, known = "", "", -1, False
        text, at = self._rest, 0
        while at < len(text):
            char = text[at]
            if not quote and is_space(char):
                if word or known:
                    words.append((word, start))
                word, start, known = "", -1, False
                at += 1
                continue
            start = at if start < 0 else start
            if quote and char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote, known = char, True
            elif char == self._escape and quote != "'":
                if at + 1 == len(text):
                    break  # at the end of the line it says nothing
                word += char
                at += 1
            word += text[at]
            at += 1
        return [*words, (word, start)] if word or known else words

    def _word(self, text: str, at: int, width: int | None = None) -> Word:
        return Word(text, self._line.place(self._rest_at + at, len(text) if width is None else width))

    def _all_wrong(self, what: str) -> Wrong:
        if self._rest:
            return self._wrong(self._rest_at, len(self._rest), what)
        return self._wrong(self._start, len(self._name), what)

    def _wrong(self, at: int, width: int, what: str) -> Wrong:
        return Wrong(Problem(self._line.place(at, width), what))
