"""YAML texts for properties: any nested value, written with all the liberties that people take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import strategies as st

API = "ghcr.io/acme/api"
OLD = "sha256:" + "0" * 63 + "1"
NEW = "sha256:" + "0" * 63 + "2"

_TAGS = ("1.0.0", "v1", "1.10", "main", "20240101", "0x1f", "null", "1.0.0-rc.1")
_REFERENCES = [*(f"{API}:{tag}" for tag in _TAGS), f"{API}@{OLD}", f"{API}:1.0.0@{OLD}"]
_OTHERS = [
    f"{API}2:1.0.0",
    f"x{API}:1.0.0",
    f"{API}/x:1.0.0",
    f"we run {API}:1.0.0",
    f"{API}:${{TAG}}",
    f"https://{API}:1.0.0",
    "acme/api:1.0.0",
    "",
    "plain",
    "two words",
    "it's",
    'say "x"',
    "# no comment",
    "a: b",
    "- a",
    "\u65e5\u672c \U0001f680",
    "1.10",
    "true",
    "null",
    "line\nbreak",
    "tab\there",
    " blanks ",
    "{x}",
    "[y]",
    "*z",
    "&z",
    "!z",
    "%z",
    "@z",
]
_KEYS = ["a", "b", "spec", "name", "image", "sidecarImage", "the key", "\u30ad\u30fc", "x-y", "1"]

_values_pair = st.builds(
    lambda tag, digest: {"repository": API, "tag": tag, **({"digest": digest} if digest is not None else {})},
    st.sampled_from([*_TAGS, "", f"1.0.0@{OLD}"]),
    st.sampled_from([None, None, "", OLD]),
)
_leaves = st.one_of(st.sampled_from(_REFERENCES), st.sampled_from(_OTHERS), _values_pair)
values: st.SearchStrategy[Any] = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(_KEYS), inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)
documents = st.lists(values, min_size=1, max_size=3)


def write(seed: int, listed: list[Any]) -> str:
    """The documents as a YAML text; the seed decides on styles, blanks, comments, anchors and line ends."""
    writer = _Writer(Random(seed))
    text = "---\n".join("".join(f"{line}\n" for line in writer.document(value)) for value in listed)
    if writer.chance(5):
        text = f"---\n{text}"
    if writer.chance(5):
        text = text.replace("\n", "\r\n")
    if writer.chance(5):
        text = f"\ufeff{text}"
    return text.rstrip("\r\n") if writer.chance(5) and not text.rstrip().endswith(("|", ">", "-", "+")) else text


def write_json(seed: int, value: Any) -> str:
    """A value as a JSON text with tabs, line breaks and escapes of its own."""
    random = Random(seed)
    text = json.dumps(value, indent=random.choice([None, 1, "\t"]), ensure_ascii=random.random() < 0.5)
    return text.replace("/", "\\/") if random.random() < 0.3 else text


class _Writer:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.anchors = 0

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def document(self, value: Any) -> Iterator[str]:
        lines = list(self.block(value, 0)) if isinstance(value, (dict, list)) and value else [self.flow(value)]
        for line in lines:
            if self.chance(8):
                yield self.random.choice(["", "# c", f"# image: {API}:1.0.0"])
            yield line

    def block(self, value: Any, indent: int) -> Iterator[str]:
        """The lines of a collection that is not empty. Noise comes between lines, so no block scalar is noisy."""
        step = self.random.choice([1, 2, 2, 2, 4])
        pad = " " * indent
        items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        for key, item in items:
            head = f"{pad}-" if key is None else f"{pad}{self.key(key)}:"
            if not isinstance(item, (dict, list)) or not item or self.chance(4):
                yield f"{head}{self.random.choice([' ', ' ', '   '])}{self.leaf(item)}{self.tail()}"
            elif key is None and isinstance(item, dict) and self.chance(2):
                first, *rest = self.block(item, indent + 2)
                yield f"{head} {first.lstrip(' ')}"
                yield from rest
            else:
                yield f"{head}{self.properties()}{self.tail()}"
                yield from self.block(item, indent + step)

    def tail(self) -> str:
        return self.random.choice(["", "", "", "  ", "  # c", f" # {API}:1.0.0"])

    def properties(self) -> str:
        if not self.chance(10):
            return ""
        self.anchors += 1
        return f" &a{self.anchors}"

    def leaf(self, value: Any) -> str:
        properties = self.properties().strip()
        if isinstance(value, str) and self.chance(12):
            properties = f"{properties} !!str".strip()
        return f"{properties} {self.flow(value)}".strip()

    def key(self, key: str) -> str:
        return self.random.choice([key, key, f'"{key}"', f"'{key}'"])

    def flow(self, value: Any) -> str:
        blank = self.random.choice(["", " "])
        if isinstance(value, dict):
            pairs = ", ".join(f"{self.key(key)}: {self.flow(item)}" for key, item in value.items())
            return f"{{{blank}{pairs}{blank}}}"
        if isinstance(value, list):
            return f"[{blank}{', '.join(map(self.flow, value))}{blank}]"
        return self.scalar(str(value))

    def scalar(self, value: str) -> str:
        if _is_plain(value) and not self.chance(3):
            return value
        if "\n" not in value and "\t" not in value and self.chance(2):
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=self.chance(2) and value.isascii())


def _is_plain(value: str) -> bool:
    usual = value.isascii() and all(char.isalnum() or char in "./:@-_$" for char in value)
    return usual and value[:1].isalnum() and not value.endswith(":")
