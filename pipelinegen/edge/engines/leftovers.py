"""Working containers that a build of buildah's or podman's leaves, known by a mark of ours.

It leaves one where it is cut off, and one of each stage that is nothing but its FROM. They have no label and a name
after their base. But their state, beside them in the storage, lists the secrets that the build could have read: an
empty one, whose name is the run's, says whose they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

STATE_LIMIT = 16 * 1024 * 1024


def mark_of(run_id: str) -> str:
    return f"pipelinegen-{run_id}"


def marking(run_id: str, folder: Path) -> str:
    """The option of `build` that marks its containers."""
    empty = folder / "mark"
    empty.touch()
    return f"--secret=id={mark_of(run_id)},src={empty}"


def left_containers(info: bytes, run_id: str) -> Iterator[str]:
    """The ids of the containers of a run, by what `buildah info` or `podman info --format=json` says of the storage."""
    root, driver = _storage(info)
    if root is None:
        return
    mark = f'"id={mark_of(run_id)},'.encode()
    for state in sorted(root.glob(f"{driver}-containers/*/userdata/buildah.json")):
        try:
            found = state.stat().st_size <= STATE_LIMIT and mark in state.read_bytes()
        except OSError:
            continue  # removed meanwhile, by whoever it belongs to
        if found:
            yield state.parent.parent.name


def _storage(info: bytes) -> tuple[Path | None, str]:
    try:
        store: Mapping[str, Any] = json.loads(info)["store"]
    except (ValueError, KeyError, TypeError):
        return None, ""
    words = {key.lower(): str(value) for key, value in store.items()}
    root, driver = words.get("graphroot"), words.get("graphdrivername")
    return (Path(root), driver) if root and driver else (None, "")
