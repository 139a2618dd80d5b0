"""Scripted pipelines: stages anywhere inside of blocks, and what stands outside of any stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipelinegen.pipelines.read import names
from pipelinegen.pipelines.read.jenkins.stages import OUTSIDE, Outer, Stages, job_of, pod_images, unique
from pipelinegen.pipelines.read.jenkins.steps import Found, State, bound, walk, with_env
from pipelinegen.pipelines.read.jenkins.values import Branch, Call, Statement


def scripted(
    state: State, statements: Sequence[Statement], stages: Stages, outer: Outer, needs: list[str]
) -> list[str]:
    """Stages anywhere inside blocks; what stands outside of any stage is a job of its own."""
    loose: list[Statement] = []
    for each in statements:
        if not isinstance(each, Call | Branch) or not _has_stage(each):
            loose.append(each)
            continue
        if isinstance(each, Branch):
            needs = scripted(state, each.body, stages, outer, needs)
        elif each.name == "stage" and each.block is not None:
            needs = _scripted_stage(state, each, stages, outer, needs)
        else:
            needs = _block(state, each, stages, outer, needs)
    found = Found()
    walk(state, loose, outer.around, found)
    if [step for step in found.steps if step.kind == "run" or step.grants]:
        line = found.steps[0].place.line
        job = job_of(state, unique(OUTSIDE, stages), line, found, outer, ())
        stages.jobs.append(job)
    return needs


def _block(state: State, each: Call, stages: Stages, outer: Outer, needs: list[str]) -> list[str]:
    """A block around stages: what it binds holds for them."""
    if each.name == "parallel":
        ends: list[str] = []
        for value in each.named.values():
            if isinstance(value, Call) and value.block is not None:
                ends += scripted(state, value.block, stages, outer, needs)
        return ends or needs
    around = bound(state, each, outer.around)
    if each.name == "withEnv":
        around = with_env(state, each, around)
    inner = replace(outer, around=around)
    first = each.first()
    if each.name == "node" and first is not None:
        inner = replace(inner, runner=first.text)
    if each.name.endswith(".inside") and each.on is not None and (image := each.on.first()) is not None:
        inner = replace(inner, images=(*inner.images, names.image(image.text, state.place(image.line))))
    if each.name in {"podTemplate"}:
        template = each.text("yaml")
        inner = replace(inner, images=(*inner.images, *(pod_images(state, template) if template else ())))
    return scripted(state, each.block or [], stages, inner, needs)


def _has_stage(each: Statement) -> bool:
    if isinstance(each, Branch):
        return any(_has_stage(one) for one in each.body)
    if not isinstance(each, Call):
        return False
    if each.name == "stage" and each.block is not None:
        return True
    inner = [one for value in each.named.values() if isinstance(value, Call) and value.block for one in value.block]
    return any(_has_stage(one) for one in (*(each.block or ()), *inner))


def _scripted_stage(state: State, stage: Call, stages: Stages, outer: Outer, needs: list[str]) -> list[str]:
    first = stage.first()
    name = unique(first.text if first else f"stage {stage.line}", stages)
    block = stage.block or []
    if any(_has_stage(one) for one in block):
        return scripted(state, block, stages, outer, needs)
    found = Found()
    walk(state, block, outer.around, found)
    job = job_of(state, name, stage.line, found, outer, needs)
    stages.jobs.append(job)
    return [job.id]
