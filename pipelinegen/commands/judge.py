"""Whether a plan may be carried out: images that occur nowhere, downgrades, too many files."""

from __future__ import annotations

from pipelinegen.commands.asked import BumpOptions, candidate
from pipelinegen.errors import InputError, Refused
from pipelinegen.images.reference import parse
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.plan import ImageCount, Plan, Skip
from pipelinegen.manifests.tree import Tree


def judge(plan: Plan, tree: Tree, options: BumpOptions, selection: Selection) -> None:
    """Raises InputError or Refused where the plan must not be carried out."""
    if plan.missing and not options.allow_missing:
        raise _missing(plan, tree, selection)
    if plan.downgrades:
        raise Refused(
            "the version that is deployed is newer" if len(plan.downgrades) == 1 else "newer versions are deployed",
            id="downgrade-refused",
            where=_place(plan.downgrades[0]),
            state="nothing was changed",
            next="to go back on purpose, add --allow-downgrade",
            details=[f"{_place(skip)}: {skip.reason}" for skip in plan.downgrades[:20]],
        )
    if options.max_files is not None and len(plan.files) > options.max_files:
        raise Refused(
            f"{len(plan.files)} files would change, more than --max-files {options.max_files}",
            id="too-many-files",
            state="nothing was changed",
            next="narrow it with --path or --env, or raise --max-files",
        )


def _missing(plan: Plan, tree: Tree, selection: Selection) -> InputError:
    from pipelinegen.manifests.near import nearest

    details: list[str] = []
    for image in plan.missing:
        near = nearest(tree, image.repository, candidate(selection))
        details += [f"{each.file}:{each.line} names {each.name}" for each in near]
    details += [f"{_place(skip)}: {skip.reason}" for skip in plan.skipped if skip.warn][:10]
    outside = [f"{skip.file}:{skip.line} names it, and is outside the selection" for skip in plan.outside[:5]]
    names = ", ".join(_familiar(image) for image in plan.missing)
    return InputError(
        f"{names} occurs nowhere in the selected manifests",
        id="no-match",
        state="nothing was changed",
        next="correct the name (or --path, --env); --allow-missing makes this no error",
        details=[*outside, *details],
    )


def _familiar(image: ImageCount) -> str:
    return parse(image.repository).familiar


def _place(skip: Skip) -> str:
    return f"{skip.file}:{skip.line}:{skip.column}"
