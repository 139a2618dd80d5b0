"""Secrets: the value that does not print itself, and the one place where text loses every form of it."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelinegen.errors import NotPermitted

MASK = "***"
SHORTEST = 8

# Words that stand in our own messages, file names and URLs, or in everyone's example: masking them would
# blank the report, and none of them is a secret.
COMMON = frozenset(
    [
        *("password", "passwort", "changeme", "changeit", "username", "undefined", "anonymous", "12345678"),
        *("123456789", "1234567890", "qwertyuiop", "pipelinegen", "x-access-token", "github-token", "production"),
        *("registry", "manifest", "manifests", "kustomization", "token-here", "your-token", "example-token"),
    ]
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_ENTITIES = {"&": "amp", '"': "quot", "<": "lt", ">": "gt", "'": "apos"}


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A credential and the variable it came from. Its text forms are the mask; only `value` has the value."""

    name: str
    value: str

    def __post_init__(self) -> None:
        if reason := unfit(self.value):
            raise NotPermitted(
                f"{self.name} {reason}, so it cannot be kept out of logs",
                id="bad-token",
                next=f"set {self.name} to a real token of {SHORTEST} characters or more",
            )

    def __repr__(self) -> str:
        return f"Secret({self.name})"

    def __str__(self) -> str:
        return MASK


def unfit(value: str) -> str | None:
    """Why a value cannot be masked, or None."""
    if len(value) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    if value.lower() in COMMON or len(set(value)) < 4:
        return "is a common word"
    if _CONTROL.search(value):
        return "holds a line break or a control character"
    return None


@dataclass(frozen=True, slots=True)
class Redactor:
    """Masks all its secrets in a whole text (a line, a document; not a piece that may end inside a secret)."""

    secrets: tuple[Secret, ...] = ()
    _plain: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)
    _base64: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = [secret.value for secret in self.secrets]
        object.__setattr__(self, "_plain", tuple(_overlapping(_spelled(value)) for value in values))
        object.__setattr__(
            self, "_base64", tuple(_overlapping(core) for value in values for core in _base64_cores(value))
        )

    def mask(self, text: str) -> str:
        """The text with every form of every secret replaced."""
        spans = [match.span(1) for pattern in self._plain for match in pattern.finditer(text)]
        for pattern in self._base64:
            spans += [_with_edges(text, *match.span(1)) for match in pattern.finditer(text)]
        return _blank(text, spans) if spans else text


def _overlapping(pattern: str) -> re.Pattern[str]:
    # A lookahead finds matches that overlap each other: two secrets may share an end.
    return re.compile(f"(?=({pattern}))")


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start > done or not parts:
            parts += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*parts, text[done:]])


def _spelled(value: str) -> str:
    """A pattern for the value with each character raw or in any of the ways in which programs escape it."""
    return "".join(f"(?:{'|'.join(_spellings(character))})" for character in value)


def _spellings(character: str) -> list[str]:
    """Raw, backslashed (shell, JSON, repr), percent-encoded once or twice, \\u and \\x escapes, HTML, quoted quotes."""
    code = ord(character)
    octets = character.encode("utf-8", "surrogatepass")
    ways = [re.escape(character)]
    if not character.isalnum():
        ways = [r"\\*" + re.escape(character)] if character != "\\" else [r"\\+"]
    ways.append("".join(f"%(?:25)?(?i:{octet:02x})" for octet in octets))
    ways.append("".join(rf"\\+x(?i:{octet:02x})" for octet in octets))
    if 0x7F < code < 0x100:
        ways.append(rf"\\+x(?i:{code:02x})")
    units = character.encode("utf-16-be", "surrogatepass")
    ways.append("".join(rf"\\+u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2)))
    ways += [rf"\\+U(?i:{code:08x})", f"&#0*{code};", f"&#[xX]0*(?i:{code:x});"]
    if character in _ENTITIES:
        ways.append(f"&{_ENTITIES[character]};")
    if character == "'":
        ways += [re.escape("""'"'"'"""), re.escape(r"'\''")]
    if character == " ":
        ways.append(r"\+")
    return ways


def _base64_cores(value: str) -> list[str]:
    """For each of the three alignments, the characters that only the secret decides: `user:secret` of any user."""
    octets = value.encode("utf-8", "surrogatepass")
    cores = []
    for before in range(3):
        text = b2a_base64(b"\0" * before + octets, newline=False).decode("ascii")
        first = (before * 8 + 5) // 6
        last = (before + len(octets)) * 8 // 6
        cores.append(r"(?:\r?\n)?".join(_base64_character(character) for character in text[first:last]))
    return cores


def _base64_character(character: str) -> str:
    twin = {"+": ["-"], "/": ["_"]}.get(character, [])
    return f"(?:{'|'.join([*_spellings(character), *twin])})" if twin else re.escape(character)


def _with_edges(text: str, start: int, end: int) -> tuple[int, int]:
    # The one character before and after a core carries some bits of the secret as well.
    if start > 0 and text[start - 1] in _BASE64:
        start -= 1
    if end < len(text) and text[end] in _BASE64:
        end += 1
    while end < len(text) and text[end] == "=":
        end += 1
    return start, end
