"""The jobs of a GitHub workflow; a reusable workflow of the same repository is read in the place of its call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipelinegen.pipelines.read import names
from pipelinegen.pipelines.read.github.expressions import Context, choices
from pipelinegen.pipelines.read.github.scope import State, granted, grants_of, settings
from pipelinegen.pipelines.read.github.steps import input_defaults, load, steps_of
from pipelinegen.pipelines.read.tree import List, Map, Text, Value, texts
from pipelinegen.pipelines.reading import Approval, Foreign, Grant, Job, Named, Permission, Place, Setting, Step

_MATRIX = re.compile(r"\$\{\{\s*matrix\s*\.\s*([\w-]+)\s*\}\}")
_INPUT = re.compile(r"\$\{\{\s*(?:inputs|github\.event\.inputs)\s*\.\s*([\w-]+)\s*\}\}")
_NEVER = re.compile(r"\s*(?:\$\{\{\s*)?false(?:\s*\}\})?\s*")


@dataclass(frozen=True, slots=True)
class Around:
    """What the workflow says for all of its jobs."""

    variables: tuple[Setting, ...]
    grants: tuple[Grant, ...]
    permissions: tuple[Permission, ...] | None
    shell: str
    options: Mapping[str, list[str]]
    depth: int


def jobs_of(
    state: State, root: Map, context: Context, *, options: Mapping[str, list[str]] | None = None, depth: int = 0
) -> list[Job]:
    """The jobs of a workflow, in the order of the file."""
    variables = settings(state, root.get("env"), context)
    around = Around(
        variables,
        grants_of(state, variables, "pipeline", "env"),
        _permissions(root.get("permissions")) if "permissions" in root.entries else None,
        _shell(root),
        options or {},
        depth,
    )
    found: list[Job] = []
    jobs = root.map("jobs")
    for name, item in jobs.items() if jobs is not None else ():
        if isinstance(item, Map) and not _NEVER.fullmatch(item.text("if")):
            found += _job(state, name, item, jobs.where(name) if jobs else item.place, context, around)
    return found


def _tell_matrix(state: State, item: Map) -> None:
    """A matrix that is made when the pipeline runs can have legs that nobody sees here."""
    strategy = item.map("strategy")
    matrix = strategy.get("matrix") if strategy is not None else None
    parts = [matrix, *(value for _, value in matrix.items())] if isinstance(matrix, Map) else [matrix]
    for part in parts:
        if isinstance(part, Text) and "${{" in part.value:
            state.say(part.place, f"the matrix is made when the pipeline runs: {part.value.strip()[:80]}")


def _shell(item: Map) -> str:
    defaults = item.map("defaults")
    run = defaults.map("run") if defaults is not None else None
    return run.text("shell") if run is not None else ""


def _job(state: State, name: str, item: Map, place: Place, context: Context, around: Around) -> list[Job]:
    _tell_matrix(state, item)
    uses = item.get("uses")
    if isinstance(uses, Text):
        return _called(state, name, item, uses, place, context, around)
    variables = settings(state, item.get("env"), context)
    grants = (*around.grants, *grants_of(state, variables, "job", "env"))
    images, logins = _images(state, item, context)
    permissions = _permissions(item.get("permissions")) if "permissions" in item.entries else around.permissions
    environments = tuple(_environments(state, item, context, around))
    runs_on = item.get("runs-on")
    shell = _shell(item) or around.shell
    if not shell and any("windows" in each.value.lower() for each in texts(runs_on)):
        shell = "pwsh"
    job = Job(
        name,
        place,
        title=context.resolve(item.text("name")),
        needs=tuple(each.value for each in texts(item.get("needs"))),
        environments=environments,
        approvals=tuple(Approval("environment", each.place) for each in environments[:1]),
        images=tuple(images),
        runner=", ".join(each.value for each in texts(runs_on))
        or (runs_on.text("group") if isinstance(runs_on, Map) else ""),
        permissions=permissions or (),
        variables=(*around.variables, *variables),
        grants=(*grants, *logins),
        steps=steps_of(state, item.get("steps"), _leg(item, context), shell=shell),
        condition=item.text("if"),
        lock=_lock(item),
        matrix="strategy" in item.entries,
    )
    return [_with_approvals(_with_identity(job))]


def _leg(item: Map, context: Context) -> Context:
    """The context with those values of the matrix that are the same in every leg."""
    same = {key.lower(): values[0] for key, values in matrix_values(item).items() if len(values) == 1}
    return replace(context, matrix={**context.matrix, **same}) if same else context


def _lock(item: Map) -> str:
    value = item.get("concurrency")
    return value.value if isinstance(value, Text) else value.text("group") if isinstance(value, Map) else ""


def _with_identity(job: Job) -> Job:
    """A job that may ask for a signed statement of who it is."""
    asks = next((each for each in job.permissions if each.scope in {"id-token", "*"} and each.level == "write"), None)
    if asks is None:
        return job
    return replace(job, grants=(*job.grants, Grant("id-token", "oidc", asks.place, "job", "permission", "", "oidc")))


def _with_approvals(job: Job) -> Job:
    asked = [
        Approval("manual", step.place, (step.input("approvers") or Setting("", "", step.place)).value)
        for step in job.steps
        if step.uses is not None and step.uses.name.startswith("trstringer/manual-approval@")
    ]
    return replace(job, approvals=(*job.approvals, *asked)) if asked else job


def _permissions(value: Value | None) -> tuple[Permission, ...]:
    if isinstance(value, Text):
        level = {"write-all": "write", "read-all": "read"}.get(value.value)
        return (Permission("*", level, value.place),) if level else ()
    if not isinstance(value, Map):
        return ()
    return tuple(
        Permission(scope, item.value, value.where(scope)) for scope, item in value.items() if isinstance(item, Text)
    )


def _images(state: State, item: Map, context: Context) -> tuple[list[Foreign], list[Grant]]:
    """The image that the job runs in, and those beside it with their logins and variables."""
    images: list[Foreign] = []
    grants: list[Grant] = []
    container = item.get("container")
    if isinstance(container, Text) and container.value:
        images.append(names.image(context.resolve(container.value), container.place))
    services = item.map("services")
    several = [container] if isinstance(container, Map) else []
    several += [each for _, each in services.items() if isinstance(each, Map)] if services is not None else []
    for each in several:
        image = each.get("image")
        if isinstance(image, Text) and each is container:
            images.append(names.image(context.resolve(image.value), image.place))
        login = settings(state, each.get("credentials"), context)
        grants += [replace(g, kind="password", target="registry") for g in grants_of(state, login, "job", "container")]
        grants += grants_of(state, settings(state, each.get("env"), context), "job", "container")
    return images, grants


def _environments(state: State, item: Map, context: Context, around: Around) -> list[Named]:
    value = item.get("environment")
    url = ""
    if isinstance(value, Map):
        url = context.resolve(value.text("url"))
        value = value.get("name")
    if not isinstance(value, Text) or not value.value:
        return []
    found = []
    for text in choices(context.resolve(value.value)):
        found += _names(state, text, value.place, item, around)
    return [Named(name, value.place, "${{" in name, url) for name in dict.fromkeys(found)]


def _names(state: State, text: str, place: Place, item: Map, around: Around) -> list[str]:
    """The names of an environment, one for each value of the matrix or choice that it is made from."""
    match = _MATRIX.search(text)
    values = matrix_values(item).get(match[1], []) if match else []
    if not match:
        match = _INPUT.search(text)
        values = around.options.get(match[1].lower(), []) if match else []
    if match and values:
        texts_ = [text.replace(match[0], value) for value in values]
        return [name for each in texts_ for name in _names(state, each, place, item, around)]
    if text.strip().startswith("${{") and text.strip().endswith("}}"):
        state.say(place, f"the name of the environment is computed: {text.strip()[:100]}")
    return [text]


def matrix_values(item: Map) -> dict[str, list[str]]:
    """The values of each key of a matrix that stands in the file."""
    strategy = item.map("strategy")
    matrix = strategy.map("matrix") if strategy is not None else None
    found: dict[str, list[str]] = {}
    for key, value in matrix.items() if matrix is not None else ():
        if key == "include" and isinstance(value, List):
            for entry in value.items:
                for name, each in entry.items() if isinstance(entry, Map) else ():
                    found.setdefault(name, []).extend(text.value for text in texts(each))
        elif key != "exclude":
            found.setdefault(key, []).extend(text.value for text in texts(value))
    return {key: list(dict.fromkeys(values)) for key, values in found.items() if not any("${{" in v for v in values)}


def _called(
    state: State, name: str, item: Map, uses: Text, place: Place, context: Context, around: Around
) -> list[Job]:
    """A reusable workflow."""
    inputs = settings(state, item.get("with"), context)
    secrets = item.get("secrets")
    handed = grants_of(state, settings(state, secrets, context) if isinstance(secrets, Map) else (), "job", "call")
    handed += tuple(g for each in inputs for g in granted(state, each.value, each.place, "job", "call", each.name))
    inherits = isinstance(secrets, Text) and secrets.value == "inherit"
    if inherits and secrets is not None:
        state.say(secrets.place, f"`secrets: inherit` hands every secret of the repository to {uses.value}")
    needs = tuple(each.value for each in texts(item.get("needs")))
    permissions = _permissions(item.get("permissions")) if "permissions" in item.entries else around.permissions
    base = Job(
        name, place, needs=needs, grants=handed, permissions=permissions or (), condition=item.text("if"), caller=name
    )
    called = load(state, uses.value[2:]) if uses.value.startswith("./") else None
    if called is None or not state.may_follow(uses.place, uses.value, around.depth):
        foreign = names.action(uses.value, uses.place)
        state.say(
            uses.place,
            f"the workflow {uses.value} is not in this repository, or cannot be read; what it does is not known",
        )
        step = Step(
            uses.value, uses.place, "call", uses=replace(foreign, own=uses.value.startswith("./")), inputs=inputs
        )
        return [_with_identity(replace(base, steps=(step,)))]
    several = _legs(item, inputs)
    jobs: list[Job] = []
    for leg in several:
        given = {each.name.lower(): each.value for each in leg}
        renamed = (
            {g.name.lower(): g.value for g in settings(state, secrets, context)} if isinstance(secrets, Map) else {}
        )
        inner = Context(_call_defaults(called) | given, None if inherits else renamed)
        jobs += jobs_of(state, called, inner, depth=around.depth + 1)
    return [_inside(job, base) for job in jobs] or [base]


def _legs(item: Map, inputs: tuple[Setting, ...]) -> list[tuple[Setting, ...]]:
    """The inputs of each call, where they come from a matrix that stands in the file."""
    values = matrix_values(item)
    keys = {match for each in inputs for match in _MATRIX.findall(each.value) if match in values}
    if len(keys) != 1:
        return [inputs]
    key = keys.pop()
    return [
        tuple(replace(each, value=Context(matrix={key.lower(): value}).resolve(each.value)) for each in inputs)
        for value in values[key]
    ]


def _call_defaults(called: Map) -> dict[str, str]:
    value = called.get("on", "true")
    event = value.map("workflow_call") if isinstance(value, Map) else None
    return input_defaults(event) if event is not None else {}


def _inside(job: Job, base: Job) -> Job:
    """A job of the called workflow as a part of the calling one."""
    title = f"{base.id} / {job.title or job.id}"
    needs = tuple(f"{base.id}/{need}" for need in job.needs) or base.needs
    return replace(
        job,
        id=f"{base.id}/{job.id}",
        title=title,
        needs=needs,
        grants=(*base.grants, *job.grants),
        permissions=job.permissions or base.permissions,
        condition=job.condition or base.condition,
        caller=base.id,
    )
