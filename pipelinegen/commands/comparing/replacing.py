"""`compare --from`: the pull pipeline that would replace a push pipeline, and what it leaves to people."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pipelinegen.errors import InputError

if TYPE_CHECKING:
    from pipelinegen.commands.compare import CompareOptions
    from pipelinegen.pipelines.replacing import Around
    from pipelinegen.report import Report


def replace_pipeline(options: CompareOptions, report: Report) -> int:
    """The exit code. Raises InputError."""
    from pipelinegen.commands.compare import read_all
    from pipelinegen.pipelines import compared
    from pipelinegen.pipelines.replacing import proposal_of
    from pipelinegen.pipelines.telling import proposal as telling

    if options.files or options.format == "html":
        what = (
            "--from takes no other file"
            if options.files
            else "--from has no page: it is told as a table, Markdown or JSON"
        )
        raise InputError(what, id="bad-path", next="give --from FILE alone, or the files without it")
    name = options.from_pipeline or ""
    (facts, *_) = read_all(options, (name,))
    proposal = proposal_of(facts, around(os.path.join(options.directory, name)))
    files = _files(proposal.config)
    if not report.json:
        told = telling.markdown if options.format == "markdown" else telling.text
        report.result(told(proposal, files))
    document = compared.document([facts])
    report.document({**document, "result": "proposed", "proposal": telling.document(proposal, files)})
    return 0


def around(path: str) -> Around:
    """What the repository of a pipeline says beside the file."""
    from pipelinegen.edge.beside import root_of
    from pipelinegen.edge.git.application import Application
    from pipelinegen.pipelines.replacing import Around

    root = root_of(path)
    origin = Application(root).origin() if os.path.lexists(os.path.join(root, ".git")) else None
    word = (origin or root).rstrip("/").rpartition("/")[2].removesuffix(".git")
    project = re.sub(r"[^a-z0-9]+", "-", word.lower())[:50].strip("-") or "app"
    return Around(project, origin)


def _files(config: str) -> list[str]:
    """The files that would be generated from the configuration, where nothing is missing for that."""
    from pipelinegen.commands.generating.asked import GenerateOptions, asked_for
    from pipelinegen.config.load import loads
    from pipelinegen.pipelines import grid

    loaded = loads(config.encode(), "pipelinegen.yaml")
    try:
        asked = asked_for(GenerateOptions(style="pull", out="."), loaded)
        found = []
        for target in asked.targets:
            found += [file.path for file in grid.files_of(asked.application, target)]
        for agent in asked.agents:
            found += [
                f"in the manifest repository: {file.path}" for file in grid.agent_files_of(asked.application, agent)
            ]
    except InputError:
        return []
    return found
