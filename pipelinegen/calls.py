"""From parsed options to the call of a command: its report, its errors told, its exit code."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pipelinegen.errors import PipelinegenError
from pipelinegen.report import Report


def init(options: dict[str, Any]) -> int:
    from pipelinegen.commands.init import InitOptions, init_error, run

    report = report_of(options)
    return _told(report, lambda: run(InitOptions(**options), report), init_error)


def build(options: dict[str, Any]) -> int:
    from pipelinegen.commands.build import run
    from pipelinegen.commands.building.asked import BuildOptions
    from pipelinegen.commands.building.documents import error_document

    report = report_of(options)
    return _told(report, lambda: run(BuildOptions(**options), report), error_document)


def bump(options: dict[str, Any]) -> int:
    from pipelinegen.commands.asked import BumpOptions
    from pipelinegen.commands.bump import run

    report = report_of(options)
    return _told(report, lambda: run(BumpOptions(**options), report), _bump_document)


def promote(options: dict[str, Any]) -> int:
    from pipelinegen.commands.asked import BumpOptions
    from pipelinegen.commands.promote import promote_error, run
    from pipelinegen.commands.promoting import PromoteOptions

    report = report_of(options)
    source, target, images = (options.pop(name) for name in ("from_env", "to_env", "image"))
    rolled_back = options.pop("allow_rolled_back")
    asked = PromoteOptions(source, target, images, rolled_back, BumpOptions(**options))
    return _told(report, lambda: run(asked, report), promote_error)


def rollback(options: dict[str, Any]) -> int:
    from pipelinegen.commands.asked import BumpOptions
    from pipelinegen.commands.rollback import rollback_error, run
    from pipelinegen.commands.rolling_back import RollbackOptions

    report = report_of(options)
    images, to, steps, limit = (options.pop(name) for name in ("image", "to_commit", "steps", "max_commits"))
    environment = options.pop("env")
    common = BumpOptions(**options, env=(environment,) if environment else ())
    asked = RollbackOptions(images, to, steps, limit, common)
    return _told(report, lambda: run(asked, report), rollback_error)


def observe(options: dict[str, Any]) -> int:
    from pipelinegen.commands.observe import observe_error, run
    from pipelinegen.commands.subjects import ObserveOptions

    report = report_of(options)
    return _told(report, lambda: run(ObserveOptions(**options), report), observe_error)


def generate(options: dict[str, Any]) -> int:
    from pipelinegen.commands.generate import run
    from pipelinegen.commands.generating.asked import GenerateOptions
    from pipelinegen.commands.generating.telling import error_document

    report = report_of(options)
    return _told(report, lambda: run(GenerateOptions(**options), report), error_document)


def compare(options: dict[str, Any]) -> int:
    from pipelinegen.commands.compare import CompareOptions, compare_error, run

    report = report_of(options)
    report.json = report.json or options["format"] == "json"
    return _told(report, lambda: run(CompareOptions(**options), report), compare_error)


def doctor(options: dict[str, Any]) -> int:
    from pipelinegen.commands.doctor import DoctorOptions, run

    report = report_of(options)
    return _told(report, lambda: run(DoctorOptions(**options), report))


def schema(options: dict[str, Any]) -> int:
    from pipelinegen.commands.schema import run

    report = report_of(options)
    report.json = False  # the schema is JSON either way
    return _told(report, lambda: _printed(report, run()))


def demo(options: dict[str, Any]) -> int:
    from pipelinegen.commands.demo import run

    report = report_of(options)
    return _told(report, lambda: run(_keep(options), report))


def _keep(options: dict[str, Any]) -> str | None:
    keep = options["keep"]
    return os.path.join(options["directory"], keep) if keep is not None else None


def report_of(options: dict[str, Any]) -> Report:
    """The report that the common options ask for; takes them out of `options`, but for the directory."""
    quiet, verbose = options.pop("quiet"), options.pop("verbose")
    return Report(json=options.pop("as_json"), color=options.pop("color"), verbosity=-1 if quiet else verbose)


def _told(
    report: Report,
    command: Callable[[], int],
    document: Callable[[PipelinegenError], dict[str, Any]] | None = None,
) -> int:
    """The command's exit code; an error is told, and put into the document where one was asked for."""
    try:
        return command()
    except PipelinegenError as error:
        report.error(error)
        if document is not None:
            report.document(document(error))
        return error.exit_code


def _bump_document(error: PipelinegenError) -> dict[str, Any]:
    from pipelinegen.commands.show import error_document

    return error_document(error)


def _printed(report: Report, text: str) -> int:
    report.result([text.rstrip("\n")])
    return 0
