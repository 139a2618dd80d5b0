"""The plan of a request as a command wants it: the walk of bump, and entries in overlays where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from pipelinegen.commands.asked import BumpOptions
from pipelinegen.errors import InputError
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.plan import Edit, NewEntry, Plan, Skip
from pipelinegen.manifests.planning import make_plan
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.rewrite import version_text
from pipelinegen.manifests.sources import Sources


def plan_of(sources: Sources, requests: Sequence[Request], options: BumpOptions, selection: Selection) -> Plan:
    """The plan, not yet judged."""
    plan = make_plan(sources, requests, selection)
    if not options.set_in_overlay:
        return plan
    if not (options.path or options.env):
        raise InputError(
            "--set-in-overlay needs to know which overlays", id="bad-path", next="name them with --env or --path"
        )
    for request in requests:
        plan = _with_entries(plan, sources, request, selection)
    return plan


def _with_entries(plan: Plan, sources: Sources, request: Request, selection: Selection) -> Plan:
    """The plan, with an entry in each selected kustomization that gets the image only from a shared base."""
    from pipelinegen.manifests.environments import needs_overlay_entry
    from pipelinegen.manifests.kustomize.kustomization import is_kustomization_name

    hits = sorted({*plan.files, *(each.file for each in (*plan.skipped, *plan.outside))})
    selected = [path for path in sources.tree.paths() if is_kustomization_name(path) and selection.selects(path)]
    needs = needs_overlay_entry(sources, request.repository, hits, selected, selection.selects)
    edits = [_entry(sources, need.kustomization, need.written_name, request, selection) for need in needs.entries]
    skipped = [Skip(each.kustomization, 1, 1, str(each), warn=True) for each in needs.out_of_reach]
    images = tuple(
        image._replace(occurrences=image.occurrences + len(edits), changed=image.changed + len(edits))
        if image.repository == request.repository
        else image
        for image in plan.images
    )
    ordered = sorted((*plan.edits, *edits), key=lambda edit: (edit.file, edit.start, edit.end))
    return plan._replace(images=images, edits=tuple(ordered), skipped=tuple(sorted({*plan.skipped, *skipped})))


def _entry(sources: Sources, path: str, name: str, request: Request, selection: Selection) -> Edit:
    end = len(sources.source(path).text)
    line, column = sources.source(path).place(end)
    return Edit(
        file=path,
        line=line,
        column=column,
        kind="kustomize-images",
        repository=request.repository,
        environment=selection.environment(path),
        before="",
        after=f"{name}{version_text(request.tag, request.digest)}",
        start=end,
        end=end,
        old="",
        new="",
        expectations=(),
        entry=NewEntry(name, request.tag, request.digest),
    )
