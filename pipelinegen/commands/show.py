"""What a person and a program see of a plan: the diff, a line for each edit, warnings, the JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from pipelinegen.commands.asked import BumpOptions
from pipelinegen.commands.local import Delivery
from pipelinegen.errors import PipelinegenError
from pipelinegen.images.reference import parse
from pipelinegen.manifests.diff import unified, unified_texts, with_bom
from pipelinegen.manifests.plan import Edit, ImageCount, Plan, Skip
from pipelinegen.manifests.source import BOM
from pipelinegen.manifests.sources import Sources, sources_of
from pipelinegen.manifests.splice import apply
from pipelinegen.manifests.tree import Tree
from pipelinegen.report import Report

SCHEMA = "pipelinegen.bump/1"


def show(plan: Plan, files: Tree | Sources, options: BumpOptions, report: Report) -> None:
    """The diff on standard output; what was found and what was left alone on standard error."""
    report.diff(diff_of(plan, files))
    for skip in plan.skipped:
        if skip.warn:
            report.warn(f"{_place(skip)}: left alone: {skip.reason}")
        elif options.explain or report.verbosity >= 1:
            report.say(f"{_place(skip)}: left alone: {skip.reason}")
    if options.explain or report.verbosity >= 1:
        for edit in plan.edits:
            report.say(f"{edit.file}:{edit.line}:{edit.column}: {edit.kind}: {_change(edit)}")
    for image in plan.images:
        report.say(_count(image, dry=options.dry_run))


def diff_of(plan: Plan, files: Tree | Sources) -> Iterator[str]:
    """The lines of the plan's unified diff."""
    sources = sources_of(files)
    for file, edits in groupby(plan.edits, key=lambda edit: edit.file):
        listed = list(edits)
        text_file = any(edit.kind == "text" for edit in listed)
        source = sources.source(file, text_file=text_file)
        if any(edit.entry is not None for edit in listed):
            after = apply(plan._replace(edits=tuple(listed)), sources)[file].decode()
            lines = unified_texts(file, source.text, after.removeprefix(BOM))
        else:
            lines = unified(file, source.text, listed)
        yield from with_bom(lines) if source.bom else lines


def _change(edit: Edit) -> str:
    return f"{edit.before or '(none)'} -> {edit.after or '(none)'}"


def _count(image: ImageCount, *, dry: bool) -> str:
    reference = parse(image.repository)._replace(tag=image.tag, digest=image.digest)
    if not image.occurrences:
        return f"{reference}: occurs nowhere"
    if not image.changed:
        return f"{reference}: nothing to do, {_places(image.occurrences)} found"
    verb = "would change" if dry else "changed"
    return f"{reference}: {image.changed} of {_places(image.occurrences)} {verb}"


def _places(count: int) -> str:
    return f"{count} place" if count == 1 else f"{count} places"


def _place(skip: Skip) -> str:
    return f"{skip.file}:{skip.line}:{skip.column}"


def document(plan: Plan, delivery: Delivery) -> dict[str, Any]:
    """The JSON document of the contract (2.5)."""
    edits = [{key: value for key, value in edit._asdict().items() if key in _EDIT_KEYS} for edit in plan.edits]
    skipped = [
        {"file": skip.file, "line": skip.line, "column": skip.column, "reason": skip.reason} for skip in plan.skipped
    ]
    return {
        "schema": SCHEMA,
        "result": result_of([plan]),
        "images": [image._asdict() for image in plan.images],
        "edits": edits,
        "skipped": skipped,
        "delivery": delivery.data(),
    }


_EDIT_KEYS = ("file", "line", "column", "kind", "repository", "environment", "before", "after")


def combined(results: Sequence[tuple[Plan, Delivery]]) -> dict[str, Any]:
    """One document for several deliveries: counts added up, `deliveries` beside the last `delivery`."""
    documents = [document(plan, delivery) for plan, delivery in results]
    if len(documents) == 1:
        return documents[0]
    images: dict[str, dict[str, Any]] = {}
    for image in (image for each in documents for image in each["images"]):
        known = images.setdefault(image["repository"], {**image, "occurrences": 0, "changed": 0})
        known["occurrences"] += image["occurrences"]
        known["changed"] += image["changed"]
    return {
        "schema": SCHEMA,
        "result": result_of([plan for plan, _ in results]),
        "images": list(images.values()),
        "edits": [edit for each in documents for edit in each["edits"]],
        "skipped": [skip for each in documents for skip in each["skipped"]],
        "delivery": documents[-1]["delivery"],
        "deliveries": [each["delivery"] for each in documents],
    }


def result_of(plans: Sequence[Plan]) -> str:
    """The one word for what became of it."""
    if any(plan.edits for plan in plans):
        return "updated"
    if any(plan.superseded for plan in plans):
        return "superseded"
    return "unchanged" if any(image.occurrences for plan in plans for image in plan.images) else "not-found"


def error_document(error: PipelinegenError) -> dict[str, Any]:
    """The JSON document of a bump that ended with an error: of the contract's words, and `error` says which."""
    result = "not-found" if error.id == "no-match" else "refused"
    return {"schema": SCHEMA, "result": result, "images": [], "edits": [], "skipped": [], "error": error.data()}
