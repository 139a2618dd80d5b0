"""Check the generated workflow of GitHub: whether its actions can still run, and are those of this version."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from pipelinegen.commands.checking.finding import Finding
from pipelinegen.pipelines.pins import Action, actions, runtimes_gone, without_runner

WORKFLOW = ".github/workflows/pipelinegen.yml"
_USES = re.compile(r"^\s*(?:-\s+)?uses: (?P<name>[\w./-]+)@(?P<commit>[0-9a-f]{40})\b", re.M)
_LARGEST = 1024 * 1024


def findings(folder: str) -> Iterator[Finding]:
    """One finding where there is a generated workflow, else none."""
    text = _read(os.path.join(folder, WORKFLOW))
    if text is None:
        return
    known = {(one.name, one.commit): one for one in actions().values()}
    used = {(found["name"], found["commit"]) for found in _USES.finditer(text)}
    yield _judged([known[pin] for pin in sorted(used & set(known))], sorted(name for name, _ in used - set(known)))


def _judged(ours: list[Action], others: list[str]) -> Finding:
    gone = without_runner(ours, runtimes_gone())
    if gone:
        return Finding("actions", "bad", gone[0], "install a newer pipelinegen, then: pipelinegen generate", gone[1:])
    if others:
        why = (
            f"{WORKFLOW} pins {', '.join(others)} otherwise than this version does; whether they still run is not known"
        )
        return Finding("actions", "unsure", why, "pipelinegen generate --check shows the difference")
    return Finding("actions", "ok", f"those of {WORKFLOW} are this version's, and run on what runners have")


def _read(path: str) -> str | None:
    """The text of the file that pipelinegen has written there."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LARGEST)
    except (OSError, ValueError):
        return None
    return text if text.startswith("# Written by pipelinegen") else None
