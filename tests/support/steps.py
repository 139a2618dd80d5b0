"""Runs the steps of a job as a CI system would: one shell each, values by the environment, the rest after a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelinegen.pipelines.model import Fact, Literally, Run, Secret, Value


@dataclass
class Outcome:
    """How a step ended. skipped: the CI system did not run it."""

    step: Run
    code: int
    said: str
    skipped: bool = False


@dataclass
class Job:
    """A job on this machine: its workspace, its temporary folder, its secrets, and folders of programs before PATH."""

    workspace: Path
    temporary: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    programs: Sequence[Path] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    commit: str = 40 * "c"

    def run(self, steps: Iterable[Run]) -> list[Outcome]:
        done: list[Outcome] = []
        for step in steps:
            failed = any(each.code for each in done)
            if step.when != "always" and (step.when == "failure") != failed:
                done.append(Outcome(step, 0, "", skipped=True))
            else:
                done.append(self._step(step))
        return done

    def _step(self, step: Run) -> Outcome:
        tools = self.temporary / "tools"
        (tools / "bin").mkdir(parents=True, exist_ok=True)
        paths = (tools / "bin", *self.programs, Path(sys.executable).parent)
        env = {
            "PATH": os.pathsep.join([*map(str, paths), os.environ["PATH"]]),
            "HOME": str(self.temporary),
            "LC_ALL": "C.UTF-8",
            **self.environ,
            **({"TOOLS": str(tools)} if step.installs else {}),
            **{name: self._value(value) for name, value in step.env.items()},
        }
        script = "set -euo pipefail\n" + "\n".join(step.script) + "\n"
        ended = subprocess.run(
            ["bash", "-c", script],
            cwd=self.workspace,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return Outcome(step, ended.returncode, ended.stdout)

    def _value(self, value: Value) -> str:
        if isinstance(value, Literally):
            return value.text
        if isinstance(value, Secret):
            return self.secrets[f"{value.credential}_{value.part}".rstrip("_")]
        if isinstance(value, Fact):
            known = {"temporary-folder": str(self.temporary), "workspace": str(self.workspace), "commit": self.commit}
            return known[value.name]
        raise TypeError(f"these tests know no {value!r}")


def ended(outcomes: list[Outcome]) -> int:
    """The job's exit code: that of the first step that failed."""
    return next((each.code for each in outcomes if each.code), 0)


def said(outcomes: list[Outcome]) -> str:
    return "".join(f"--- {each.step.name}: {each.code}\n{each.said}" for each in outcomes if not each.skipped)
