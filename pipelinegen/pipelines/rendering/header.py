"""The first lines of every generated file, and the empty blocks that users may fill."""

from __future__ import annotations

from collections.abc import Iterable

from pipelinegen import __version__
from pipelinegen.pipelines.rendering.languages import comment

BEGIN = "pipelinegen:begin"
END = "pipelinegen:end"


def header(sign: str, lines: Iterable[str] = (), *, blocks: bool = False) -> str:
    """What wrote the file, how to write it again, where to change it, and further lines of comment.

    sign: what begins a comment line in the file's language.  blocks: the file holds blocks of the user's own.
    """
    change = "or blocks from pipelinegen:begin to pipelinegen:end." if blocks else "not this file."
    said = (
        f"Written by pipelinegen {__version__}. To write it again: pipelinegen generate",
        f"Change pipelinegen.yaml, {change}",
        *lines,
    )
    return "".join(f"{sign} {comment(line)}".rstrip() + "\n" for line in said)


def block(sign: str, name: str) -> str:
    """An empty block, whose contents stay when the file is written again. name: small letters, digits and `-`."""
    return f"{sign} {BEGIN} {name}\n{sign} {END}\n"
