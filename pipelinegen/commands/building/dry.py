"""`--dry-run`: what a build would do, told without building or writing; registries are asked, and may be silent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelinegen.commands.building.asked import Wanted
from pipelinegen.commands.building.bench import Bench
from pipelinegen.commands.building.documents import SCHEMA
from pipelinegen.commands.building.hashing import read_hashes
from pipelinegen.commands.building.plan import in_order, tags_of
from pipelinegen.commands.building.testing import count_of
from pipelinegen.commands.building.walk import versions_there
from pipelinegen.images.inputs import tag_of
from pipelinegen.images.tags import TagPlan

if TYPE_CHECKING:
    from pipelinegen.edge.registry import Registry

UNASKED_SECONDS = 10.0


class Planned(NamedTuple):
    """What would become of one image. `state` is unchanged, to build, or what keeps us from knowing."""

    wanted: Wanted
    plan: TagPlan
    state: str
    bases: tuple[str, ...]


def show_plan(images: Sequence[Wanted], needs: Mapping[str, Collection[str]], bench: Bench) -> int:
    """Tell the plan; 0. Raises PipelinegenError where a rule or a file is wrong."""
    by_name = {image.name: image for image in images}
    with bench.registry(UNASKED_SECONDS) as registry:
        planned = [_planned(by_name[name], needs[name], bench, registry) for name in in_order(needs)]
    bench.report.result(line for each in planned for line in _lines(each, bench))
    bench.report.document(_document(planned, bench))
    return 0


def _planned(wanted: Wanted, bases: Collection[str], bench: Bench, registry: Registry) -> Planned:
    plan = tags_of(wanted, bench.source, bench.known)
    if plan.asks_for_versions and bench.pushes:
        plan = tags_of(wanted, bench.source, versions_there(wanted, bench, registry))
    return Planned(wanted, plan, _state(wanted, bases, bench, registry), tuple(sorted(bases)))


def _state(wanted: Wanted, bases: Collection[str], bench: Bench, registry: Registry) -> str:
    from pipelinegen.edge.registry import Found, Unknown

    if bases or not bench.pushes or bench.options.no_cache:
        return (
            "to build" if not bases else f"to build, unless {' and '.join(sorted(bases))} is unchanged and so is this"
        )
    hashes = read_hashes(wanted, {}, bench, registry)
    found = registry.exists(wanted.repository._replace(tag=tag_of(hashes.inputs)))
    if isinstance(found, Unknown):
        return f"to build, unless it is in the registry, which was not asked: {found.reason}"
    return f"unchanged, {found.digest}" if isinstance(found, Found) else "to build"


def _lines(planned: Planned, bench: Bench) -> Iterator[str]:
    wanted, plan = planned.wanted, planned.plan
    yield f"{wanted.name}: {planned.state}"
    yield f"  from      {_path(wanted)}" + (f", target {wanted.image.target}" if wanted.image.target else "")
    if planned.bases:
        yield f"  after     {', '.join(planned.bases)}"
    if wanted.platforms:
        yield f"  platforms {', '.join(wanted.platforms)}"
    if bench.tests:
        yield f"  tests     {count_of(wanted.image.tests)}"
    for repository in wanted.repositories:
        yield f"  to        {repository}" if bench.pushes else f"  not to    {repository}"
    for tag in plan.tags:
        yield f"  tag       {tag.name} ({'fixed' if tag.fixed else 'moves'}, {tag.rule})"
    if not plan.tags:
        yield "  tag       none, so it would not be pushed"
    for note in plan.notes:
        yield f"  no tag    {note}"


def _path(wanted: Wanted) -> str:
    return f"{wanted.image.context}/{wanted.image.dockerfile}"


def _document(planned: Sequence[Planned], bench: Bench) -> dict[str, Any]:
    source = bench.source
    return {
        "schema": SCHEMA,
        "result": "planned",
        "source": {"revision": source.revision, "url": source.url, "ref": source.event.ref or None},
        "push": bench.pushes,
        "images": [],
        "planned": [
            {
                "name": each.wanted.name,
                "repository": each.wanted.repository.repository,
                "state": each.state,
                "tag": each.plan.told,
                "tags": [{"name": tag.name, "fixed": tag.fixed, "rule": tag.rule} for tag in each.plan.tags],
                "notes": list(each.plan.notes),
                "after": list(each.bases),
                "platforms": list(each.wanted.platforms),
            }
            for each in planned
        ],
    }
