"""The generated files of every target, as they stand in tests/golden under their real names.

`python -m tests.support.golden` writes them; tests/integration/test_golden.py holds them.
"""

from __future__ import annotations

import shutil
import stat
from functools import cache
from pathlib import Path

from pipelinegen.pipelines import grid
from pipelinegen.pipelines.model import GeneratedFile
from tests.support.applications import shop

FOLDER = Path(__file__).parent.parent / "golden"
TARGETS = grid.targets(grid.STYLES, grid.SYSTEMS, grid.DEPLOYERS)


@cache
def trees() -> dict[str, tuple[GeneratedFile, ...]]:
    """The tree of every target and agent, by its folder in the grid."""
    return dict(grid.grid(shop(), TARGETS, grid.AGENTS))


def expected() -> dict[str, GeneratedFile]:
    """The files by their paths below the folder. What a deployer writes for every CI system alike stands there once."""
    found = {grid.SETUP: grid.setup_file(shop(), TARGETS, grid.AGENTS)}
    for folder, files in trees().items():
        for file in files:
            if not is_shared(folder, file):
                found[f"{folder}/{file.path}"] = file
    return found


def is_shared(folder: str, file: GeneratedFile) -> bool:
    """Does it stand in the tree of GitHub, too?"""
    return folder.startswith(("push/gitlab/", "push/jenkins/")) and file.path.startswith("deploy/")


def write() -> None:
    """Make the folder anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for path, file in expected().items():
        target = FOLDER / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.text.encode())
        if file.executable:
            target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    write()
