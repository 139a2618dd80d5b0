"""One step of the story: told, run, and held to what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pipelinegen.commands.demo.scene import Run, Scene
from pipelinegen.errors import Defect


class Step(NamedTuple):
    """One step. `exit_code` is that of its commands; `check` says what is wrong, or nothing.

    A command that begins with # is what a person or an agent does, which the demo plays.
    """

    name: str
    title: str
    note: str
    commands: tuple[str, ...]
    check: Callable[[Scene, Sequence[Run]], str | None]
    exit_code: int = 0
    needs_forge: bool = False


class Told(NamedTuple):
    """A step that was played."""

    step: Step
    runs: Sequence[Run]

    def data(self) -> dict[str, Any]:
        runs = [run.data() for run in self.runs]
        return {"name": self.step.name, "title": self.step.title, "runs": runs}


def play(step: Step, number: str, scene: Scene) -> Told:
    """Tell the step, run its commands, check what they did. Raises Defect where they did something else."""
    scene.stage.heading(number, step.title, scene.filled(step.note))
    runs = [scene.run(command) for command in step.commands]
    wrong = next((f"exit {run.exit_code}: {run.command}" for run in runs if run.exit_code != step.exit_code), None)
    wrong = wrong or step.check(scene, runs)
    if wrong:
        raise Defect(
            f"the step {step.name!r} of the demo did something else: {wrong}",
            id="demo-differs",
            next="report it with the output above",
        )
    return Told(step, runs)
