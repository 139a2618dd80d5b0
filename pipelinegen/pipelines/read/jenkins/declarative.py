"""Declarative pipelines: `stages`, `parallel`, `matrix` and the sections that hold for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pipelinegen.pipelines.read import names
from pipelinegen.pipelines.read.jenkins import bindings
from pipelinegen.pipelines.read.jenkins.stages import Outer, Stages, job_of, pod_images, unique
from pipelinegen.pipelines.read.jenkins.steps import Around, Found, State, grant, inner_calls, renamed, walk
from pipelinegen.pipelines.read.jenkins.values import Assign, Call, Quoted, Raw, Statement, words_of
from pipelinegen.pipelines.reading import Approval, Foreign, Grant, Named, Setting, Trigger


def declarative(state: State, pipeline: Call, stages: Stages) -> None:
    block = pipeline.block or []
    outer, _ = _section(state, block, Outer(Around()), "pipeline")
    for each in block:
        if not isinstance(each, Call) or each.block is None:
            continue
        if each.name == "stages":
            _stages(state, each.block, outer, [], stages)
        elif each.name == "triggers":
            stages.triggers += [_trigger(state, one) for one in each.block if isinstance(one, Call)]
        elif each.name == "libraries":
            state.say(each.line, "a shared library is loaded, and what its steps do is not known")
    if not stages.triggers:
        stages.triggers.append(Trigger("push", "by the settings of the job in Jenkins", state.place(pipeline.line)))
    _post(state, block, outer, stages)


def _trigger(state: State, call: Call) -> Trigger:
    kind = {
        "cron": "schedule",
        "pollSCM": "push",
        "upstream": "call",
        "githubPush": "push",
        "parameterizedCron": "schedule",
    }
    return Trigger(kind.get(call.name, "other"), words_of(call), state.place(call.line))


def _post(state: State, block: Sequence[Statement], outer: Outer, stages: Stages) -> None:
    for each in block:
        if isinstance(each, Call) and each.name == "post" and each.block is not None:
            found = Found()
            for condition in each.block:
                if isinstance(condition, Call) and condition.block is not None:
                    walk(state, condition.block, outer.around, found)
            if found.steps:
                stages.jobs.append(job_of(state, "post", each.line, found, outer, _last(stages)))


def _last(stages: Stages) -> list[str]:
    return [stages.jobs[-1].id] if stages.jobs else []


def _stages(state: State, block: Sequence[Statement], outer: Outer, needs: list[str], stages: Stages) -> list[str]:
    """The stages of a block, one after the other; gives back those that the next one waits for."""
    for each in block:
        if isinstance(each, Call) and each.name == "stage" and each.block is not None:
            needs = _stage(state, each, outer, needs, stages)
    return needs


def _stage(state: State, stage: Call, outer: Outer, needs: list[str], stages: Stages) -> list[str]:
    block = stage.block or []
    first = stage.first() or stage.text("name")
    name = first.text if first else f"stage {stage.line}"
    inner, found = _section(state, block, outer, "job")
    ends: list[str] = []
    nested = False
    for each in block:
        if not isinstance(each, Call) or each.block is None:
            continue
        if each.name == "parallel":
            nested = True
            for branch in each.block:
                if isinstance(branch, Call) and branch.name == "stage":
                    ends += _stage(state, branch, inner, needs, stages)
        elif each.name == "stages":
            nested = True
            ends += _stages(state, each.block, inner, needs, stages)
        elif each.name == "matrix":
            nested = True
            ends += _matrix(state, each, inner, needs, stages)
        elif each.name == "steps":
            walk(state, each.block, inner.around, found)
        elif each.name == "post":
            for condition in each.block:
                if isinstance(condition, Call) and condition.block is not None:
                    walk(state, condition.block, inner.around, found)
    if nested and not found.steps:
        return ends or needs
    job = job_of(state, unique(name, stages), stage.line, found, inner, needs)
    stages.jobs.append(replace(job, title=name))
    return [job.id]


def _matrix(state: State, matrix: Call, outer: Outer, needs: list[str], stages: Stages) -> list[str]:
    ends: list[str] = []
    for each in matrix.block or []:
        if isinstance(each, Call) and each.name == "stages" and each.block is not None:
            inner = replace(outer, matrix=True, environments=tuple(_legs(state, matrix)))
            ends += _stages(state, each.block, inner, needs, stages)
    return ends


def _legs(state: State, matrix: Call) -> list[Named]:
    """The environments that a matrix has a leg for: the values of an axis that is named so."""
    found = []
    for axes in matrix.block or []:
        for axis in axes.block or [] if isinstance(axes, Call) and axes.name == "axes" else []:
            inner = [one for one in (axis.block or [] if isinstance(axis, Call) else []) if isinstance(one, Call)]
            name = next((first.text for one in inner if one.name == "name" and (first := one.first())), "")
            if re.search(r"ENV|STAGE|TIER", name, re.IGNORECASE):
                values = [value for one in inner if one.name == "values" for value in one.arguments]
                found += [Named(value.text, state.place(value.line)) for value in values if isinstance(value, Quoted)]
    return found


def _section(state: State, block: Sequence[Statement], outer: Outer, scope: str) -> tuple[Outer, Found]:
    """What `agent`, `environment`, `options`, `when` and `input` of a pipeline or stage say."""
    found = Found()
    inner = outer
    for each in block:
        if not isinstance(each, Call):
            continue
        if each.name == "agent":
            inner = _agent(state, each, inner)
        elif each.name == "environment" and each.block is not None:
            inner = replace(inner, around=_environment(state, each.block, inner.around, scope, found))
        elif each.name == "when" and each.block is not None:
            inner = replace(inner, condition="; ".join(_conditions(each.block)))
        elif each.name == "input":
            inner = replace(inner, approvals=(*inner.approvals, _input(state, each)))
        elif each.name == "options" and each.block is not None:
            locks = [
                one.first() or one.text("resource")
                for one in each.block
                if isinstance(one, Call) and one.name == "lock"
            ]
            named = [one.text for one in locks if one is not None]
            alone = any(isinstance(one, Call) and one.name == "disableConcurrentBuilds" for one in each.block)
            inner = replace(inner, lock=named[0] if named else "disableConcurrentBuilds" if alone else inner.lock)
    return inner, found


def _conditions(block: Sequence[Statement]) -> list[str]:
    found = []
    for each in block:
        if isinstance(each, Call):
            inner = _conditions(each.block) if each.block else []
            words = words_of(each).removesuffix("()")
            named = ", ".join(f"{key}: {words_of(value)}" for key, value in each.named.items())
            found.append(" ".join(part for part in (words, named, *inner) if part))
        elif isinstance(each, Raw):
            found.append(each.words)
    return found


def _input(state: State, each: Call) -> Approval:
    submitter = each.text("submitter")
    for one in each.block or []:
        if isinstance(one, Call) and one.name == "submitter":
            submitter = one.first()
    return Approval("input", state.place(each.line), submitter.text if submitter else "")


def _agent(state: State, agent: Call, outer: Outer) -> Outer:
    """Where a stage runs; images of others see what it sees."""
    images: list[Foreign] = []
    grants: list[Grant] = []
    runner = outer.runner
    waiting: list[Call] = [agent]
    while waiting:
        call = waiting.pop(0)
        waiting += [one for one in call.block or [] if isinstance(one, Call)]
        first = call.first()
        if call.name in {"docker", "image"} and first is not None:
            images.append(names.image(first.text, state.place(first.line)))
        elif call.name in {"label", "node"} and first is not None:
            runner = first.text
        elif call.name == "registryCredentialsId" and first is not None:
            grants.append(
                Grant(first.text, "stored", state.place(first.line), "job", "container", "", "password", "registry")
            )
        elif call.name == "yaml" and first is not None:
            images += pod_images(state, first)
        elif call.name in {"yamlFile", "inheritFrom"}:
            state.say(call.line, f"the images of the agent are described elsewhere ({words_of(call)})")
    around = replace(outer.around, grants=(*outer.around.grants, *grants))
    return replace(outer, images=(*outer.images, *images), runner=runner, around=around)


def _environment(state: State, block: Sequence[Statement], around: Around, scope: str, found: Found) -> Around:
    """`environment { NAME = credentials('id') }`: secrets and variables of all steps below."""
    grants: list[Grant] = []
    settings: list[Setting] = []
    kind = "pipeline" if scope == "pipeline" else "job"
    for each in block:
        if not isinstance(each, Assign):
            continue
        value = each.value
        if isinstance(value, Call) and value.name == "credentials":
            bound = bindings.Bound("", value.line, "", "", each.name)
            text = value.first()
            words = text.text if text is not None else words_of(value.arguments[0]) if value.arguments else ""
            made = text is None or text.interpolated
            one = grant(state, replace(bound, name=words, made=made), kind)
            # A user name with a password is given in three variables.
            grants += [replace(one, holder=f"{each.name}{suffix}") for suffix in ("", "_PSW", "_USR")]
        elif isinstance(value, Quoted):
            settings.append(Setting(each.name, value.text, state.place(each.line)))
        else:
            inner_calls(state, value, around, found)
    result = Around((*around.grants, *grants), (*around.variables, *settings))
    return replace(result, grants=(*result.grants, *renamed(settings, result)))
