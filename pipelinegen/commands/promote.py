"""`pipelinegen promote`: carry the image versions of one environment to the next, tag and digest as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelinegen.commands.asked import configuration, repository_of
from pipelinegen.commands.facts import tell_ci
from pipelinegen.commands.job import carry
from pipelinegen.commands.local import Delivery
from pipelinegen.commands.promoting import PromoteOptions, Promotion
from pipelinegen.commands.show import document, error_document, result_of
from pipelinegen.errors import PipelinegenError
from pipelinegen.images.reference import parse
from pipelinegen.manifests.comparing import Difference
from pipelinegen.manifests.inventory import Standing, places
from pipelinegen.manifests.plan import Plan
from pipelinegen.markdown import visible
from pipelinegen.report import Report

SCHEMA = "pipelinegen.promote/1"


def run(options: PromoteOptions, report: Report) -> int:
    """The exit code of a promotion. Raises PipelinegenError."""
    config = configuration(options.common.directory)
    promotion = Promotion(options, config, report)
    repository = repository_of(options.common, config)
    plan, delivery = carry(promotion, repository, options.common.deliver, report)
    changed = {image.repository for image in plan.images if image.changed}
    for each in promotion.differences:
        report.say(visible(_line(each, each.repository in changed, promotion)))
    tell_ci([(plan, delivery)], result_of([plan]), "promote")
    report.document(_document(promotion, plan, delivery))
    return 1 if options.common.exit_code and plan.edits else 0


def promote_error(error: PipelinegenError) -> dict[str, Any]:
    """The JSON document of a promotion that ended with an error."""
    return {**error_document(error), "schema": SCHEMA}


def _line(difference: Difference, changed: bool, promotion: Promotion) -> str:
    """One image: its version before and after, and where."""
    name, version = parse(difference.repository).familiar, difference.version.short
    present = ", ".join(each.short for each in difference.present)
    if not difference.target:
        return f"{name}: {version} in {promotion.source}, does not stand in {promotion.environment}"
    if not changed:
        return f"{name}: {present} stays ({promotion.source} has {version})"
    return f"{name}: {present} -> {version} ({places(difference.target)})"


def _document(promotion: Promotion, plan: Plan, delivery: Delivery) -> dict[str, Any]:
    """The JSON document: that of a bump, and the differences."""
    changed = {image.repository for image in plan.images if image.changed}
    return {
        **document(plan, delivery),
        "schema": SCHEMA,
        "from": promotion.source,
        "to": promotion.environment,
        "differences": [_data(each, each.repository in changed) for each in promotion.differences],
    }


def _data(difference: Difference, changed: bool) -> dict[str, Any]:
    def listed(standings: Sequence[Standing]) -> list[dict[str, Any]]:
        keys = ("file", "line", "column", "tag", "digest")
        return [{key: getattr(standing, key) for key in keys} for standing in standings]

    return {
        "repository": difference.repository,
        "tag": difference.version.tag,
        "digest": difference.version.digest,
        "changed": changed,
        "from": listed(difference.source),
        "to": listed(difference.target),
    }
