"""`pipelinegen demo`: the story of a bump on one machine, offline, on real git, with every step checked."""

from __future__ import annotations

import shlex
from typing import Any

from pipelinegen.commands.demo.repositories import folder_for, make_repositories
from pipelinegen.commands.demo.scene import Scene, outside_ci
from pipelinegen.commands.demo.stage import Stage
from pipelinegen.commands.demo.story import STORY, Told, play
from pipelinegen.errors import PipelinegenError
from pipelinegen.report import Report

SCHEMA = "pipelinegen.demo/1"


def run(keep: str | None, report: Report) -> int:
    """Play the story in `keep`, or in a folder that is removed afterwards. Raises PipelinegenError."""
    told: list[Told] = []
    try:
        with outside_ci(), folder_for(keep) as folder:
            make_repositories(folder)
            scene = Scene(folder, Stage(report))
            for number, step in enumerate(STORY, start=1):
                told.append(play(step, f"{number} of {len(STORY)}", scene))
    except PipelinegenError as error:
        report.document(document(told, keep, error))
        raise
    report.say(f"\nAll {len(told)} steps did what they should. {_epilogue(keep)}")
    report.document(document(told, keep))
    return 0


def document(told: list[Told], keep: str | None, error: PipelinegenError | None = None) -> dict[str, Any]:
    """The JSON document: what each step ran, with its exit code and its own document or output."""
    return {
        "schema": SCHEMA,
        "result": "failed" if error else "done",
        "folder": keep,
        "steps": [each.data() for each in told],
        **({"error": error.data()} if error else {}),
    }


def _epilogue(keep: str | None) -> str:
    if keep is None:
        return "The folder is removed; pipelinegen demo --keep DIR leaves it for you to try more."
    folder = shlex.quote(keep)
    return f"The repositories are in {folder}; `git -C {folder}/manifests restore .` takes the bump back."
