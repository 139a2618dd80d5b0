"""`pipelinegen rollback`: bring an environment back to the versions it had before, each place to what stood there."""

from __future__ import annotations

from typing import Any

from pipelinegen.commands.asked import configuration, repository_of
from pipelinegen.commands.earlier import Later, date_of
from pipelinegen.commands.facts import tell_ci
from pipelinegen.commands.job import carry
from pipelinegen.commands.local import Delivery
from pipelinegen.commands.rolling_back import Rollback, RollbackOptions
from pipelinegen.commands.show import document, error_document, result_of
from pipelinegen.edge.git.history import Commit
from pipelinegen.errors import PipelinegenError
from pipelinegen.manifests.plan import Plan
from pipelinegen.markdown import visible
from pipelinegen.report import Report

SCHEMA = "pipelinegen.rollback/1"


def run(options: RollbackOptions, report: Report) -> int:
    """The exit code of a rollback. Raises PipelinegenError."""
    config = configuration(options.common.directory)
    rollback = Rollback(options, config, report)
    repository = repository_of(options.common, config)
    plan, delivery = carry(rollback, repository, options.common.deliver, report)
    for note in rollback.notes:
        report.say(visible(note))
    tell_ci([(plan, delivery)], result_of([plan]), "rollback")
    report.document(_document(rollback, plan, delivery))
    return 1 if options.common.exit_code and plan.edits else 0


def rollback_error(error: PipelinegenError) -> dict[str, Any]:
    """The JSON document of a rollback that ended with an error."""
    return {**error_document(error), "schema": SCHEMA}


def _document(rollback: Rollback, plan: Plan, delivery: Delivery) -> dict[str, Any]:
    """The JSON document: that of a bump, the state that comes back, and what that undoes."""
    return {
        **document(plan, delivery),
        "schema": SCHEMA,
        "environment": rollback.environment,
        "to": _commit(rollback.found.commit) if rollback.found else None,
        "undone": [_undone(each) for each in rollback.later],
        "left": [each._asdict() for each in rollback.left],
    }


def _commit(commit: Commit) -> dict[str, Any]:
    return {"commit": commit.id, "subject": commit.subject, "author": commit.author.name, "date": date_of(commit)}


def _undone(later: Later) -> dict[str, Any]:
    images = [
        {"image": one.image, "source_url": one.source_url, "revision": one.revision} for one in later.trailers.deployed
    ]
    return {**_commit(later.commit), "images": images}
