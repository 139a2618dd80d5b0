"""What an edit means for environments: which ones it reaches, which edits have no effect, what the cluster gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelinegen.commands.asked import BumpOptions
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.plan import Plan
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree
from pipelinegen.report import Report


def tell_effects(
    plan: Plan,
    contents: Mapping[str, bytes],
    sources: Sources,
    options: BumpOptions,
    selection: Selection,
    report: Report,
) -> dict[str, Any]:
    """Say what the edits mean, as far as it was asked for; further keys for the JSON document."""
    warn_of_void(plan, sources, report)
    if options.explain:
        explain_reach(plan, sources, selection, report)
    return {"rendered": show_rendered(contents, sources, report)} if options.render else {}


def warn_of_void(plan: Plan, sources: Sources, report: Report) -> None:
    """Warn of edits that have no effect on a kustomization which names the image and is not edited itself."""
    names = ("kustomization.yaml", "kustomization.yml", "Kustomization")
    edited = set(plan.files)
    others = {skip.file for skip in (*plan.skipped, *plan.outside)} - edited
    closer = sorted(path for path in others if path.rpartition("/")[2] in names)
    if not closer or not plan.edits:
        return
    from pipelinegen.manifests.environments import EditedReference, void_edits

    versions = {image.repository: image for image in plan.images}
    edits = [
        EditedReference(edit.file, edit.repository, versions[edit.repository].tag, versions[edit.repository].digest)
        for edit in plan.edits
    ]
    for void in void_edits(sources, list(dict.fromkeys(edits)), closer):
        report.warn(str(void))


def explain_reach(plan: Plan, sources: Sources, selection: Selection, report: Report) -> None:
    """Say of each edited file which environments it reaches."""
    if not plan.edits:
        return
    from pipelinegen.manifests.environments import environment_name, reach

    for file, roots in reach(sources, plan.files).items():
        if roots:
            names = ", ".join(f"{environment_name(root, selection.environment)} ({root})" for root in roots)
            report.say(f"{file}: reaches {names}")


def rendered_text(contents: Mapping[str, bytes], tree: Tree) -> str | None:
    """What the cluster gets, for the pull request; None where nothing here can render it."""
    from pipelinegen.edge.render import show_effect

    rendered = show_effect(tree, contents)
    return "\n".join(str(change) for change in rendered.changes) or None


def show_rendered(contents: Mapping[str, bytes], sources: Sources, report: Report) -> list[dict[str, Any]]:
    """Show which fields of which objects change (`--render`), and return them for the JSON document."""
    if not contents:
        return []
    from pipelinegen.edge.render import show_effect

    rendered = show_effect(sources.tree, contents)
    for change in rendered.changes:
        report.say(f"renders: {change.source}: {change}")
    for note in rendered.notes:
        report.say(f"render: {note}")
    if not rendered.changes and not rendered.notes:
        report.say("render: no object of a kustomization or chart changes")
    return [change._asdict() for change in rendered.changes]
