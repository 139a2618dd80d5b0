"""What is gathered while a workflow is read: grants, and what is not understood."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelinegen.pipelines.read.github.expressions import SECRET_PREFIX, Context, secrets_in
from pipelinegen.pipelines.read.tree import List, Map, Text, Value
from pipelinegen.pipelines.reading import Files, Grant, Line, Place, Scope, Setting, Unknown

MAX_FOLLOWED = 10
MAX_CALLS = 500


@dataclass(slots=True)
class State:
    """The walk over a workflow and what it calls."""

    files: Files
    unknown: list[Unknown] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    parsed: dict[str, Map | None] = field(default_factory=dict)
    followed: int = 0

    def may_follow(self, place: Place, name: str, depth: int) -> bool:
        """Is one more call followed? Calls that call themselves come to an end here."""
        self.followed += 1
        if depth < MAX_FOLLOWED and self.followed <= MAX_CALLS:
            return True
        self.say(place, f"{name} is called more than {MAX_FOLLOWED} deep, or too often")
        return False

    def say(self, place: Place, what: str) -> None:
        """Note what is not understood, once."""
        note = Unknown(place, what)
        if note not in self.unknown:
            self.unknown.append(note)


def settings(state: State, value: Value | None, context: Context) -> tuple[Setting, ...]:
    """The entries of `env:` or `with:`, with the caller's words in place."""
    if isinstance(value, Text) and value.value:
        state.say(value.place, f"the variables are computed: {value.value[:80]}")
    if not isinstance(value, Map):
        return ()
    found = []
    for name, item in value.items():
        if isinstance(item, Text):
            found.append(Setting(name, context.resolve(item.value), _line_of_secret(item)))
        elif isinstance(item, List):
            found.append(Setting(name, "\n".join(t.value for t in item.items if isinstance(t, Text)), item.place))
    return tuple(found)


def _line_of_secret(item: Text) -> Place:
    """A block may name its secret on a line further down."""
    for line in item.lines():
        if "secrets" in line.text and "${{" in line.text:
            return line.place
    return item.place


def grants_of(state: State, settings_: tuple[Setting, ...], scope: Scope, via: str) -> tuple[Grant, ...]:
    """The secrets that variables or inputs hold."""
    found = [grant for each in settings_ for grant in granted(state, each.value, each.place, scope, via, each.name)]
    # References of 1Password, which its action or its command line puts the secret in the place of.
    found += [
        Grant(each.name, "job", each.place, "job", "fetched", each.name)
        for each in settings_
        if each.value.startswith("op://")
    ]
    return tuple(found)


def granted(state: State, text: str, place: Place, scope: Scope, via: str, holder: str) -> list[Grant]:
    """The secrets that a text names; what cannot be told is noted."""
    secrets = secrets_in(text)
    if secrets.computed:
        state.say(
            place, f"the name of a secret is computed here, so which one it is cannot be told: {text.strip()[:100]}"
        )
    if secrets.every:
        state.say(place, f"every secret of the repository is handed on here: {text.strip()[:100]}")
    return [
        Grant(name, "job" if name.upper() == "GITHUB_TOKEN" else "stored", place, scope, via, holder)
        for name in secrets.names
    ]


def script_grants(state: State, lines: list[Line]) -> tuple[Grant, ...]:
    """The secrets that are written into a script by themselves."""
    found = []
    for line in lines:
        for grant in granted(state, line.text, line.place, "step", "script", ""):
            holder = f"{SECRET_PREFIX}{grant.name.replace('-', '_')}"
            found.append(Grant(grant.name, grant.life, grant.place, "step", "script", holder))
    return tuple(found)
