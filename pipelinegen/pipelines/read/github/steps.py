"""The steps of a GitHub job: scripts, actions of others, and the composite actions of the same repository."""

from __future__ import annotations

import re
from dataclasses import replace

from pipelinegen.pipelines.read import names
from pipelinegen.pipelines.read.github.expressions import Context, in_script
from pipelinegen.pipelines.read.github.scope import State, grants_of, script_grants, settings
from pipelinegen.pipelines.read.tree import List, Map, Text, Value, parse, read_text
from pipelinegen.pipelines.reading import Grant, Line, Place, Setting, Step

# Inputs of actions that are scripts themselves.
_SCRIPTS = {
    "azure/cli": ("inlineScript",),
    "appleboy/ssh-action": ("script",),
    "nick-fields/retry": ("command",),
    "nick-invision/retry": ("command",),
    "wandalen/wretry.action": ("command",),
    "addnab/docker-run-action": ("run",),
    "actions-hub/gcloud": ("args",),
    "mikefarah/yq": ("cmd",),
    "fifsky/ssh-action": ("command",),
    "garygrossgarten/github-action-ssh": ("command",),
    "matheusvanzan/sshpass-action": ("run",),
    "tj-actions/docker-run": ("args",),
}


def steps_of(state: State, value: Value | None, context: Context, depth: int = 0, shell: str = "") -> tuple[Step, ...]:
    """The steps of a job or of a composite action, those of local actions in their place."""
    found: list[Step] = []
    for item in value.items if isinstance(value, List) else ():
        if isinstance(item, Map):
            found += _step(state, item, context, depth, shell)
    return tuple(found)


def _step(state: State, item: Map, context: Context, depth: int, shell: str) -> list[Step]:
    condition = item.text("if")
    if re.fullmatch(r"\s*(?:\$\{\{\s*)?false(?:\s*\}\})?\s*", condition):
        return []
    variables = settings(state, item.get("env"), context)
    name = item.text("name") or item.text("id")
    grants = grants_of(state, variables, "step", "env")
    base = Step(name, item.place, "run", variables=variables, grants=grants, condition=condition)
    if "run" in item.entries:
        return [_run(state, item, base, context, shell)]
    uses = item.get("uses")
    if isinstance(uses, Text) and uses.value:
        return _action(state, item, uses, base, context, depth)
    return []


def _run(state: State, item: Map, base: Step, context: Context, shell: str) -> Step:
    run = item.get("run")
    lines = [Line(context.resolve(line.text), line.place) for line in run.lines()] if isinstance(run, Text) else []
    lines = _joined(lines)
    return replace(
        base,
        place=item.where("run"),
        name=base.name or (lines[0].text.strip()[:60] if lines else "run"),
        script=tuple(Line(in_script(line.text), line.place) for line in lines),
        shell=item.text("shell") or shell,
        grants=(*base.grants, *script_grants(state, lines)),
    )


def _joined(lines: list[Line]) -> list[Line]:
    """An expression that runs over several lines, on its first one."""
    found: list[Line] = []
    for line in lines:
        if found and found[-1].text.count("${{") > found[-1].text.count("}}"):
            found[-1] = Line(f"{found[-1].text} {line.text.strip()}", found[-1].place)
        else:
            found.append(line)
    return found


def _action(state: State, item: Map, uses: Text, base: Step, context: Context, depth: int) -> list[Step]:
    reference = context.resolve(uses.value.strip())
    inputs = settings(state, item.get("with"), context)
    grants = (*base.grants, *grants_of(state, inputs, "step", "with"))
    base = replace(base, place=uses.place, kind="action", name=base.name or reference, inputs=inputs, grants=grants)
    if reference.startswith("./"):
        return _local(state, reference, base, depth)
    kind = "image" if reference.startswith("docker://") else "action"
    step = replace(base, kind=kind, uses=names.action(reference, uses.place))
    name = reference.partition("@")[0].lower()
    script = [line for each in _SCRIPTS.get(name, ()) for line in _script(item, each, context)]
    if kind == "image":
        run = reference.removeprefix("docker://")
        script += [Line(f"docker run {run} {line.text}", line.place) for line in _script(item, "args", context)]
    if name.endswith("/pipelinegen"):
        script.append(Line(_our_words(step), uses.place))
    if name in _FETCHERS:
        step = _fetching(state, step, name)
    return [replace(step, script=tuple(script))]


