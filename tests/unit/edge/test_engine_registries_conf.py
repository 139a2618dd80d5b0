from __future__ import annotations

from pathlib import Path

import pytest

from pipelinegen.edge.engines.registries_conf import registries_conf

SHORT = 'unqualified-search-registries = ["docker.io"]\n'


def made(folder: Path, registries: list[str], **environ: str) -> str | None:
    """What is written into our own file."""
    ours = folder / "ours"
    ours.mkdir()
    variables = registries_conf(ours, {"HOME": str(folder), **environ}, registries)
    if not variables:
        return None
    assert variables == {"CONTAINERS_REGISTRIES_CONF": str(ours / "registries.conf")}
    return (ours / "registries.conf").read_text()


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_registries_of_this_machine_speak_http_and_no_others(tmp_path: Path) -> None:
    named = write(tmp_path / "named", SHORT)
    registries = ["ghcr.io", "localhost:5000", "127.0.0.1:5001", "[::1]:5002", "localhost.example.com"]
    text = made(tmp_path, registries, CONTAINERS_REGISTRIES_CONF=named)
    assert text is not None
    found = [line for line in text.splitlines() if line.startswith("location")]
    assert found == ['location = "localhost:5000"', 'location = "127.0.0.1:5001"', 'location = "[::1]:5002"']
    assert text.count("insecure = true") == 3


def test_the_users_own_file_is_kept(tmp_path: Path) -> None:
    write(tmp_path / ".config" / "containers" / "registries.conf", SHORT)
    text = made(tmp_path, ["localhost:5000"])
    assert text is not None
    assert text.startswith(SHORT)


def test_a_file_that_is_named_wins(tmp_path: Path) -> None:
    write(tmp_path / ".config" / "containers" / "registries.conf", "# the usual one\n")
    named = write(tmp_path / "named", "# the named one\n")
    text = made(tmp_path, ["localhost:5000"], CONTAINERS_REGISTRIES_CONF=named)
    assert text is not None
    assert text.startswith("# the named one\n")


@pytest.mark.parametrize(
    ("theirs", "registries"),
    [
        pytest.param(SHORT, ["ghcr.io", "registry.example:5000"], id="none is of this machine"),
        pytest.param('[[registry]]\nlocation = "localhost:5000"\n', ["localhost:5000"], id="the user has said how"),
        pytest.param("[registries.insecure]\nregistries = []\n", ["localhost:5000"], id="version 1"),
    ],
)
def test_nothing_is_written(tmp_path: Path, theirs: str, registries: list[str]) -> None:
    named = write(tmp_path / "named", theirs)
    assert made(tmp_path, registries, CONTAINERS_REGISTRIES_CONF=named) is None
