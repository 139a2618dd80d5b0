"""`pipelinegen build`: build once, test those bytes, push those bytes, hand the digest on."""

from __future__ import annotations

import gc

from pipelinegen.commands.building.asked import BuildOptions, Wanted, configuration
from pipelinegen.commands.building.based import needs_of, wanted_images
from pipelinegen.commands.building.bench import Bench
from pipelinegen.commands.building.documents import Outcome, document, tell_ci, worst, write_metadata
from pipelinegen.commands.building.dry import show_plan
from pipelinegen.commands.building.plan import tags_of
from pipelinegen.commands.building.several import make_all
from pipelinegen.commands.building.source import source_of
from pipelinegen.images.tags import Known
from pipelinegen.report import Report


def run(options: BuildOptions, report: Report) -> int:
    """The exit code of a build. Raises PipelinegenError."""
    collects = gc.isenabled()
    gc.disable()  # until something is built: what is unchanged is told before garbage matters
    try:
        return _run(options, report)
    finally:
        if collects:
            gc.enable()


def _run(options: BuildOptions, report: Report) -> int:
    config = configuration(options.directory)
    images = wanted_images(options, config)
    source = source_of(options, config.folder, config.project, images)
    with Bench(options, config, source, images, report) as bench:
        _tell_source(bench)
        needs = needs_of(images)
        bench.known = _known(bench, images)
        if options.dry_run:
            return show_plan(images, needs, bench)
        made, failed = make_all(images, needs, bench)
        outcome = Outcome(source, made, failed)
        return _told(outcome, bench)


def _known(bench: Bench, images: list[Wanted]) -> Known:
    """The versions that git knows, where a tag depends on them; all rules are checked before anything is done."""
    plans = [tags_of(image, bench.source) for image in images]
    if not any(plan.asks_for_versions for plan in plans):
        return Known()
    application = bench.source.application
    remote = application.remote_refs("refs/tags/*") or {}
    there = (name.removeprefix("refs/tags/").removesuffix("^{}") for name in remote)
    return Known(git=tuple(dict.fromkeys([*application.tags(), *there])))


def _tell_source(bench: Bench) -> None:
    source, report = bench.source, bench.report
    if source.changed is not None:
        report.warn(
            f"{source.changed} is not as in the commit: the images carry no revision, and no tag is made of the commit"
        )
    if source.fork and bench.options.push is not False:
        report.say("this builds the pull request of a fork: nothing is pushed")


def _told(outcome: Outcome, bench: Bench) -> int:
    report = bench.report
    for failure in outcome.failed:
        report.error(failure.error)
    metadata = write_metadata(outcome, bench.options)
    tell_ci(outcome, metadata)
    report.result(str(each.reference) for each in outcome.pushed)
    report.document(document(outcome))
    return worst(outcome.failed).exit_code if outcome.failed else 0
