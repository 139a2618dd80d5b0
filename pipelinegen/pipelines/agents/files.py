"""A file of the manifest repository from its template, with the header that every generated file has."""

from __future__ import annotations

import re

from pipelinegen.pipelines.model import GeneratedFile
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.header import BEGIN, block, header

# Stands for the header while it is not known whether the file holds blocks.
_HEADER = "\0"


def written(path: str, template: str, /, *lines: str, **values: object) -> GeneratedFile:
    """lines: further ones of the header.  template: below templates/agent/, without `.j2`."""
    text = render(f"agent/{template}.j2", header=_HEADER, **values)
    blocks = re.search(rf"^\s*\S+ {BEGIN} ", text, re.MULTILINE) is not None
    if path.endswith(".md"):
        head = "".join(f"<!--{line} -->\n" for line in header("", lines, blocks=blocks).splitlines())
    else:
        head = header("#", lines, blocks=blocks)
    return GeneratedFile(path, text.replace(_HEADER, head.rstrip("\n")))


def own_block(name: str) -> str:
    """An empty block of the user's, without the end of its last line."""
    return block("#", name).rstrip("\n")
