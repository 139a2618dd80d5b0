"""How a text is written in a workflow: a scalar of YAML, plain where it may be, in which GitHub evaluates nothing."""

from __future__ import annotations

import re

from pipelinegen.images.versions import reads_as_other
from pipelinegen.pipelines.rendering.languages import yaml

# Where GitHub evaluates expressions there is no other way to write these three characters.
_OPENING = "${{"
_OPENED = "${{ '${{' }}"
# A plain scalar may neither begin with an indicator nor hold what ends it (YAML 1.2.2, 7.3.3).
_PLAIN = re.compile(r"[A-Za-z0-9_$/(][ -~]*", re.ASCII)
# A line of a literal block: nothing at its ends that could be lost, or taken for an indentation.
_LINE = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)
_ENDING = re.compile(r": |:$| #|\s$")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"))


def literally(text: str) -> str:
    """A text that GitHub, which looks for expressions in it, reads as itself."""
    return text.replace(_OPENING, _OPENED)


def shown(text: str) -> str:
    """A text for people where GitHub allows no expression, not even that of a string, and so no `${{`."""
    return text.replace(_OPENING, "$ {{")


def quoted(text: str) -> str:
    """A string inside of an expression."""
    return "'" + text.replace("'", "''") + "'"


def scalar(text: str, width: int = 0) -> str:
    """A text, or an expression, as YAML: plain where every reader takes it for the same.

    width: how far lines are indented that belong to its key; several plain lines may then stand as they are.
    """
    lines = text.split("\n")
    if width and len(lines) > 1 and all(_LINE.fullmatch(line) for line in lines):
        return "|-\n" + "\n".join(" " * width + line for line in lines)
    return text if plain(text) else yaml(text)


def plain(text: str) -> bool:
    if _PLAIN.fullmatch(text) is None or _ENDING.search(text) is not None or text.lower() in _WORDS:
        return False
    return not text[0].isdigit() or not reads_as_other(text)
