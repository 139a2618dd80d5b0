"""What a registry's refusal means: its own words, made safe to print, and the error that they amount to."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipelinegen.errors import NotPermitted, WorldError

WORDS_LIMIT = 300
# Both mean that nothing is there; other codes on a 404 are a gateway's and prove nothing about the image.
_TAG_UNKNOWN = frozenset({"MANIFEST_UNKNOWN", "MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "TAG_UNKNOWN", "NOT_FOUND"})
_REPOSITORY_UNKNOWN = frozenset({"NAME_UNKNOWN", "NAME_INVALID", "REPOSITORY_UNKNOWN"})


def error_codes(body: bytes) -> frozenset[str]:
    """The codes of an error answer (distribution-spec, error codes)."""
    return frozenset(
        str(error["code"]).upper() for error in _errors(_content(body)) if isinstance(error.get("code"), str)
    )


def lacks_tag(codes: frozenset[str]) -> bool:
    return bool(codes & _TAG_UNKNOWN)


def lacks_repository(codes: frozenset[str]) -> bool:
    return bool(codes & _REPOSITORY_UNKNOWN)


def words(body: bytes) -> str:
    """What the server says for people, in one line; empty for a page of HTML, which says nothing to anyone."""
    content = _content(body)
    said = "; ".join(_sayings(content)) if content is not None else body[:4000].decode("utf-8", "replace").strip()
    if content is None and said.startswith("<"):
        return ""
    line = " ".join(said.split())
    # Foreign text on a terminal: control and bidirectional characters are shown by their numbers.
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in line)[:WORDS_LIMIT]


def _content(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _errors(content: object) -> Iterator[dict[str, object]]:
    errors = content.get("errors") if isinstance(content, dict) else None
    yield from (error for error in errors if isinstance(error, dict)) if isinstance(errors, list) else ()


def _sayings(content: object) -> Iterator[str]:
    """Registries answer {"errors": [...]}; token servers also with one of these words (Docker Hub: details)."""
    for error in _errors(content):
        code, message = error.get("code"), error.get("message")
        yield ": ".join(text for text in (code, message) if isinstance(text, str) and text)
    if isinstance(content, dict):
        for name in ("details", "error", "error_description", "message"):
            if isinstance(content.get(name), str):
                yield content[name]


def not_permitted(where: str, asked: str, source: str | None, said: str, *, scope: bool = False) -> NotPermitted:
    """The error of a 401 or 403. `source`: where the credential is from that was shown, None for anonymous access."""
    details = [said] if said else []
    if source is None:
        return NotPermitted(
            f"the registry shows no {asked} without a login, and no credential for it was found",
            id="no-token",
            where=where,
            next=f"log in (docker login {where}), or set PIPELINEGEN_REGISTRY_USERNAME and _PASSWORD",
            details=details,
        )
    if scope:
        return NotPermitted(
            f"the credential of {source} may not read {asked}, or there is no such repository",
            id="scope-missing",
            where=where,
            next="give it the right to pull from this repository",
            details=details,
        )
    return NotPermitted(
        f"the registry refused the credential of {source} for {asked}",
        id="bad-token",
        where=where,
        next=f"log in again (docker login {where}), or give the credential the right to pull",
        details=details,
    )


def refused(where: str, status: int, asked: str, said: str) -> WorldError:
    """The error of an answer that is neither yes nor no."""
    return WorldError(
        f"the registry answered {status} for {asked}", id="server-refused", where=where, details=[said] if said else []
    )
