"""A push of files that are named one by one: nothing else of the repository is fetched, unless they do not tell all."""

from __future__ import annotations

from collections.abc import Collection

from pipelinegen.commands.asked import BumpOptions
from pipelinegen.manifests.finding import is_manifest
from pipelinegen.manifests.plan import Plan
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.values_files import values_in


def known_paths(options: BumpOptions, how: str) -> tuple[str, ...] | None:
    """The files that `--path` names, where it names files and nothing else of the repository was asked about."""
    asked_for_more = options.explain or options.render or options.set_in_overlay or options.env
    if how != "push" or asked_for_more or not options.path:
        return None
    paths = tuple(path.removeprefix("./").removeprefix("/") for path in options.path)
    plain = all("/" in given and is_manifest(path) for given, path in zip(options.path, paths, strict=True))
    return paths if plain and not any(char in path for path in paths for char in "*?[]!#\\ ") else None


def tell_all(plan: Plan, sources: Sources, known: Collection[str]) -> bool:
    """Whether the files settle it: values may hold only a tag, and then others say whose it is."""
    found = [sources.source_or_none(path) for path in known]
    own_values = any(values.own_file for source in found if source for values in values_in(source))
    return not plan.missing and all(found) and not own_values
