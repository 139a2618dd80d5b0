"""From the lines of a script to its simple commands: quotes, pipes, here-documents, substitutions and compounds."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from pipelinegen.pipelines.reading import Line, Place
from pipelinegen.pipelines.shell.words import Command, Word, variables_in

MAX_NESTED = 12

_BLANK = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_PLAIN = re.compile(r"[^\s\\'\"`$|&;<>()#]+")
_EXPRESSION = re.compile(r"\$\{\{(?:[^$]|\$(?!\{\{)){0,4000}?\}\}|\$\[\[[^$\]]{0,500}\]\]")
_BRACED = re.compile(r"\$\{[^{}]{0,500}(?:\{[^{}]{0,500}\}[^{}]{0,500}){0,20}\}")
_REDIRECT = re.compile(r"\d*(?:&>>?|<<<|<<-?|<>|<&|>>|>\||>&|>|<)(?!\()")
_OPERATOR = re.compile(r"&&|\|\||\|&|;;&?|;&|[|&;()\n]")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=")
_PATTERN = re.compile(r"(?:\s|#[^\n]*\n)*\(?(?:[^()\n'\"\\]|\\.|'[^'\n]*'|\"[^\"\n]*\")*\)")
# Words of the grammar, which stand where a command may begin and are followed by one.
_OPENING = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "coproc"})
_CLOSING = frozenset({"fi", "done", "esac", "}"})


def commands_of(lines: Sequence[Line], shell: str = "") -> list[Command]:
    """The commands of a script in the order of the text, those in substitutions before the one that they feed."""
    return list(_commands_of(tuple(lines), shell))


@lru_cache(maxsize=512)  # the reader, the search for scripts and the analyses ask for the same ones
def _commands_of(lines: tuple[Line, ...], shell: str) -> tuple[Command, ...]:
    texts = [line.text for line in lines]
    if shell in {"pwsh", "powershell"}:
        texts = [re.sub(r"`[ \t]*$", r"\\", text) for text in texts]
    elif shell in {"cmd", "bat"}:
        texts = [re.sub(r"%(\w+)%", r"${\1}", re.sub(r"\^[ \t]*$", r"\\", text)) for text in texts]
        texts = ["" if re.match(r"(?i)\s*(?:@?rem\b|::)", text) else re.sub(r"^\s*@", "", text) for text in texts]
    return tuple(_Script("\n".join(texts), [line.place for line in lines], 0).commands())


def commands_in(text: str, place: Place, depth: int = 0) -> list[Command]:
    """The commands of a text that stands on one line, or begins there."""
    places = [place] * (text.count("\n") + 1)
    return _Script(text, places, depth).commands()


class _Script:
    """The state of one reading."""

    def __init__(self, text: str, places: Sequence[Place], depth: int) -> None:
        self.text = text
        self.places = places
        self.depth = depth
        self.at = 0
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.found: list[Command] = []
        self.words: list[Word] = []
        self.redirects: list[tuple[str, Word]] = []
        self.inner: list[Command] = []
        self.documents: list[tuple[str, bool]] = []
        self.announced = False
        self.document: Word | None = None
        self.pipe: Command | None = None
        # A command whose here-document is still to come, with its index in what was found.
        self.waiting: list[int] = []
        # The functions whose bodies are open, "" for a group that is none; and the one whose body is to come.
        self.open: list[str] = []
        self.announced_function = ""
        # How many `case` are open, and whether a pattern of one comes next.
        self.cases = 0
        self.pattern = False

    def place(self, at: int) -> Place:
        index = min(bisect_right(self.starts, at), len(self.places)) - 1
        return self.places[max(index, 0)] if self.places else Place("", 1)

    def commands(self) -> list[Command]:
        if self.depth > MAX_NESTED:
            return []
        while self.at < len(self.text):
            self._token()
        self._end(piped=False)
        return self.found

    def _token(self) -> None:
        text = self.text
        if self.pattern and self._pattern():
            return
        blank = _BLANK.match(text, self.at)
        if blank:
            self.at = blank.end()
            return
        if text[self.at] == "#":
            end = text.find("\n", self.at)
            self.at = len(text) if end < 0 else end
            return
        redirect = _REDIRECT.match(text, self.at)
        if redirect:
            self.at = redirect.end()
            self._redirect(redirect[0].lstrip("0123456789"))
            return
        operator = _OPERATOR.match(text, self.at)
        if operator:
            self.at = operator.end()
            self._operator(operator[0])
            return
        self.words.append(self._word())

    def _pattern(self) -> bool:
        """Skip a pattern of `case`, whose bars and brackets are none of the shell's."""
        match = _PATTERN.match(self.text, self.at)
        self.pattern = False
        if match is None or re.match(r"\s*esac\b", self.text[self.at : self.at + 200]):
            return False
        self.at = match.end()
        return True

    def _redirect(self, operator: str) -> None:
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        start = self.at
        word = self._word()
        if operator.startswith("<<") and operator != "<<<":
            quoted = any(mark in self.text[start : self.at] for mark in "'\"\\")
            self.documents.append((word.text, quoted))
            self.announced = True
        else:
            self.redirects.append((operator, word))

    def _operator(self, operator: str) -> None:
        if operator == "(" and len(self.words) == 1 and self.text.startswith(")", self.at):
            self.at += 1  # the head of a function
            self.announced_function = self.words[0].text
            self.words.clear()
        elif operator == ")" and self.words and self._is_pattern():
            self.words.clear()
        elif self.words and self.words[0].text == "case" and operator in {"|", ")"}:
            # case X in a | b) on one line
            if operator == ")":
                self.words.clear()
                self.cases += 1
        else:
            self._end(piped=operator in {"|", "|&"})
        if operator == "\n":
            self._bodies()
        elif operator in {";;", ";&", ";;&"}:
            self.pattern = self.cases > 0

    def _is_pattern(self) -> bool:
        """Is what stands before `)` a pattern of `case`? Then no `(` opened it on the way from the line's beginning."""
        line = self.text[self.text.rfind("\n", 0, self.at - 1) + 1 : self.at - 1]
        return "(" not in line and len(self.words) == 1

    def _end(self, *, piped: bool) -> None:
        words, assignments = self._split()
        command = None
        if words or assignments or self.redirects or self.announced:
            first = words[0] if words else assignments[0][1] if assignments else None
            place = first.place if first else self.place(min(self.at, len(self.text) - 1))
            function = next((name for name in reversed(self.open) if name), "")
            command = Command(
                tuple(words),
                place,
                tuple(assignments),
                tuple(self.redirects),
                None,
                self.pipe,
                (),
                tuple(self.inner),
                function,
            )
            self.found.append(command)
            self.waiting += [len(self.found) - 1] if self.announced else []
        if command is not None or not piped:
            self.pipe = command if piped else None
        self.words, self.redirects, self.inner, self.announced = [], [], [], False

    def _split(self) -> tuple[list[Word], list[tuple[str, Word]]]:
        """The words of the command, and the assignments before them; the grammar's own words are taken away."""
        words = self.words
        while words and words[0].text in _OPENING | _CLOSING:
            self.cases -= words[0].text == "esac" and self.cases > 0
            self._brace(words[0].text)
            words = words[1:]
        if words and words[0].text == "function" and len(words) > 1:
            self.announced_function = words[1].text
            self._brace("{" if words[-1].text == "{" else "")
            return [], []
        if words and words[0].text == "case":
            self.cases += 1
            self.pattern = words[-1].text == "in"
            return [], []
        if words and words[0].text in {"for", "select"}:
            return [], [(words[1].text, words[3]) for _ in "1" if words[0].text == "for" and len(words) > 3]
        assignments = []
        while words and (match := _ASSIGNMENT.match(words[0].text)):
            word = words[0]
            assignments.append((match[1], Word(word.text[match.end() :], word.place, word.variables, word.literal)))
            words = words[1:]
        return list(words), assignments

    def _brace(self, word: str) -> None:
        if word == "{":
            self.open.append(self.announced_function)
            self.announced_function = ""
        elif word == "}" and self.open:
            self.open.pop()

    def _bodies(self) -> None:
        """Read the here-documents that were announced on the line before."""
        for delimiter, quoted in self.documents:
            start = self.at
            body: list[str] = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(end + 1, len(self.text))
                if line.strip() == delimiter:
                    break
                body.append(line)
            text = "\n".join(body)
            self.document = Word(text, self.place(start), () if quoted else variables_in(text), quoted)
        if self.documents:
            for index in self.waiting:
                self._attach(index)
        self.documents, self.waiting, self.document = [], [], None

    def _attach(self, index: int) -> None:
        """Give a command its here-document, and the commands that read its output the new command."""
        old = self.found[index]
        new = _with(old, document=self.document)
        for number in range(index, len(self.found)):
            each = self.found[number]
            if each is old:
                self.found[number] = new
            elif each.before is old:
                self.found[number] = _with(each, before=new)
                old, new = each, self.found[number]
        if self.pipe is old:
            self.pipe = new

    def _word(self) -> Word:
        start, parts = self.at, []
        text = self.text
        literal = text.startswith("'", start)
        while self.at < len(text):
            char = text[self.at]
            plain = _PLAIN.match(text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
                literal = False
            elif char == "'":
                parts.append(self._single())
            elif char == '"':
                parts.append(self._double())
                literal = False
            elif char in "$`":
                parts.append(self._reference())
                literal = False
            elif char == "\\":
                if text.startswith("\n", self.at + 1):
                    break
                parts.append(text[self.at + 1 : self.at + 2])
                self.at += 2
                literal = False
            elif char == "#":
                parts.append(char)
                self.at += 1
            elif char in "<>" and text.startswith("(", self.at + 1):
                self.at += 1
                parts.append(self._substitution(")"))
            else:
                break
        if self.at == start:
            self.at += 1
        value = "".join(parts)
        return Word(value, self.place(start), () if literal else variables_in(value), literal)

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        end = len(self.text) if end < 0 else end
        value = self.text[self.at + 1 : end]
        self.at = end + 1
        return value

    def _double(self) -> str:
        parts = []
        self.at += 1
        text = self.text
        while self.at < len(text) and text[self.at] != '"':
            if text[self.at] == "\\":
                following = text[self.at + 1 : self.at + 2]
                parts.append("" if following == "\n" else following if following in '"\\$`' else f"\\{following}")
                self.at += 2
            elif text[self.at] in "$`":
                parts.append(self._reference())
            else:
                end = min((n for n in (text.find(c, self.at) for c in '"\\$`') if n >= 0), default=len(text))
                parts.append(text[self.at : end])
                self.at = end
        self.at += 1
        return "".join(parts)

    def _reference(self) -> str:
        """What begins with $ or a backtick: an expression of the CI system, a variable, or a substitution."""
        text = self.text
        if text[self.at] == "`":
            end = text.find("`", self.at + 1)
            end = len(text) if end < 0 else end
            self._nested(self.at + 1, end)
            self.at = end + 1
            return "$()"
        match = _EXPRESSION.match(text, self.at) or _BRACED.match(text, self.at)
        if match:
            self.at = match.end()
            return match[0]
        if text.startswith("$((", self.at):
            end = text.find("))", self.at)
            self.at = len(text) if end < 0 else end + 2
            return "$()"
        if text.startswith("$(", self.at):
            self.at += 1
            return self._substitution(")")
        self.at += 1
        return "$"

    def _substitution(self, closing: str) -> str:
        """`$( … )`, up to the bracket that closes it; its commands are read."""
        start = self.at + 1
        depth, at, text = 0, self.at, self.text
        while at < len(text):
            char = text[at]
            if char == "\\":
                at += 1
            elif char in "'\"" and (end := _quote_end(text, at)) >= 0:
                at = end
            elif char == "(":
                depth += 1
            elif char == closing:
                depth -= 1
                if not depth:
                    break
            at += 1
        self._nested(start, at)
        self.at = at + 1
        return "$()"

    def _nested(self, start: int, end: int) -> None:
        first = bisect_right(self.starts, start) - 1
        places = self.places[first:] or self.places[-1:]
        nested = _Script(self.text[start:end], places, self.depth + 1).commands()
        self.found += nested
        self.inner += nested


def _quote_end(text: str, at: int) -> int:
    """Where a quoted text ends, or -1."""
    if text[at] == "'":
        return text.find("'", at + 1)
    end = at + 1
    while end < len(text) and text[end] != '"':
        if text.startswith("$(", end):
            end = _bracket_end(text, end + 1)
        else:
            end += 2 if text[end] == "\\" else 1
    return end if end < len(text) else -1


def _bracket_end(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        depth += (text[at] == "(") - (text[at] == ")")
        at += 1
        if not depth:
            break
    return at


def _with(command: Command, *, document: Word | None = None, before: Command | None = None) -> Command:
    return replace(command, document=document or command.document, before=before or command.before)
