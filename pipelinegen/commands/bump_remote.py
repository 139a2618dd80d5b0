"""`bump` on a remote manifest repository: one order for each environment, each delivered in its own way."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelinegen.commands.asked import BumpOptions
from pipelinegen.commands.built_from import built_from
from pipelinegen.commands.bumping import Bumping
from pipelinegen.commands.connect import Place, connect
from pipelinegen.commands.delivering import carry_out
from pipelinegen.commands.facts import tell_ci
from pipelinegen.commands.known_paths import known_paths
from pipelinegen.commands.local import Delivery
from pipelinegen.commands.order import Order, way_back
from pipelinegen.commands.settings import MAX_ATTEMPTS, deliveries, how_far, wanted
from pipelinegen.commands.show import combined, result_of
from pipelinegen.commands.verifying import settle
from pipelinegen.edge.ci import CiContext, read_ci
from pipelinegen.edge.process import Interrupted
from pipelinegen.errors import PipelinegenError
from pipelinegen.images.metadata import BuiltImage
from pipelinegen.manifests.plan import Plan
from pipelinegen.manifests.request import Request
from pipelinegen.report import Report
from pipelinegen.trailers import Deployed

if TYPE_CHECKING:
    from pipelinegen.config import Config


def bump_remote(
    options: BumpOptions,
    config: Config | None,
    repository: str,
    requests: Sequence[Request],
    built: Sequence[BuiltImage],
    report: Report,
) -> int:
    """The exit code. `built`: what the build's metadata says of the images. Raises PipelinegenError."""
    results: list[tuple[Plan, Delivery]] = []
    ci = read_ci(os.environ)
    steps = [(each, built_from(each, requests, built, ci)) for each in deliveries(options, config)]
    # What is wrong with an image is told before the first of several environments is changed.
    settled = _settled([each for each, _ in steps], requests, report)
    for (each, origins), asked in zip(steps, settled, strict=True):
        with _after([(*one.env, "")[0] for one, _ in steps[: len(results)]]):
            results.append(_delivered(each, config, repository, asked, origins, ci, report))
    result = result_of([plan for plan, _ in results])
    tell_ci(results, result)
    report.document(combined(results))
    return 1 if options.exit_code and any(plan.edits for plan, _ in results) else 0


def _settled(steps: Sequence[BumpOptions], requests: Sequence[Request], report: Report) -> list[list[Request]]:
    """What each delivery is asked for, each registry asked once."""
    known: dict[tuple[bool | None, bool, bool], list[Request]] = {}
    found = []
    for each in steps:
        verify, pin, ask = how = each.verify_image, bool(each.pin_digest), not each.dry_run
        if how not in known:
            known[how] = settle(requests, verify=verify, pin=pin, by_default=ask, report=report)
        found.append(known[how])
    return found


@contextmanager
def _after(earlier: Sequence[str]) -> Iterator[None]:
    """Say of a failure which environments were delivered before it."""
    try:
        yield
    except (PipelinegenError, Interrupted) as error:
        done = [f"{', '.join(earlier)}: delivered"] if earlier else []
        error.state = "; ".join([*done, *([error.state] if error.state else [])]) or None
        raise


def _delivered(
    each: BumpOptions,
    config: Config | None,
    repository: str,
    asked: Sequence[Request],
    origins: dict[str, Deployed],
    ci: CiContext,
    report: Report,
) -> tuple[Plan, Delivery]:
    how = how_far(each)
    place = Place(repository, each.forge, each.forge_url, each.base)
    with connect(place, report, with_forge=how == "pull-request" and not each.dry_run) as connection:
        work = Bumping(each, config, connection, asked, origins, report)
        order = Order(
            action="bump",
            how=how,
            environment=each.env[0] if each.env else None,
            requests=asked,
            plan=work.plan,
            origins=ChainMap(work.carried, origins),
            wanted=wanted(each),
            rollback=way_back(repository, (*each.env, None)[0], each.path, [one.repository for one in asked]),
            sign=bool(each.sign),
            max_attempts=each.max_attempts or MAX_ATTEMPTS,
            base=each.base,
            ci=ci,
            selection=work.selection,
            known_paths=known_paths(each, how),
        )
        work.branch = order.branch if how == "pull-request" else None
        return carry_out(connection, order, each, report)
