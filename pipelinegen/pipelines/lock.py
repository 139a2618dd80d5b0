"""`.pipelinegen.lock`: for each generated file, by which git blob id its text is known as it was last written."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

NAME = ".pipelinegen.lock"
_SCHEMA = "pipelinegen.lock/1"
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class BadLock(ValueError):
    """The lock file cannot be read."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A file as it was last generated. accepted: what stands there instead since `--merge` kept edits of the user's."""

    generated: str
    accepted: str | None = None


def blob_id(data: bytes, like: str = "") -> str:
    """The id that git gives to these bytes as a blob; by SHA-256 where `like` is such an id."""
    algorithm = hashlib.sha256 if len(like) == 64 else hashlib.sha1  # git's own names, no seal
    return algorithm(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def parse(data: bytes | None) -> dict[str, Locked]:
    """The files that a lock knows, none where there is no lock. Raises BadLock."""
    if data is None:
        return {}
    try:
        document = json.loads(data)
        files = document["files"]
        if document["schema"] != _SCHEMA or not isinstance(files, dict):
            raise BadLock(f"it is not of the form {_SCHEMA}")
        return {str(path): _locked(value) for path, value in files.items()}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadLock(str(error) if isinstance(error, BadLock) else "it is not what pipelinegen writes") from None


def written(files: Mapping[str, Locked]) -> bytes:
    """The lock as bytes: sorted, a line for each file, so that merges of two branches go by files."""
    entries = {path: _entry(locked) for path, locked in sorted(files.items())}
    document = {"//": "Written by pipelinegen generate; commit it.", "schema": _SCHEMA, "files": entries}
    return json.dumps(document, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def _entry(locked: Locked) -> object:
    if locked.accepted is None:
        return locked.generated
    return {"generated": locked.generated, "accepted": locked.accepted}


def _locked(value: object) -> Locked:
    pair = value if isinstance(value, dict) else {"generated": value}
    accepted = pair.get("accepted")
    return Locked(_id(pair["generated"]), None if accepted is None else _id(accepted))


def _id(value: object) -> str:
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise BadLock("an id in it is none of git's")
    return value
