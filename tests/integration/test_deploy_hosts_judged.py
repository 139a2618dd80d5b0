"""What is written for plain hosts, before the linters of each language at their strictest."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipelinegen.pipelines.deployers import DEPLOYERS
from tests.support import applications

BIN = Path(sys.executable).parent
YAMLLINT = "{extends: default, rules: {line-length: {max: 120}}}"


def judge(folder: Path, *command: str) -> None:
    """The judge finds nothing; the test is skipped where the judge is not here."""
    path = f"{BIN}:{os.environ['PATH']}"
    if shutil.which(command[0], path=path) is None:
        pytest.skip(f"{command[0]} is not installed")
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    env = {**os.environ, "PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert "warning" not in done.stdout.lower(), done.stdout


@pytest.fixture
def written(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder deploy/NAME of a deployer, for hosts and, with Ansible, for a cluster too."""
    name: str = request.param
    shop = applications.shop()
    lab = replace(shop.environments[0], name="lab", hosts=(), namespace="lab")
    application = replace(shop, environments=(*shop.environments, lab)) if name == "ansible" else shop
    for file in DEPLOYERS[name].files(application):
        path = tmp_path / "application" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
        path.chmod(0o755 if file.executable else 0o644)
    return tmp_path / "application/deploy" / name


@pytest.mark.parametrize("written", ["ansible"], indirect=True)
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("ansible-lint", "--offline", "--strict", "--profile", "production", "-q"), id="ansible-lint"),
        pytest.param(("yamllint", "--strict", "--config-data", YAMLLINT, "."), id="yamllint"),
    ],
)
def test_ansible_passes(written: Path, command: Sequence[str]) -> None:
    judge(written, *command)


@pytest.mark.parametrize("written", ["chef"], indirect=True)
def test_chef_passes(written: Path) -> None:
    """Chef's own linter is in no package index that the tests may use; what stands below it is Ruby's."""
    judge(written, "rubocop", "--only", "Lint,Security", "--format", "simple", "--fail-level", "info", ".")


@pytest.mark.parametrize("written", ["puppet"], indirect=True)
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("puppet-lint", "--fail-on-warnings", "--relative", "modules", "manifests"), id="puppet-lint"),
        pytest.param(("puppet", "parser", "validate", "manifests", "modules"), id="puppet-parser"),
        pytest.param(("yamllint", "--strict", "--config-data", YAMLLINT, "data", "hiera.yaml"), id="yamllint"),
    ],
)
def test_puppet_passes(written: Path, command: Sequence[str]) -> None:
    judge(written, *command)


@pytest.mark.parametrize("written", ["ansible", "chef", "puppet"], indirect=True)
def test_the_script_for_containers_passes_shellcheck(written: Path) -> None:
    (script,) = written.rglob("container.sh")
    judge(written, "shellcheck", "--enable=all", "--exclude=SC2250,SC2310,SC2312", str(script))


@pytest.mark.parametrize("name", ["ansible", "chef", "puppet"])
def test_the_scripts_of_jobs_pass_shellcheck(name: str, tmp_path: Path) -> None:
    application = applications.shop()
    environment = application.environments[0]
    deployer = DEPLOYERS[name]
    steps = [*deployer.install(application), *deployer.health(application, environment)]
    for each in (deployer.dry_run, deployer.deploy, deployer.drift):
        steps += each(application, environment)
    scripts = []
    for number, step in enumerate(steps):
        script = tmp_path / f"{number}.sh"
        given = "".join(f': "${{{variable}:?}}"\n' for variable in (*step.env, *(["TOOLS"] if step.installs else [])))
        script.write_text("#!/usr/bin/env bash\nset -euo pipefail\n" + given + "\n".join(step.script) + "\n")
        scripts.append(str(script))
    judge(tmp_path, "shellcheck", *scripts)
