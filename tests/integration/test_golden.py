"""What is generated for every target is what stands in tests/golden, so that each change of a template is seen.

`python -m tests.support.golden` writes the folder anew; read its diff before you commit it.
"""

import os

import pytest

from pipelinegen.manifests.diff import unified_texts
from pipelinegen.pipelines import grid
from tests.support import golden


def test_no_file_is_missing_and_none_is_left_over() -> None:
    there = {str(path.relative_to(golden.FOLDER)) for path in golden.FOLDER.rglob("*") if path.is_file()}
    assert there == set(golden.expected())


@pytest.mark.parametrize("folder", [*golden.trees(), grid.SETUP])
def test_each_file_is_as_it_was(folder: str) -> None:
    wanted = {path: file for path, file in golden.expected().items() if path == folder or path.startswith(f"{folder}/")}
    assert wanted
    for path, file in wanted.items():
        there = (golden.FOLDER / path).read_bytes().decode()
        assert there == file.text, "\n".join(unified_texts(path, there, file.text))
        assert os.access(golden.FOLDER / path, os.X_OK) == file.executable


@pytest.mark.parametrize("deployer", grid.DEPLOYERS)
def test_a_deployers_files_are_the_same_for_every_system(deployer: str) -> None:
    trees = [golden.trees()[f"push/{system}/{deployer}"] for system in grid.SYSTEMS]
    own = [[file for file in tree if file.path.startswith("deploy/")] for tree in trees]
    assert own[0]
    assert own[0] == own[1] == own[2]


@pytest.mark.parametrize("folder", golden.trees())
def test_every_file_says_what_wrote_it_and_how_to_write_it_again(folder: str) -> None:
    """JSON knows no comments: a key, or a file beside it, says so."""
    for file in golden.trees()[folder]:
        head = "\n".join(file.text.splitlines()[:6])
        if not file.path.endswith((".json", "CODEOWNERS")):
            assert "Written by pipelinegen" in head, file.path
            assert "pipelinegen generate" in head, file.path


@pytest.mark.parametrize("folder", golden.trees())
def test_every_file_is_tidy(folder: str) -> None:
    for file in golden.trees()[folder]:
        assert file.text.endswith("\n"), file.path
        assert not file.text.endswith("\n\n"), file.path
        assert "\r" not in file.text, file.path
        if not file.path.endswith(".py"):
            assert "\n\n\n" not in file.text, file.path
        spoilt = [line for line in file.text.splitlines() if line != line.rstrip()]
        assert not spoilt, (file.path, spoilt)
