"""A Jenkinsfile as a whole: its stages as jobs, in their order, and what starts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pipelinegen.config.source import Place as Spot
from pipelinegen.pipelines.read import names
from pipelinegen.pipelines.read.jenkins import bindings
from pipelinegen.pipelines.read.jenkins.steps import (
    Around,
    Found,
    State,
    bound,
    grant,
    inner_calls,
    lines_of,
    renamed,
    walk,
    with_env,
)
from pipelinegen.pipelines.read.jenkins.syntax import (
    Assign,
    Branch,
    Call,
    Method,
    Quoted,
    Raw,
    Statement,
    parse,
    words_of,
)
from pipelinegen.pipelines.read.jenkins.syntax import Sequence as Items
from pipelinegen.pipelines.read.jenkins.tokens import Broken
from pipelinegen.pipelines.read.tree import bad_pipeline, read_text
from pipelinegen.pipelines.reading import (
    Approval,
    Files,
    Foreign,
    Grant,
    Job,
    Reading,
    Setting,
    Trigger,
)

OUTSIDE = "pipeline"


@dataclass(slots=True)
class Stages:
    """The jobs as they are found."""

    jobs: list[Job] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outer:
    """What the stages around a stage say for it."""

    around: Around
    images: tuple[Foreign, ...] = ()
    approvals: tuple[Approval, ...] = ()
    lock: str = ""
    runner: str = ""
    condition: str = ""
    matrix: bool = False


def read(file: str, data: bytes, files: Files) -> Reading:
    """What a Jenkinsfile says. Raises InputError."""
    del files
    text = read_text(file, data)
    try:
        statements = parse(text)
    except RecursionError:
        raise bad_pipeline(file, text, Spot(1, 1), "nested too deep") from None
    except Broken as error:
        raise bad_pipeline(file, text, Spot(error.line, 1), error.what) from None
    state = State(file)
    for each in statements:
        if isinstance(each, Method):
            state.methods[each.name] = each
    stages = Stages()
    try:
        _top(state, statements, stages)
    except RecursionError:
        raise bad_pipeline(file, text, Spot(1, 1), "nested too deep") from None
    if not stages.jobs and not state.unknown:
        raise bad_pipeline(
            file, text, Spot(1, 1), "this is no Jenkinsfile: there is neither `pipeline` nor `node` in it"
        )
    unknown = tuple(sorted(state.unknown))
    return Reading(file, "jenkins", "", tuple(stages.triggers), tuple(stages.jobs), unknown, {file: text})


def _top(state: State, statements: Sequence[Statement], stages: Stages) -> None:
    rest: list[Statement] = []
    for each in statements:
        if isinstance(each, Call) and each.name in {"@Library", "library"}:
            words = ", ".join(words_of(value) for value in each.arguments) or "a library"
            if each.arguments and isinstance(each.arguments[0], Items):
                words = ", ".join(words_of(value) for value in each.arguments[0].items)
            state.say(each.line, f"the shared library {words} is not read; what its steps do is not known")
        elif isinstance(each, Call) and each.name == "pipeline" and each.block is not None:
            _declarative(state, each, stages)
        elif not isinstance(each, Method):
            rest.append(each)
    if rest:
        _scripted(state, rest, stages, Outer(Around()), [])


def _declarative(state: State, pipeline: Call, stages: Stages) -> None:
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
                stages.jobs.append(_job(state, "post", each.line, found, outer, _last(stages)))


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
    job = _job(state, _unique(name, stages), stage.line, found, inner, needs)
    stages.jobs.append(replace(job, title=name))
    return [job.id]


def _unique(name: str, stages: Stages) -> str:
    taken = {job.id for job in stages.jobs}
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name} ({number})", number + 1
    return unique


def _matrix(state: State, matrix: Call, outer: Outer, needs: list[str], stages: Stages) -> list[str]:
    ends: list[str] = []
    for each in matrix.block or []:
        if isinstance(each, Call) and each.name == "stages" and each.block is not None:
            ends += _stages(state, each.block, replace(outer, matrix=True), needs, stages)
    return ends


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
            images += _pod_images(state, first)
        elif call.name in {"yamlFile", "inheritFrom"}:
            state.say(call.line, f"the images of the agent are described elsewhere ({words_of(call)})")
    around = replace(outer.around, grants=(*outer.around.grants, *grants))
    return replace(outer, images=(*outer.images, *images), runner=runner, around=around)


def _pod_images(state: State, text: Quoted) -> list[Foreign]:
    found = []
    for line in lines_of(state, text):
        key, colon, value = line.text.strip().removeprefix("- ").partition(":")
        if key.strip() == "image" and colon and value.strip():
            found.append(names.image(value.strip().strip("'\""), line.place))
    return found


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


def _job(state: State, name: str, line: int, found: Found, outer: Outer, needs: Sequence[str]) -> Job:
    around = outer.around
    shared = set(around.grants)
    # What holds for the whole stage is the stage's, and not told again for each step.
    steps = tuple(replace(step, grants=tuple(g for g in step.grants if g not in shared)) for step in found.steps)
    return Job(
        name,
        state.place(line),
        title=name,
        stage=name,
        needs=tuple(needs),
        approvals=(*outer.approvals, *found.approvals),
        images=(*outer.images, *found.images),
        runner=outer.runner,
        variables=around.variables,
        grants=around.grants,
        steps=steps,
        condition=outer.condition,
        lock=found.locks[0] if found.locks else outer.lock,
        matrix=outer.matrix,
    )


_BLOCKS = frozenset(
    [
        "node",
        "timestamps",
        "ansiColor",
        "timeout",
        "lock",
        "withEnv",
        "withCredentials",
        "dir",
        "ws",
        "retry",
        "catchError",
        "warnError",
        "podTemplate",
        "container",
        "sshagent",
        "docker.withRegistry",
        "withDockerRegistry",
        "withKubeConfig",
        "withAWS",
        "parallel",
        "script",
    ]
)


def _scripted(
    state: State, statements: Sequence[Statement], stages: Stages, outer: Outer, needs: list[str]
) -> list[str]:
    """Stages anywhere inside blocks; what stands outside of any stage is a job of its own."""
    loose: list[Statement] = []
    for each in statements:
        if not isinstance(each, Call | Branch) or not _has_stage(each):
            loose.append(each)
            continue
        if isinstance(each, Branch):
            needs = _scripted(state, each.body, stages, outer, needs)
        elif each.name == "stage" and each.block is not None:
            needs = _scripted_stage(state, each, stages, outer, needs)
        else:
            needs = _block(state, each, stages, outer, needs)
    found = Found()
    walk(state, loose, outer.around, found)
    if [step for step in found.steps if step.kind == "run" or step.grants]:
        line = found.steps[0].place.line
        job = _job(state, _unique(OUTSIDE, stages), line, found, outer, ())
        stages.jobs.append(job)
    return needs


def _block(state: State, each: Call, stages: Stages, outer: Outer, needs: list[str]) -> list[str]:
    """A block around stages: what it binds holds for them."""
    if each.name == "parallel":
        ends: list[str] = []
        for value in each.named.values():
            if isinstance(value, Call) and value.block is not None:
                ends += _scripted(state, value.block, stages, outer, needs)
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
        inner = replace(inner, images=(*inner.images, *(_pod_images(state, template) if template else ())))
    return _scripted(state, each.block or [], stages, inner, needs)


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
    name = _unique(first.text if first else f"stage {stage.line}", stages)
    block = stage.block or []
    if any(_has_stage(one) for one in block):
        return _scripted(state, block, stages, outer, needs)
    found = Found()
    walk(state, block, outer.around, found)
    job = _job(state, name, stage.line, found, outer, needs)
    stages.jobs.append(job)
    return [job.id]
