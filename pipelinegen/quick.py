"""The command line of a plain `bump` without click, whose import costs as much as the whole bump of one file.

It takes only what it fully understands; anything else is None, and click parses it and words the message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelinegen.options import BUMP, COMMON, Option

# Variables of ours that are no options: credentials, read where they are used.
_CREDENTIALS = ("PIPELINEGEN_TOKEN", "PIPELINEGEN_USERNAME", "PIPELINEGEN_REGISTRY_")


def bump_options(arguments: Sequence[str], variables: Mapping[str, str]) -> dict[str, Any] | None:
    """What click would make of the arguments of `bump`, or None."""
    if not arguments or arguments[0] != "bump" or _set_by_variables(variables):
        return None
    options = {name: option for option in (*BUMP, *COMMON) for name in option.names}
    values: dict[str, Any] = {option.name: option.default for option in (*BUMP, *COMMON)}
    references: list[str] = []
    waiting = list(reversed(arguments[1:]))
    while waiting:
        word = waiting.pop()
        if not word.startswith("-"):
            references.append(word)
            continue
        name, equals, given = word.partition("=")
        option = options.get(name.replace("--no-", "--", 1))
        if option is None or not _take(values, option, name, given if equals else None, waiting):
            return None
    return {"references": tuple(references), **values}


def _set_by_variables(variables: Mapping[str, str]) -> bool:
    return any(name.startswith("PIPELINEGEN_") and not name.startswith(_CREDENTIALS) for name in variables)


def _take(values: dict[str, Any], option: Option, name: str, given: str | None, waiting: list[str]) -> bool:
    """Note one option; False where click should have the word."""
    negated = name not in option.names
    if option.kind in {"flag", "toggle", "count"}:
        if given is not None or (negated and option.kind != "toggle"):
            return False
        values[option.name] = values[option.name] + 1 if option.kind == "count" else not negated
        return True
    if negated or (given is not None and not name.startswith("--")):
        return False
    if given is None:
        if not waiting:
            return False
        given = waiting.pop()
    return _set(values, option, given)


def _set(values: dict[str, Any], option: Option, given: str) -> bool:
    if option.kind == "many":
        values[option.name] = (*values[option.name], given)
    elif option.kind == "number":
        if not (given.isascii() and given.isdigit()) or int(given) < 1:
            return False
        values[option.name] = int(given)
    elif option.kind == "choice" and given not in option.choices:
        return False
    else:
        values[option.name] = given
    return True
