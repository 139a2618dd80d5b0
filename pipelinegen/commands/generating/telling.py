"""What is told of a generation: lines for people, the diff, the document of --json."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipelinegen.commands.generating.asked import Asked
from pipelinegen.errors import PipelinegenError, Refused
from pipelinegen.manifests.diff import unified_texts
from pipelinegen.pipelines.regeneration import UNKNOWN, Regeneration, Step
from pipelinegen.report import Report

SCHEMA = "pipelinegen.generate/1"
_FEW = 12
_EDITED = "move the edits into a block (pipelinegen:begin NAME), or give --merge, or --force to drop them"
_FOREIGN = "move it out of the way, write elsewhere with --out DIR, or give --force to write over it"


def show_diff(steps: Iterable[Step], report: Report) -> None:
    """The diff from what stands there to what is generated."""
    for step in steps:
        old, new = (data.decode("utf-8", "replace") if data else "" for data in (step.before, step.after))
        report.diff(unified_texts(step.path, old, new))


def tell_steps(done: Regeneration, report: Report, *, written: bool) -> None:
    """What was done, or would be."""
    for step in done.steps:
        if step.why and step.action != "refuse":
            (report.warn if step.action in ("leave", "conflict") else report.say)(f"{step.path}: {step.why}")
    total = sum(step.action not in ("remove", "leave") for step in done.steps)
    if not done.differing:
        report.say(f"{_files(total)}, as pipelinegen.yaml says")
        return
    counts = ", ".join(f"{_count(done, action)} {word}" for action, word in _WORDS if _count(done, action))
    report.say(f"{_files(total)}: {counts}" if written else f"{_files(total)}, not written: {counts}")


_WORDS = (
    ("create", "new"),
    ("update", "changed"),
    ("merge", "merged"),
    ("conflict", "with conflicts"),
    ("remove", "removed"),
    ("refuse", "refused"),
    ("unchanged", "as they were"),
)


def refused(steps: Sequence[Step]) -> Refused:
    """Some files hold what would be lost."""
    return Refused(
        f"{_files(len(steps))} would lose what somebody wrote, and nothing was written",
        id="edited-file",
        state="no file has changed",
        details=[f"{step.path}: {step.why}" for step in steps[:_FEW]] + _more(steps),
        next=_FOREIGN if all(step.why == UNKNOWN for step in steps) else _EDITED,
    )


def differing(steps: Sequence[Step]) -> Refused:
    """--check: not as generated."""
    return Refused(
        f"{_files(len(steps))} not as pipelinegen.yaml says"
        if len(steps) > 1
        else "1 file is not as pipelinegen.yaml says",
        id="changes-pending",
        details=[f"{step.path}: {_why(step)}" for step in steps[:_FEW]] + _more(steps),
        next="run `pipelinegen generate` with the same options and commit what it writes",
    )


def conflicting(steps: Sequence[Step], *, written: bool) -> Refused:
    """--merge: both sides changed the same lines."""
    return Refused(
        f"in {_files(len(steps))} your edits and what is generated now change the same lines",
        id="merge-conflict",
        state="the files are written, with conflict marks" if written else None,
        details=[f"{step.path}: {step.why}" for step in steps[:_FEW]] + _more(steps),
        next="resolve what stands between <<<<<<< and >>>>>>>, then run `pipelinegen generate --merge` again",
    )


def document(
    asked: Asked,
    done: Regeneration,
    error: PipelinegenError | None,
    explained: Sequence[Mapping[str, Any]],
    *,
    written: bool,
) -> dict[str, Any]:
    """The JSON document."""
    result = "refused" if error else "written" if written and done.differing else "unchanged"
    return {
        "schema": SCHEMA,
        "result": "planned" if not error and not written and done.differing else result,
        "folder": asked.root,
        "targets": [*(target.folder for target in asked.targets), *(f"agent/{name}" for name in asked.agents)],
        "files": [
            {"path": step.path, "action": step.action, "executable": step.executable, "why": step.why or None}
            for step in done.steps
        ],
        **({"explanations": list(explained)} if explained else {}),
        **({"error": error.data()} if error else {}),
    }


def error_document(error: PipelinegenError) -> dict[str, Any]:
    """The document of a generation that came to no plan."""
    return {
        "schema": SCHEMA,
        "result": "refused" if error.exit_code == 1 else "error",
        "files": [],
        "error": error.data(),
    }


def paths(steps: Iterable[Step]) -> Iterator[str]:
    """The paths that were written or removed."""
    return (step.path for step in steps if step.writes or step.action == "remove")


def _count(done: Regeneration, action: str) -> int:
    return sum(step.action == action for step in done.steps)


def _files(count: int) -> str:
    return f"{count} file{'s' if count != 1 else ''}"


def _more(steps: Sequence[Step]) -> list[str]:
    return [f"and {len(steps) - _FEW} more"] if len(steps) > _FEW else []


def _why(step: Step) -> str:
    return step.why or {"create": "missing", "remove": "generated no longer"}.get(step.action, "differs")
