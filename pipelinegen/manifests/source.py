"""One file of a manifest repository, read: its text, how it is written, its documents; or why it is left alone."""

from __future__ import annotations

import re

from pipelinegen.manifests.anchors import Anchors
from pipelinegen.manifests.nested import Problem, open_nested
from pipelinegen.manifests.spans import BeyondLimit, Lines, Mapping, Node, Unparsable, parse_yaml

MAX_BYTES = 5 * 1024 * 1024
MAX_LINE = 64 * 1024
BOM = "\ufeff"

# YAML 1.1 breaks lines at these, YAML 1.2 and the eye do not: `a: b # c<NEL>image: evil/x:1`.
_ODD_BREAK = re.compile("[\x85\u2028\u2029]|\r(?!\n)")
_MARKS = ("<<<<<<< ", ">>>>>>> ", "||||||| ")
_CONFLICT = re.compile(r"^(?:<{7} |>{7} |\|{7} )", re.MULTILINE)
_TEMPLATE = re.compile(r"\{\{|\{%|<%")
# A dotenv or INI file of SOPS; in YAML and JSON it has a section of its own.
_SOPS_TEXT = re.compile(r"^[ \t]*(?:sops_mac[ \t]*=|mac[ \t]*=[ \t]*ENC\[)", re.MULTILINE)
_SOPS = "encrypted by SOPS; a change would break its MAC"


class Refused(Exception):
    """A file that is left alone as a whole: the reason, and where in the text (code points)."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


class Source:
    """A file's text (without BOM) and documents; `form` is yaml, json, template or text."""

    def __init__(self, path: str, text: str, form: str, lines: Lines, *, bom: bool = False) -> None:
        self.path = path
        self.text = text
        self.bom = bom
        self.form = form
        self.documents: list[Node] = []
        self.problems: list[Problem] = []
        self.lines = lines
        self._anchors: Anchors | None = None

    @property
    def anchors(self) -> Anchors:
        """What the aliases of the documents stand for."""
        if self._anchors is None:
            self._anchors = Anchors(self.documents if "*" in self.text else ())
        return self._anchors

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, counted from 1."""
        return self.lines.place(offset)

    def encode(self, text: str) -> bytes:
        """The bytes of a changed text, with the BOM the file had."""
        return (BOM + text if self.bom else text).encode()


def read_source(path: str, data: bytes, *, text_file: bool = False) -> Source:
    """What a file holds. Raises Refused for a file that must be left alone (limits: defences.md D8)."""
    text = _decode(data)
    bom = text.startswith(BOM)
    text = text[1:] if bom else text
    lines = Lines(text)
    _refuse_odd_lines(text, lines)
    if text_file:
        sops = _SOPS_TEXT.search(text)
        if sops:
            raise Refused(_SOPS, *lines.place(sops.start()))
        return Source(path, text, "text", lines, bom=bom)
    form, documents = _parse(path, text, lines)
    source = Source(path, text, form, lines, bom=bom)
    source.documents = documents
    source.problems = open_nested(text, documents) if form == "yaml" else []
    _refuse_sops(source)
    return source


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise Refused(f"larger than {MAX_BYTES // (1024 * 1024)} MiB")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:4].count(0) >= 2:
        raise Refused("not UTF-8 (it looks like UTF-16 or UTF-32)")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        raise Refused("not UTF-8", line, error.start - (before.rfind(b"\n") + 1) + 1) from None


def _refuse_odd_lines(text: str, lines: Lines) -> None:
    # Nearly no file holds the characters at all, and these looks cost far less than the patterns.
    odd = _ODD_BREAK.search(text) if "\r" in text or not text.isascii() else None
    if odd:
        name = {"\x85": "NEL", "\u2028": "LS", "\u2029": "PS"}.get(odd[0], "a lone CR")
        raise Refused(f"holds {name}, which YAML readers take differently for a line break", *lines.place(odd.start()))
    conflict = _CONFLICT.search(text) if any(mark in text for mark in _MARKS) else None
    if conflict:
        raise Refused("holds the marks of an unresolved merge conflict", *lines.place(conflict.start()))
    if len(text) > MAX_LINE and max(map(len, text.split("\n"))) > MAX_LINE:
        raise Refused(f"has a line of more than {MAX_LINE // 1024} KiB")


def _parse(path: str, text: str, lines: Lines) -> tuple[str, list[Node]]:
    try:
        if path.endswith(".json"):
            from pipelinegen.manifests.json_spans import parse_json

            return "json", parse_json(text)
        return "yaml", parse_yaml(text)
    except Unparsable as error:
        if _TEMPLATE.search(text) and not isinstance(error, BeyondLimit):
            return "template", []
        raise Refused(error.reason, *lines.place(error.offset)) from None


def _refuse_sops(source: Source) -> None:
    """A changed value would break SOPS' message authentication code."""
    for document in source.documents:
        sops = document.get("sops") if isinstance(document, Mapping) else None
        if isinstance(sops, Mapping) and sops.get("mac") is not None:
            raise Refused(_SOPS, *source.place(sops.start))
