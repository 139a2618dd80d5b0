"""Which versions of git are too old, and which are known to have holes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelinegen.edge.git.version import OLDEST, installed_git, lacks_fixes, require_git
from pipelinegen.errors import WorldError


def pretend(monkeypatch: pytest.MonkeyPatch, folder: Path, says: str) -> None:
    program = folder / "git"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_git_of_this_machine_will_do() -> None:
    assert installed_git() >= OLDEST
    require_git()


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("git version 2.39.5", (2, 39, 5)),
        ("git version 2.50.1 (Apple Git-155)", (2, 50, 1)),
        ("git version 2.47.1.windows.2", (2, 47, 1)),
        ("git version 2.51.0-rc1", (2, 51, 0)),
        ("git version 3.0", (3, 0, 0)),
        ("nonsense", (0,)),
    ],
)
def test_versions_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, version: object) -> None:
    pretend(monkeypatch, tmp_path, says)
    assert installed_git() == version


@pytest.mark.parametrize("says", ["git version 2.35.9", "git version 1.8.3.1", "nonsense"])
def test_an_old_git_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str) -> None:
    pretend(monkeypatch, tmp_path, says)
    with pytest.raises(WorldError, match="too old") as told:
        require_git()
    assert told.value.id == "git-too-old"


@pytest.mark.parametrize(
    ("version", "lacking"),
    [
        ((2, 39, 5), True),
        ((2, 43, 6), True),
        ((2, 43, 7), False),
        ((2, 50, 0), True),
        ((2, 50, 1), False),
        ((2, 51, 0), False),
    ],
)
def test_known_holes_are_known_by_number(version: tuple[int, ...], lacking: bool) -> None:
    assert lacks_fixes(version) is lacking
