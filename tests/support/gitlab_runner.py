"""Runs pipelines of GitLab on this machine by gitlab-ci-local, in plain shells. `.ci/gitlab-ci-local` installs it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.repos import git

HERE = Path(__file__).parents[2] / ".cache" / "gitlab-ci-local"
_PROGRAM = HERE / "node_modules" / "gitlab-ci-local" / "dist" / "index.js"
_COPY = ".gitlab-ci-local.copy.yml"
_NODE = HERE / "node_modules" / "node" / "bin" / "node"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a pipeline ended, and what it said."""

    code: int
    said: str

    @property
    def jobs(self) -> dict[str, str]:
        """Each job that ran with how it ended: PASS, FAIL or WARN."""
        plain = re.sub(r"\x1b\[[0-9;]*m", "", self.said)
        return {found[2]: found[1] for found in re.finditer(r"^ (PASS|FAIL|WARN) +(\S+(?: \[.*\])?) *$", plain, re.M)}


def for_this_runner(text: str, home: Path) -> str:
    """What gitlab-ci-local does not do as GitLab does, said otherwise.

    It does not know `expand: false`, and expands every variable. For plain shells, too, it starts services in
    containers, and takes the folder of an image's builds for the workspace. An after_script finds the workspace as it
    was before the job, and the artifacts are gone: the one that only tidies up is left out.
    """
    text = text.replace("/tmp/job-", f"{home}/job-").replace('  after_script:\n    - rm -rf "$JOB_TEMP"\n', "")
    kept = re.compile(r"^( +)value: (.*)\n\1expand: false$", re.M)
    text = kept.sub(lambda found: f"{found[1]}value: {found[2].replace('$', '$$')}", text)
    return re.sub(r"^  (?:services:\n(?:    .*\n)+|image: .*\n)", "", text, flags=re.M)


# `python3 -m venv` takes seconds to unpack a pip. Here the pip is that of the interpreter of the tests.
_PYTHON = """\
#!/bin/sh
set -eu
if [ "$#" = 3 ] && [ "$1 $2" = "-m venv" ]; then
  {python} -m venv --without-pip "$3"
  ln -s {pip} "$3"/lib/python*/site-packages/
  printf '#!/bin/sh\\nexec "%s/bin/python" -m pip "$@"\\n' "$3" > "$3/bin/pip"
  chmod +x "$3/bin/pip"
else
  exec {python} "$@"
fi
"""


def _python(folder: Path) -> Path:
    """A folder whose python3 is the interpreter that runs the tests."""
    folder.mkdir()
    pip = Path(sysconfig.get_path("purelib"), "pip")
    program = folder / "python3"
    program.write_text(_PYTHON.format(python=shlex.quote(sys.executable), pip=shlex.quote(str(pip))), encoding="utf-8")
    program.chmod(0o755)
    return folder


def installed() -> bool:
    return _PROGRAM.is_file() and _NODE.is_file() and shutil.which("rsync") is not None


@dataclass
class Project:
    """A project of GitLab: a repository whose pipelines run here."""

    folder: Path
    variables: dict[str, str]
    home: Path

    def write(self, files: Mapping[str, str], message: str = "Change") -> str:
        """A commit with these files; its id."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", message)
        return git(self.folder, "rev-parse", "HEAD").decode().strip()

    def keep_file(self, name: str, contents: Mapping[str, str]) -> None:
        """A variable of type File, with its content for each environment."""
        path = self.home / ".gitlab-ci-local" / "variables.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"global": {name: {"type": "file", "values": dict(contents)}}}), encoding="utf-8")

    def run(self, *arguments: str, jobs: Iterable[str] = (), **variables: str) -> Ran:
        """Run the pipeline, or those jobs of it. Variables are as those of the project, or of who starts it."""
        # What runs jobs here says that it is not GitLab.
        given = {"GITLAB_CI": "true", **self.variables, **variables}
        named = [word for name, value in given.items() for word in ("--variable", f"{name}={value}")]
        words = [*named, *arguments, *jobs]
        copy = self.folder / _COPY
        text = (self.folder / ".gitlab-ci.yml").read_text(encoding="utf-8")
        copy.write_text(for_this_runner(text, self.home), encoding="utf-8")
        shells = (
            "--file",
            _COPY,
            "--ignore-predefined-vars",
            ",".join(given),
            "--force-shell-executor",
            "--shell-isolation",
            "--no-artifacts-to-source",
            "--home",
            str(self.home),
        )
        ran = subprocess.run(
            [str(_NODE), str(_PROGRAM), *shells, *words],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment(),
            timeout=120,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout.decode("utf-8", "replace"))

    def listed(self, *unset: str, **variables: str) -> dict[str, str]:
        """The jobs that there are in such a pipeline, and when they run; none where there is no pipeline."""
        given = {**self.variables, **variables}
        words = [word for name, value in given.items() for word in ("--variable", f"{name}={value}")]
        words += ["--ignore-predefined-vars", ",".join(given)]
        words += [word for name in unset for word in ("--unset-variable", name)]
        command = [str(_NODE), str(_PROGRAM), "--home", str(self.home), "--list-csv", *words]
        ran = subprocess.run(
            command, cwd=self.folder, capture_output=True, env=self._environment(), timeout=60, check=False
        )
        rows = [line.split(";") for line in ran.stdout.decode().splitlines() if line.count(";") > 3]
        if ran.returncode and b"workflow:rules" not in ran.stdout + ran.stderr:
            raise AssertionError((ran.stdout + ran.stderr).decode())
        return {row[0]: row[2] for row in rows[1:]}

    def expanded(self) -> dict[str, Any]:
        """The pipeline with everything that is included, extended or referred to put in its place."""
        command = [str(_NODE), str(_PROGRAM), "--home", str(self.home), "--preview"]
        ran = subprocess.run(
            command, cwd=self.folder, capture_output=True, env=self._environment(), timeout=60, check=False
        )
        if ran.returncode:
            raise AssertionError((ran.stdout + ran.stderr).decode())
        return dict(yaml.safe_load(ran.stdout))

    def _environment(self) -> dict[str, str]:
        """Nothing of who runs the tests but where programs are."""
        paths = os.pathsep.join([str(self.home / "bin"), str(_NODE.parent), os.environ["PATH"]])
        return {"PATH": paths, "HOME": str(self.home), "LC_ALL": "C.UTF-8", "FORCE_COLOR": "0"}


def project(folder: Path, url: str, **variables: str) -> Project:
    """A project with this address, whose default branch is main. Skips where the executor is not installed."""
    if not installed():
        pytest.skip("gitlab-ci-local is not installed: .ci/gitlab-ci-local, and apt-get install rsync")
    folder.mkdir(parents=True)
    home = folder.with_name(f"{folder.name}-home")
    home.mkdir()
    _python(home / "bin")
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    git(folder, "remote", "add", "origin", url)
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "exclude").write_text(".gitlab-ci-local/\n.gitlab-ci-local.*\n", encoding="utf-8")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Start")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    return Project(folder, {"CI_PIPELINE_SOURCE": "push", **variables}, home)
