"""From a command line of the story to the conductor that the real command line calls, by the same tables of options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pipelinegen.commands import build, bump, compare, generate, observe, promote, rollback
from pipelinegen.commands.asked import BumpOptions
from pipelinegen.commands.building.asked import BuildOptions
from pipelinegen.commands.building.documents import error_document as build_error
from pipelinegen.commands.generating import telling
from pipelinegen.commands.generating.asked import GenerateOptions
from pipelinegen.commands.promoting import PromoteOptions
from pipelinegen.commands.rolling_back import RollbackOptions
from pipelinegen.commands.show import error_document
from pipelinegen.commands.subjects import ObserveOptions
from pipelinegen.errors import Defect, PipelinegenError
from pipelinegen.options import BUILD, BUMP, COMPARE, GENERATE, OBSERVE, PROMOTE, ROLLBACK, Option
from pipelinegen.report import Report

Values = dict[str, Any]


class Conductor(NamedTuple):
    """A command: its options, how it is run with their values, and its document where it ends with an error."""

    table: Sequence[Option]
    run: Callable[[Values, Report], int]
    document: Callable[[PipelinegenError], dict[str, Any]]


def _bump(values: Values, report: Report) -> int:
    return bump.run(BumpOptions(**values), report)


def _promote(values: Values, report: Report) -> int:
    source, target, images = (values.pop(name) for name in ("from_env", "to_env", "image"))
    rolled_back = values.pop("allow_rolled_back")
    return promote.run(PromoteOptions(source, target, images, rolled_back, BumpOptions(**values)), report)


def _rollback(values: Values, report: Report) -> int:
    images, to, steps, limit = (values.pop(name) for name in ("image", "to_commit", "steps", "max_commits"))
    common = BumpOptions(**{**values, "env": (values["env"],)})
    return rollback.run(RollbackOptions(images, to, steps, limit, common), report)


def _observe(values: Values, report: Report) -> int:
    return observe.run(ObserveOptions(**values), report)


def _build(values: Values, report: Report) -> int:
    return build.run(BuildOptions(**values), report)


def _compare(values: Values, report: Report) -> int:
    return compare.run(compare.CompareOptions(**values), report)


def _generate(values: Values, report: Report) -> int:
    return generate.run(GenerateOptions(**values), report)


CONDUCTORS: Mapping[str, Conductor] = {
    "build": Conductor(BUILD, _build, build_error),
    "bump": Conductor(BUMP, _bump, error_document),
    "promote": Conductor(PROMOTE, _promote, promote.promote_error),
    "rollback": Conductor(ROLLBACK, _rollback, rollback.rollback_error),
    "generate": Conductor(GENERATE, _generate, telling.error_document),
    "compare": Conductor(COMPARE, _compare, compare.compare_error),
    "observe": Conductor(OBSERVE, _observe, observe.observe_error),
}


def values_of(table: Sequence[Option], words: Sequence[str]) -> Values:
    """The values of the options that the words set, or the variables; words that are no options are references."""
    options = {name: option for option in table for name in option.names}
    values: Values = {option.name: os.environ.get(option.variable) or option.default for option in table}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-"):
            values["references"] = (*values.get("references", ()), word)
            continue
        option = options.get(word)
        negated = options.get(word.replace("--no-", "--", 1))
        if option is None and negated is not None and negated.kind == "toggle":
            values[negated.name] = False
            continue
        if option is None or (option.kind != "flag" and not waiting):
            raise Defect(f"the demo cannot read {word}", id="demo-differs")
        if option.kind == "flag":
            values[option.name] = True
        elif option.kind == "many":
            values[option.name] = (*values[option.name], waiting.pop(0))
        else:
            values[option.name] = int(waiting.pop(0)) if option.kind == "number" else waiting.pop(0)
    return values
