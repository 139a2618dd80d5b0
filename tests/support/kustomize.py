"""Manifest repositories in memory, and the real kustomize (as `kubectl kustomize`) as a judge."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml


class Files(dict[str, bytes]):
    """A tree in memory. Counts its searches and reads, so that a test can say what a question costs."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        super().__init__({path: text.encode() if isinstance(text, str) else text for path, text in files.items()})
        self.searches = 0
        self.reads: list[str] = []

    def paths(self) -> Sequence[str]:
        return sorted(self)

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        self.searches += 1
        return [[path for path in sorted(self) if any(word in self[path] for word in words)] for words in groups]

    def read(self, path: str) -> bytes:
        self.reads.append(path)
        return self[path]

    def write(self, folder: Path) -> None:
        for path, data in self.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)


def require_kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not installed; it is the judge of what kustomize makes")
    return found


def kustomize(folder: Path, root: str) -> list[dict[str, object]] | str:
    """The objects that real kustomize makes of a folder, or its complaint."""
    done = subprocess.run(
        [require_kubectl(), "kustomize", str(folder / root)], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        return done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def images(objects: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """Every container's image, by "Kind name: field"."""
    found: dict[str, str] = {}
    for value in objects:
        metadata = value["metadata"]
        if not isinstance(metadata, dict):
            raise TypeError(f"an object without metadata: {value}")
        namespace = metadata.get("namespace", "default")
        name = metadata["name"] if namespace == "default" else f"{namespace}/{metadata['name']}"
        _collect(value, f"{value['kind']} {name}: ", found)
    return found


def _collect(value: object, path: str, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("containers", "initContainers"):
                for at, container in enumerate(item):
                    if container.get("image") is not None:
                        found[f"{path}{key}[{container.get('name', at)}].image"] = str(container["image"])
            _collect(item, f"{path}{key}.", found)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            name = item.get("name", at) if isinstance(item, dict) else at
            _collect(item, f"{path.removesuffix('.')}[{name}].", found)
