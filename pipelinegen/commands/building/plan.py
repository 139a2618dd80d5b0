"""The plan of a build, without a look at the world: tags, labels, and in which order images are built."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from pipelinegen.commands.building.asked import Wanted
from pipelinegen.commands.building.source import Source
from pipelinegen.errors import InputError
from pipelinegen.images.tag_rules import BadTagRule, parse_flavor
from pipelinegen.images.tags import NOTHING_KNOWN, Known, TagPlan, plan_tags

_OCI = "org.opencontainers.image"


def tags_of(wanted: Wanted, source: Source, known: Known = NOTHING_KNOWN) -> TagPlan:
    """The tags of an image. Raises InputError, at the place of its rules."""
    try:
        return plan_tags(wanted.tags, source.event, known, parse_flavor(wanted.image.flavor))
    except BadTagRule as error:
        raise InputError(
            f"{error.rule}: {error.reason}", id="bad-tag", where=wanted.place, next=error.mend and f"mend: {error.mend}"
        ) from None


def labels_of(wanted: Wanted, source: Source, version: str | None) -> dict[str, str]:
    """The labels of the OCI's annotations that are known, as metadata-action sets them, and the image's own on top."""
    facts = {
        "title": source.title,
        "description": source.description,
        "url": source.url,
        "source": source.url,
        "version": version,
        "created": source.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": source.revision,
        "licenses": source.licenses,
    }
    return {**{f"{_OCI}.{name}": value for name, value in facts.items() if value}, **wanted.image.labels}


def ordered(needs: Mapping[str, Collection[str]]) -> TopologicalSorter[str]:
    """The images in an order in which each comes after those that it is built from, as many at a time as can be."""
    sorter = TopologicalSorter({name: sorted(bases) for name, bases in needs.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " from ".join(reversed(error.args[1]))
        raise InputError(
            f"images would be built from each other: {circle}", id="bad-config", next="break the circle"
        ) from None
    return sorter


def in_order(needs: Mapping[str, Collection[str]]) -> list[str]:
    """The same, one after the other."""
    sorter, names = ordered(needs), list[str]()
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=list(needs).index)
        names += ready
        sorter.done(*ready)
    return names
