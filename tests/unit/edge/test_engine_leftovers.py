from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelinegen.edge.engines.leftovers import left_containers, marking

OURS, THEIRS = "0123456789ab", "ba9876543210"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A storage with a working container of ours, one of another run, and one of somebody who marks nothing."""
    for name, secrets in (("aa", [f"id=pipelinegen-{OURS},src=x"]), ("bb", [f"id=pipelinegen-{THEIRS},src=x"])):
        write(tmp_path / "vfs-containers" / name, {"CommonBuildOpts": {"Secrets": secrets}})
    write(tmp_path / "vfs-containers" / "cc", {"CommonBuildOpts": {"Secrets": []}, "Args": {"note": OURS}})
    write(tmp_path / "overlay-containers" / "dd", {"CommonBuildOpts": {"Secrets": [f"id=pipelinegen-{OURS},src=x"]}})
    (tmp_path / "vfs-containers" / "ee" / "userdata").mkdir(parents=True)
    return tmp_path


def write(folder: Path, state: object) -> None:
    (folder / "userdata").mkdir(parents=True)
    (folder / "userdata" / "buildah.json").write_text(json.dumps(state, separators=(",", ":")))


@pytest.mark.parametrize("keys", [("GraphRoot", "GraphDriverName"), ("graphRoot", "graphDriverName")])
def test_only_those_of_the_run_in_the_storage_in_use(root: Path, keys: tuple[str, str]) -> None:
    info = json.dumps({"store": dict(zip(keys, (str(root), "vfs"), strict=True))}).encode()
    assert list(left_containers(info, OURS)) == ["aa"]
    assert list(left_containers(info, THEIRS)) == ["bb"]
    assert list(left_containers(info, "cccccccccccc")) == []


@pytest.mark.parametrize("info", [b"", b"null", b"[]", b"{}", b'{"store": {}}', b'{"store": {"graphRoot": "/none"}}'])
def test_where_the_storage_is_not_told_nothing_is_found(info: bytes) -> None:
    assert list(left_containers(info, OURS)) == []


def test_the_mark_is_an_empty_secret(tmp_path: Path) -> None:
    assert marking(OURS, tmp_path) == f"--secret=id=pipelinegen-{OURS},src={tmp_path}/mark"
    assert (tmp_path / "mark").read_bytes() == b""
