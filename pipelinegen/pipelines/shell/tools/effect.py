"""What a command of a tool does to an environment, and the words and options of commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelinegen.pipelines.shell.words import Command

Tool = Literal[
    "kubectl",
    "helm",
    "kustomize",
    "terraform",
    "ansible",
    "chef",
    "puppet",
    "ssh",
    "compose",
    "argocd",
    "cloud",
    "manifest-repository",
]


# deliver: changes an environment. dry: says what it would change. undo: brings an earlier version back.
# watch: waits for an environment or looks at it. prepare: gets what is needed to reach it.
Does = Literal["deliver", "dry", "undo", "watch", "prepare"]


@dataclass(frozen=True, slots=True)
class Effect:
    """A command of a tool that can change an environment, and what this one does."""

    tool: Tool
    does: Does
    verb: str
    # Does the command say what shall be, or what is to be done?
    declarative: bool = False


def plain_words(command: Command, with_value: frozenset[str] = frozenset()) -> list[str]:
    """The arguments without options, and without the values of those options that take one as a word of its own."""
    found: list[str] = []
    waiting = False
    for text in command.arguments:
        if waiting:
            waiting = False
        elif text.startswith("-") and len(text) > 1:
            waiting = text in with_value
        else:
            found.append(text)
    return found


def has(command: Command, *flags: str) -> bool:
    """Is one of the options there, alone or with a value behind `=`?"""
    return any(text in flags or text.partition("=")[0] in flags for text in command.arguments)


def option(command: Command, *flags: str) -> str:
    """The value of an option, as `--name value` or `--name=value`; empty where it is not there."""
    arguments = command.arguments
    for text, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, equals, value = text.partition("=")
        if name in flags:
            return value if equals else following
        short = next((flag for flag in flags if len(flag) == 2 and text.startswith(flag) and len(text) > 2), None)
        if short and not text.startswith("--"):
            return text[2:]
    return ""
