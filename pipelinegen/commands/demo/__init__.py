"""`pipelinegen demo`: the whole story on one machine, offline, on real git, with every step checked."""

from __future__ import annotations

import os
import shlex
from typing import Any

from pipelinegen.commands.connect import mask
from pipelinegen.commands.demo.repositories import folder_for, make_repositories
from pipelinegen.commands.demo.scene import Scene, outside_ci
from pipelinegen.commands.demo.server import hosted
from pipelinegen.commands.demo.stage import Stage
from pipelinegen.commands.demo.step import Told, play
from pipelinegen.commands.demo.story import STORY
from pipelinegen.errors import PipelinegenError
from pipelinegen.redact import Secret
from pipelinegen.report import Report

SCHEMA = "pipelinegen.demo/1"


def run(keep: str | None, report: Report) -> int:
    """Play the story in `keep`, or in a folder that is removed afterwards. Raises PipelinegenError."""
    told: list[Told] = []
    keep = os.path.normpath(keep) if keep is not None else None
    try:
        with outside_ci(), folder_for(keep) as folder:
            make_repositories(folder)
            with hosted(folder) as server:
                mask(report, Secret("PIPELINEGEN_TOKEN", server.token))
                scene = Scene(folder, Stage(report), server)
                story = [step for step in STORY if server.forge or not step.needs_forge]
                for number, step in enumerate(story, start=1):
                    told.append(play(step, f"{number} of {len(story)}", scene))
    except PipelinegenError as error:
        report.document(document(told, keep, error))
        raise
    report.say("")
    report.say(f"All {len(told)} steps did what they should. {_epilogue(keep)}")
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
    return (
        f"The repositories are in {folder}: `git -C {folder}/manifests restore .` takes the bump in the checkout "
        f"back, `git -C {folder}/server/acme/manifests.git log -p main` shows what was delivered."
    )
