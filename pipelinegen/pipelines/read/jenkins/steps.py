"""The steps of a stage: scripts, plugins' steps, and the blocks around them that bind credentials and variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelinegen.pipelines.read import names
from pipelinegen.pipelines.read.jenkins import bindings
from pipelinegen.pipelines.read.jenkins.known import KNOWN_PLUGINS, METHODS, OBJECTS, QUIET, SHELLS
from pipelinegen.pipelines.read.jenkins.values import (
    Assign,
    Branch,
    Call,
    Method,
    Pairs,
    Quoted,
    Raw,
    Statement,
    Value,
    calls_in,
    words_of,
)
from pipelinegen.pipelines.read.jenkins.values import Sequence as Items
from pipelinegen.pipelines.reading import Approval, Foreign, Grant, Line, Place, Setting, Step, Unknown
from pipelinegen.pipelines.shell.words import variables_in


@dataclass(frozen=True, slots=True)
class Around:
    """What holds for the steps inside a block."""

    grants: tuple[Grant, ...] = ()
    variables: tuple[Setting, ...] = ()


@dataclass(slots=True)
class State:
    """The walk over one Jenkinsfile."""

    file: str
    unknown: list[Unknown] = field(default_factory=list)
    methods: dict[str, Method] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)
    running: list[str] = field(default_factory=list)
    # What the parameters of the method that is walked through stand for, where the call says it.
    given: dict[str, str] = field(default_factory=dict)

    def place(self, line: int) -> Place:
        return Place(self.file, line)

    def filled(self, text: str) -> str:
        """The text with the parameters whose values the call says."""
        if not self.given or "$" not in text:
            return text
        return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda m: self.given.get(m[1] or m[2], m[0]), text)

    def say(self, line: int, what: str) -> None:
        note = Unknown(self.place(line), what)
        if note not in self.unknown:
            self.unknown.append(note)


@dataclass(slots=True)
class Found:
    """What was met in a stage."""

    steps: list[Step] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    images: list[Foreign] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)


def walk(state: State, statements: Sequence[Statement], around: Around, found: Found) -> None:
    """Gather the steps of a block."""
    for statement in statements:
        if isinstance(statement, Branch):
            inner_calls(state, statement.condition, around, found)
            walk(state, statement.body, around, found)
        elif isinstance(statement, Assign):
            around = _assigned(state, statement, around, found)
        elif isinstance(statement, Method):
            state.methods[statement.name] = statement
        elif isinstance(statement, Call):
            call(state, statement, around, found)
        else:
            inner_calls(state, statement, around, found)


def inner_calls(state: State, value: Value | None, around: Around, found: Found) -> None:
    for each in calls_in(value) if value is not None else ():
        call(state, each, around, found, nested=True)


def _assigned(state: State, statement: Assign, around: Around, found: Found) -> Around:
    """`NAME = …` in a block: what it runs, and the value where it is plain."""
    value, name = statement.value, statement.name.removeprefix("env.")
    if isinstance(value, Call) and value.name == "load":
        state.objects.discard(name)
    elif name:
        state.objects.add(name)
    inner_calls(state, value, around, found)
    if isinstance(value, Quoted) and re.fullmatch(r"[A-Za-z_]\w*", name):
        setting = Setting(name, value.text, state.place(statement.line))
        return replace(around, variables=(*around.variables, setting))
    return around


def call(state: State, each: Call, around: Around, found: Found, *, nested: bool = False) -> None:
    """One step."""
    name = each.name
    if name in SHELLS:
        _shell(state, each, around, found)
        return
    if each.on is not None and not nested:
        call(state, each.on, around, found)
    if name.startswith("docker.image") and name.endswith((".inside", ".withRun")) and each.on is not None:
        _in_image(state, each, found)
    if name == "input":
        found.approvals.append(
            Approval("input", state.place(each.line), words_of(each.named.get("submitter", Raw("", 0))))
        )
    if name == "lock":
        first = each.first() or each.text("resource")
        found.locks.append(first.text if first else "")
    inside = bound(state, each, around)
    if name in {"withEnv"}:
        inside = with_env(state, each, inside)
    _judge(state, each)
    if not nested:
        for value in (*each.arguments, *each.named.values()):
            inner_calls(state, value, inside, found)
    _plugin(state, each, inside, found)
    if each.block is not None:
        walk(state, each.block, inside, found)
    _method(state, each, inside, found)


def _method(state: State, each: Call, around: Around, found: Found) -> None:
    """A method of the file itself: what is in it is done here, with the words of the call."""
    name = each.name
    method = state.methods.get(name)
    if method is not None and name not in state.running:
        state.running.append(name)
        state.objects.update(method.parameters)
        before = state.given
        texts = zip(method.parameters, each.arguments, strict=False)
        state.given = {key: value.text for key, value in texts if isinstance(value, Quoted) and not value.interpolated}
        walk(state, method.body, around, found)
        state.given = before
        state.running.pop()


def _shell(state: State, each: Call, around: Around, found: Found) -> None:
    script = each.first() or each.text("script")
    if script is None:
        words = words_of(each.arguments[0]) if each.arguments else words_of(each.named.get("script", Raw("", 0)))
        state.say(each.line, f"runs a script that is made when the pipeline runs: {words[:80]}")
        return
    lines = lines_of(state, script)
    kind = SHELLS[each.name]
    text = next((line.text.strip() for line in lines if line.text.strip()), "")
    step = Step(
        text[:60],
        state.place(each.line),
        "run",
        script=tuple(lines),
        shell=kind,
        variables=around.variables,
        grants=around.grants,
    )
    found.steps.append(step)


def lines_of(state: State, text: Quoted) -> list[Line]:
    """The lines of a text, each with its line of the file."""
    starts = [*text.lines]
    parts = (state.filled(text.text) if text.interpolated else text.text).split("\n")
    starts += [starts[-1] if starts else text.line] * (len(parts) - len(starts))
    return [Line(part, state.place(start)) for part, start in zip(parts, starts, strict=False)]


def _in_image(state: State, each: Call, found: Found) -> None:
    first = each.on.first() if each.on is not None else None
    if first is not None and each.name.endswith(".inside"):
        found.images.append(names.image(first.text, state.place(first.line)))


def bound(state: State, each: Call, around: Around) -> Around:
    """The block's own credentials, added to those around it."""
    if each.name == "withCredentials":
        several = bindings.of_bindings(each)
        if not several:
            state.say(each.line, "binds credentials that are not written here")
    elif each.name in bindings.STEPS or any("redential" in key for key in each.named) or each.name == "step":
        several = bindings.of_step(each)
    else:
        return around
    grants = tuple(grant(state, one) for one in several)
    if each.block is None:
        return replace(around, grants=(*around.grants, *grants))
    return replace(around, grants=(*around.grants, *grants))