# Actions that bring in secrets that are kept elsewhere, and the input that says which.
_FETCHERS = {
    "hashicorp/vault-action": "secrets",
    "aws-actions/aws-secretsmanager-get-secrets": "secret-ids",
    "google-github-actions/get-secretmanager-secrets": "secrets",
    "azure/get-keyvault-secrets": "secrets",
    "dopplerhq/secrets-fetch-action": "",
    "infisical/secrets-action": "",
    "cyberark/conjur-action": "secrets",
    "bitwarden/sm-action": "secrets",
}


def _fetching(state: State, step: Step, action: str) -> Step:
    """A step after which the job has secrets that are kept elsewhere: by their names where they are written."""
    wanted = step.input(_FETCHERS[action]) if _FETCHERS[action] else None
    text = wanted.value if wanted is not None else ""
    found = re.findall(r"[|>]\s*([A-Za-z_]\w*)\s*(?:;|$)", text, re.MULTILINE)
    if not found:
        state.say(
            step.place, f"{action} brings in secrets that are kept elsewhere, under names that are not written here"
        )
    place = wanted.place if wanted is not None else step.place
    fetched = tuple(Grant(name, "job", place, "job", "fetched", name) for name in found)
    return replace(step, grants=(*step.grants, *fetched))


def _our_words(step: Step) -> str:
    """What our own action runs, as a command line."""

    def given(name: str) -> list[str]:
        each = step.input(name)
        return each.value.split() if each is not None else []

    words = ["pipelinegen", *(given("command") or ["bump"]), *given("references"), *given("arguments")]
    words += [f"--env={name}" for name in given("env")]
    words += [f"--{name}={value}" for name in ("repo", "deliver", "from") for value in given(name)[:1]]
    words += ["--dry-run"] if given("dry-run") == ["true"] else []
    return " ".join(words)


def _script(item: Map, name: str, context: Context) -> list[Line]:
    inputs = item.map("with")
    value = inputs.get(name) if inputs is not None else None
    if not isinstance(value, Text):
        return []
    return [Line(in_script(context.resolve(line.text)), line.place) for line in value.lines()]


def _local(state: State, reference: str, base: Step, depth: int) -> list[Step]:
    """An action of the same repository: the steps of a composite one, with what the caller gives."""
    folder = re.sub(r"^\./", "", reference).rstrip("/")
    for name in ("action.yml", "action.yaml"):
        path = f"{folder}/{name}" if folder else name
        action = _load(state, path)
        if action is not None:
            break
    else:
        state.say(base.place, f"the action {reference} cannot be read from here")
        return [base]
    runs = action.map("runs")
    using = runs.text("using") if runs is not None else ""
    if runs is None or using != "composite":
        state.say(
            base.place, f"the action {reference} is a program ({using or 'unknown'}), and what it does is not read"
        )
        return [base]
    if not state.may_follow(base.place, reference, depth):
        return [base]
    given = {each.name.lower(): each.value for each in base.inputs}
    context = Context(_defaults(action) | given)
    steps = steps_of(state, runs.get("steps"), context, depth + 1)
    # The variables of the calling step, and their secrets, are those of each step inside.
    shared = tuple(grant for grant in base.grants if grant.via == "env")
    inner = [
        replace(each, variables=(*base.variables, *each.variables), grants=(*shared, *each.grants)) for each in steps
    ]
    handed = tuple(grant for grant in base.grants if grant.via != "env")
    return [replace(base, kind="call", grants=handed), *inner] if handed else inner


def _defaults(action: Map) -> dict[str, str]:
    inputs = action.map("inputs")
    found: dict[str, str] = {}
    for name, item in inputs.items() if inputs is not None else ():
        if isinstance(item, Map) and "default" in item.entries:
            found[name.lower()] = item.text("default")
    return found


def _load(state: State, path: str) -> Map | None:
    """A YAML file of the repository whose root is a mapping, or None."""
    if path not in state.parsed:
        data = state.files.read(path)
        root = None
        if data is not None:
            name = state.files.shown(path)
            text = read_text(name, data)
            state.texts[name] = text
            documents = parse(name, text)
            root = documents[0] if documents and isinstance(documents[0], Map) else None
        state.parsed[path] = root
    return state.parsed[path]


load = _load
input_defaults = _defaults
__all__ = ["Place", "Setting", "input_defaults", "load", "steps_of"]
