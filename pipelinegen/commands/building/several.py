"""Several images, as many at a time as may be: bases first, and none fails for what has nothing to do with it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelinegen.commands.building.asked import Wanted
from pipelinegen.commands.building.bench import Bench
from pipelinegen.commands.building.made import Failed, Made
from pipelinegen.commands.building.plan import in_order, ordered
from pipelinegen.commands.building.testing import TestsFailed
from pipelinegen.commands.building.walk import make
from pipelinegen.errors import PipelinegenError, Refused

if TYPE_CHECKING:
    from concurrent.futures import Future

MOST_AT_ONCE = 4


def make_all(
    images: Sequence[Wanted], needs: Mapping[str, Collection[str]], bench: Bench
) -> tuple[list[Made], list[Failed]]:
    """What became of each, in the order of the configuration."""
    jobs = bench.options.jobs or bench.config.build.jobs or min(MOST_AT_ONCE, os.cpu_count() or 1)
    by_name = {image.name: image for image in images}
    results: dict[str, Made | Failed] = {}
    if min(jobs, len(images)) == 1:
        for name in in_order(needs):
            results[name] = _one(by_name[name], needs[name], results, bench)
    else:
        _parallel(by_name, needs, results, jobs, bench)
    found = [results[image.name] for image in images]
    return [each for each in found if isinstance(each, Made)], [each for each in found if isinstance(each, Failed)]


def _parallel(
    by_name: Mapping[str, Wanted],
    needs: Mapping[str, Collection[str]],
    results: dict[str, Made | Failed],
    jobs: int,
    bench: Bench,
) -> None:
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

    bench.live = False
    bench.report.from_threads()
    sorter = ordered(needs)
    running: dict[Future[Made | Failed], str] = {}
    with ThreadPoolExecutor(jobs, thread_name_prefix="build") as pool:
        try:
            while sorter.is_active():
                for name in sorter.get_ready():
                    running[pool.submit(_one, by_name[name], needs[name], results, bench)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    results[name] = future.result()
                    sorter.done(name)
        except BaseException:
            # An interruption, or a defect of ours: what the threads wait for is ended, so that they end.
            pool.shutdown(wait=False, cancel_futures=True)
            bench.stop()
            raise


def _one(wanted: Wanted, bases: Collection[str], results: Mapping[str, Made | Failed], bench: Bench) -> Made | Failed:
    found = {name: results[name] for name in bases}
    lacking = [name for name, result in found.items() if isinstance(result, Failed)]
    try:
        if lacking:
            raise Refused(f"{wanted.name} was not built, for it is built from {', '.join(lacking)}", id="base-failed")
        return make(wanted, {name: result for name, result in found.items() if isinstance(result, Made)}, bench)
    except PipelinegenError as error:
        return Failed(wanted, error, error.report if isinstance(error, TestsFailed) else None)
