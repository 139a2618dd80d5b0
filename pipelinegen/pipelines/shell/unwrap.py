"""From a command to the command that it really runs: sudo, env, timeout, xargs, bash -c, ssh, containers, variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipelinegen.pipelines.reading import Line
from pipelinegen.pipelines.shell.lexer import commands_of
from pipelinegen.pipelines.shell.words import Command, Word, variables_in
from pipelinegen.pipelines.shell.wrappers import RULES, within

MAX_UNWRAPPED = 8
# Of one script, its functions written out: a few lines that call each other could stand for a billion commands.
MAX_COMMANDS = 20_000

_SSH_WITH_VALUE = tuple(f"-{letter}" for letter in "bcDEeFIiJLlmOopQRSWw")


class Unwrapper:
    """Knows the variables whose values the pipeline says, and learns those that the script sets."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.functions: dict[str, list[Command]] = {}
        self.called: set[str] = set()
        self.count = 0

    @property
    def cut(self) -> bool:
        """Were there more commands than are looked at?"""
        return self.count > MAX_COMMANDS

    def run(self, lines: Sequence[Line], shell: str = "") -> list[Command]:
        """What a script runs, in order; the body of a function at each of its calls, with the words of the call."""
        commands = commands_of(lines, shell)
        for command in commands:
            if command.function:
                self.functions.setdefault(command.function, []).append(command)
        found: list[Command] = []
        for command in commands:
            if not command.function:
                found += self.unwrapped(command, 0)
        # What nothing here calls may be called from elsewhere.
        for name, body in self.functions.items():
            if name not in self.called:
                found += [each for command in body for each in self.unwrapped(replace(command, function=""), 0)]
        return found

    def unwrapped(self, command: Command, depth: int) -> list[Command]:
        self._learn(command)
        self.count += 1
        if not command.words or depth > MAX_UNWRAPPED or self.cut:
            return [command]
        if command.words[0].text in self.functions and depth < MAX_UNWRAPPED:
            return self._called(command, depth)
        for rule in RULES:
            result = rule(self.expand, command)
            if result is not None:
                return [inner for each in result for inner in self.unwrapped(each, depth + 1)]
        return [command, *self._remote(command, depth)]

    def _called(self, command: Command, depth: int) -> list[Command]:
        """The body of a function of the script, with the words of the call in the place of $1, $2 and $@."""
        name = command.words[0].text
        self.called.add(name)
        given = command.words[1:]
        found: list[Command] = []
        for each in self.functions[name]:
            words = [filled for word in each.words for filled in _positional(word, given)]
            inner = replace(
                each, words=tuple(words), via=(*command.via, *each.via), before=each.before or command.before
            )
            found += self.unwrapped(replace(inner, function=""), depth + 1)
        return found

    def _learn(self, command: Command) -> None:
        named = list(command.assignments)
        if command.program in {"export", "declare", "readonly", "local", "typeset"}:
            parts = [(*word.text.partition("="), word) for word in command.words[1:]]
            named += [(name, Word(value, word.place)) for name, equals, value, word in parts if equals]
        for name, word in named:
            if "$(" not in word.text and "`" not in word.text:
                self.values[name] = word.text
            else:
                self.values.pop(name, None)

    def expand(self, text: str) -> str:
        """The text with the variables replaced whose values are known."""
        for _ in range(4):
            replaced = VARIABLE_WHOLE.sub(self._value, text)
            if replaced == text:
                break
            text = replaced
        return text

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        return self.values.get(name, match[0])

    def _remote(self, command: Command, depth: int) -> list[Command]:
        """What ssh runs on the other side, told beside the ssh itself."""
        if command.program not in {"ssh", "sshpass", "plink", "autossh"} and not _is_cloud_ssh(command):
            return []
        nested = within(command, remote_words(command), command.program)
        if command.document is not None:
            nested += within(command, [command.document], command.program)
        return [inner for each in nested for inner in self.unwrapped(each, depth + 1)]


VARIABLE_WHOLE = re.compile(r"\$(?:env:([A-Za-z_]\w*)|([A-Za-z_]\w*)|\{(?!\{)(?:env\.|params\.)?([A-Za-z_]\w*)\})")


def _positional(word: Word, given: Sequence[Word]) -> list[Word]:
    """A word of a function's body; one that is a parameter alone keeps the place of what was given."""
    if "$" not in word.text or word.literal:
        return [word]
    if word.text in {"$@", "$*", "${@}"}:
        return list(given)
    whole = re.fullmatch(r"\$\{?([1-9])\}?", word.text)
    if whole:
        return [given[int(whole[1]) - 1]] if int(whole[1]) <= len(given) else [word]

    def value(match: re.Match[str]) -> str:
        number = int(match[1] or match[2])
        return given[number - 1].text if number <= len(given) else match[0]

    text = re.sub(r"\$([1-9])(?!\d)|\$\{([1-9])[^}]*\}", value, word.text)
    return [Word(text, word.place, variables_in(text))]


def _is_cloud_ssh(command: Command) -> bool:
    return command.program in {"gcloud", "az", "doctl"} and "ssh" in command.arguments[:3]


def remote_words(command: Command) -> list[Word]:
    """The words that ssh hands to the shell of the host, without options and the host."""
    if command.program == "gcloud":
        return _option_words(command, "--command")
    if command.program == "az":
        return _option_words(command, "--scripts")
    words = list(command.words[1:])
    while words and words[0].text.startswith("-"):
        flag = words.pop(0).text
        if flag in _SSH_WITH_VALUE and words:
            words.pop(0)
    words = words[1:]
    while words and words[0].text.startswith("-") and words[0].text != "--":
        flag = words.pop(0).text
        if flag in _SSH_WITH_VALUE and words:
            words.pop(0)
    return words[1:] if words and words[0].text == "--" else words


def _option_words(command: Command, name: str) -> list[Word]:
    found = []
    for word, following in zip(command.words, [*command.words[1:], None], strict=False):
        if word.text == name and following is not None:
            found.append(following)
        elif word.text.startswith(f"{name}="):
            found.append(Word(word.text[len(name) + 1 :], word.place, word.variables))
    return found