def grant(state: State, one: bindings.Bound, scope: str = "step") -> Grant:
    """A credential as it becomes visible; one whose id is made at run time is said to be so."""
    if one.made:
        name = state.given.get(one.name) or state.filled(one.name)
        one = replace(one, name=name, made="$" in name or name == one.name)
    if one.made:
        state.say(one.line, f"the id of a credential is made when the pipeline runs: {one.name[:80]}")
    return Grant(one.name, "stored", state.place(one.line), scope, "binding", one.holder, one.kind, one.target)  # type: ignore[arg-type]  # one of two words


def with_env(state: State, each: Call, around: Around) -> Around:
    items = each.arguments[0].items if each.arguments and isinstance(each.arguments[0], Items) else []
    settings = []
    for item in items:
        if isinstance(item, Quoted):
            name, _, value = item.text.partition("=")
            settings.append(Setting(name, value, state.place(item.line)))
    return replace(
        around, variables=(*around.variables, *settings), grants=(*around.grants, *renamed(settings, around))
    )


def renamed(settings: Sequence[Setting], around: Around) -> list[Grant]:
    """Credentials that get a second variable: `withEnv(["KUBECONFIG=$FILE"])`."""
    found = []
    for each in settings:
        used = set(variables_in(each.value))
        for one in around.grants:
            if one.holder and one.holder in used:
                found.append(replace(one, holder=each.name, place=each.place))  # noqa: PERF401 - reads better
    return found


def _plugin(state: State, each: Call, around: Around, found: Found) -> None:
    """A step of a plugin with what it is given, for those who know what it does."""
    if (
        each.block is not None
        or each.name in state.methods
        or each.name in {"withCredentials", "withEnv", "echo", "credentials"}
    ):
        return
    settings: list[Setting] = []
    _flatten(state, each.named, settings, "")
    for number, value in enumerate(each.arguments):
        settings.append(Setting(str(number), words_of(value), state.place(value.line)))
        if isinstance(value, Call):
            _flatten(state, value.named, settings, "")
    # What a step of a plugin is given by its own arguments is not visible to the steps beside it.
    step = Step(
        each.name,
        state.place(each.line),
        "plugin",
        uses=None,
        inputs=tuple(settings),
        variables=around.variables,
        grants=around.grants,
    )
    found.steps.append(step)


def _flatten(state: State, named: Mapping[str, Value], settings: list[Setting], prefix: str) -> None:
    for key, value in named.items():
        if isinstance(value, Pairs):
            _flatten(state, value.entries, settings, f"{prefix}{key}.")
        elif isinstance(value, Items):
            for item in value.items:
                if isinstance(item, Pairs):
                    _flatten(state, item.entries, settings, f"{prefix}{key}.")
                elif isinstance(item, Call):
                    _flatten(state, item.named, settings, f"{prefix}{key}.")
                else:
                    settings.append(Setting(f"{prefix}{key}", words_of(item), state.place(item.line)))
        else:
            settings.append(Setting(f"{prefix}{key}", words_of(value), state.place(value.line)))


def _judge(state: State, each: Call) -> None:
    """Say what cannot be known about a call."""
    name = each.name
    root = name.partition(".")[0]
    if name in {"build"}:
        first = each.first() or each.text("job")
        state.say(each.line, f"starts another job, {first.text if first else '?'}, which is not read")
    elif name == "load":
        first = each.first()
        state.say(each.line, f"runs the Groovy of {first.text if first else 'another file'}, which is not read")
    elif name in {"evaluate", "library", "libraryResource"}:
        state.say(each.line, f"{name} brings in code that is not read")
    elif (
        name in QUIET
        or name in KNOWN_PLUGINS
        or name in state.methods
        or OBJECTS.match(name)
        or METHODS.search(name)
        or "[]" in name
        or name in state.objects
        or name.startswith("@")
        or (root in state.objects and not name[len(root) :].startswith(".deploy"))
    ):
        return
    elif name[:1].isupper() and "." not in name:
        state.say(each.line, f"uses the class {name}, which is not in this file")
    else:
        state.say(
            each.line, f"{name} is neither in this file nor a step that is known here (a shared library, or a plugin?)"
        )
