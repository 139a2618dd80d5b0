"""JSON as the same nodes as YAML: tabs, escapes and surrogate pairs are JSON's own, which YAML's loader refuses."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelinegen.manifests.spans import (
    MAX_DEPTH,
    MAX_EVENTS,
    BeyondLimit,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Unparsable,
    attach,
)

_TOKEN = re.compile(r'[ \t\r\n]*(?:([{}\[\],:])|("(?:[^"\\\x00-\x1f]|\\.)*")|([-+.\w]+)|\Z)')


def parse_json(text: str) -> list[Node]:
    """The one document of a JSON text (RFC 8259). Raises Unparsable."""
    import json

    if not text.strip(" \t\r\n"):
        raise Unparsable("not JSON: empty", 0)
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise Unparsable(f"not JSON: {error.msg}", error.pos) from None
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"not JSON: {error}", 0) from None
    return [_build(text, json.loads)]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _build(text: str, decode: Callable[[str], object]) -> Node:
    """The nodes of a text that is known to be JSON."""
    stack: list[Mapping | Sequence] = []
    keys: list[Node | None] = []
    at = events = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unparsable("not JSON: unknown token", at)
        at = match.end()
        mark, string, word = match.groups()
        events += 1
        if events > MAX_EVENTS:
            raise BeyondLimit(f"more than {MAX_EVENTS:,} JSON tokens", at)
        node: Node
        if mark in {",", ":"}:
            continue
        if mark in {"}", "]"}:
            node = stack.pop()
            keys.pop()
            node.end = at
        else:
            if mark == "{":
                node = Mapping(at - 1, None, None, True)
            elif mark == "[":
                node = Sequence(at - 1, None, None, True)
            else:
                node = _scalar(string, word, at, decode)
            if stack:
                attach(node, stack[-1], keys)
            if isinstance(node, (Mapping, Sequence)):
                stack.append(node)
                keys.append(None)
                if len(stack) > MAX_DEPTH:
                    raise BeyondLimit(f"nested more than {MAX_DEPTH} deep", at)
        if not stack:
            return node


def _scalar(string: str | None, word: str | None, end: int, decode: Callable[[str], object]) -> Scalar:
    if string is None:
        word = word or ""
        scalar = Scalar(end - len(word), end, word, None)
    else:
        value = string[1:-1]
        if "\\" in value:
            value = str(decode(string))
        scalar = Scalar(end - len(string), end, value, '"')
    scalar.json = True
    return scalar
