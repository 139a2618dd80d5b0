"""`pipelinegen init`: look at the application repository and write pipelinegen.yaml, with a reason for each choice."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelinegen.commands.starting import asking
from pipelinegen.commands.starting.looking import Repository, look
from pipelinegen.commands.starting.manifests import find
from pipelinegen.commands.starting.proposal import Proposal, propose
from pipelinegen.commands.starting.writing import files_of
from pipelinegen.errors import Defect, InputError, PipelinegenError, Refused, WorldError

if TYPE_CHECKING:
    from pipelinegen.pipelines.model import GeneratedFile
    from pipelinegen.report import Report


class InitOptions(NamedTuple):
    """The options of `init`, as the command line gives them."""

    directory: str = "."
    repo: str | None = None
    registry: str | None = None
    yes: bool = False
    dry_run: bool = False


def run(options: InitOptions, report: Report) -> int:
    """The exit code. Raises PipelinegenError; nothing that is there is ever changed."""
    folder = options.directory
    if not os.path.isdir(folder):
        raise InputError("not a folder", id="bad-path", where=folder, next="give -C the application repository")
    _check_nothing_there(folder, options)
    findings = look(folder, lambda repository, origin, names: find(repository, origin, names, options.repo, report))
    proposal = propose(findings, options.registry)
    if not (options.yes or options.dry_run) and report.asks:
        proposal = asking.ask(proposal, report)
    files = files_of(proposal, findings, Repository(folder))
    _check_loads(files.config)
    written = [files.config, *(file for file in files.beside if not os.path.lexists(os.path.join(folder, file.path)))]
    if options.dry_run:
        report.result([files.config.text.rstrip("\n")])
    else:
        for file in written:
            _create(os.path.join(folder, file.path), file.text)
        report.result([file.path for file in written])
    _tell(proposal, written, report, options)
    report.document(_document("proposed" if options.dry_run else "written", proposal, written))
    return 0


def init_error(error: PipelinegenError) -> dict[str, Any]:
    """The JSON document of a failure."""
    result = "refused" if isinstance(error, Refused) else "error"
    return {"schema": "pipelinegen.init/1", "result": result, "error": error.data()}


def _check_nothing_there(folder: str, options: InitOptions) -> None:
    from pipelinegen.config import NAMES

    there = next((name for name in NAMES if os.path.lexists(os.path.join(folder, name))), None)
    if there is not None and not options.dry_run:
        raise Refused(
            "there is a configuration already, and it is never overwritten",
            id="config-exists",
            where=os.path.normpath(os.path.join(folder, there)),
            next="edit it, or look at a new proposal: pipelinegen init --dry-run",
        )


def _check_loads(file: GeneratedFile) -> None:
    """What is proposed must be accepted: a proposal that is not is our defect, not the user's mistake."""
    from pipelinegen import config

    try:
        config.loads(file.text.encode(), file.path)
    except InputError as error:
        raise Defect("the proposed configuration is not valid", id="bad-proposal", details=error.lines()) from error


def _create(path: str, text: str) -> None:
    """A new file, whole or not at all."""
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise Refused("somebody has just made this file", id="config-exists", where=path, next="look at it") from None
    except OSError as error:
        raise WorldError(
            f"cannot write: {error.strerror}", id="disk", where=path, next="make the folder writable"
        ) from error


def _tell(proposal: Proposal, written: list[GeneratedFile], report: Report, options: InitOptions) -> None:
    report.say(f"project {proposal.project}")
    for image in proposal.images:
        report.say(f"image {image.name} → {image.repository} ({image.repository_why})")
    report.say(f"manifests {proposal.manifests} ({proposal.manifests_why})")
    names = ", ".join(f"{each.name} by {each.deliver}" for each in proposal.environments)
    report.say(f"environments {names} ({proposal.environments_why})")
    report.say(f"{proposal.system}, {proposal.agent}, {proposal.deployer}")
    if not options.dry_run:
        told = ", ".join(file.path for file in written)
        report.say(f"wrote {told}; look through it and commit it, then: pipelinegen build --dry-run")


def _document(result: str, proposal: Proposal, written: list[GeneratedFile]) -> dict[str, Any]:
    return {
        "schema": "pipelinegen.init/1",
        "result": result,
        "files": [file.path for file in written],
        "project": proposal.project,
        "images": [
            {"name": each.name, "repository": each.repository, "why": each.repository_why, "found_in": each.shown}
            for each in proposal.images
        ],
        "manifests": {"repository": proposal.manifests, "why": proposal.manifests_why},
        "environments": [
            {"name": each.name, "paths": list(each.paths), "deliver": each.deliver} for each in proposal.environments
        ],
        "ci": {"system": proposal.system, "why": proposal.system_why},
        "agent": {"name": proposal.agent, "why": proposal.agent_why},
        "deployer": {"name": proposal.deployer, "why": proposal.deployer_why},
    }
