"""`${{ … }}` of GitHub: which secrets it names, and what it is once the inputs of the caller are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# An expression holds no other: one without an end is searched no further than to the next.
EXPRESSION = re.compile(r"\$\{\{((?:[^$]|\$(?!\{\{)){0,4000}?)\}\}")
_SECRET = re.compile(
    r"(?<![\w.])secrets\s*(?:\.\s*([A-Za-z_][\w-]*)|\[\s*'([^']+)'\s*\]|(\[)|(?![\w.]))", re.IGNORECASE
)
_TOKEN = re.compile(r"\bgithub\s*(?:\.\s*token\b|\[\s*'token'\s*\])", re.IGNORECASE)
_CONTEXT = re.compile(
    r"\b(inputs|matrix|secrets|github\.event\.inputs)\s*(?:\.\s*([A-Za-z_][\w-]*)|\[\s*'([^']+)'\s*\])"
)
_STRING = re.compile(r"'((?:[^']|'')*)'")
_CHOICE = re.compile(r"&&\s*'([^']*)'\s*\|\|\s*'([^']*)'$")


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets that a text names. computed: a name is made at run time; every: all secrets at once are handed on."""

    names: tuple[str, ...] = ()
    computed: bool = False
    every: bool = False


def secrets_in(text: str) -> Secrets:
    """The secrets that the expressions of a text name; the job's own token is GITHUB_TOKEN."""
    if "${{" not in text:
        return Secrets()
    names: list[str] = []
    computed = every = False
    for expression in EXPRESSION.findall(text):
        if _TOKEN.search(expression):
            names.append("GITHUB_TOKEN")
        for dotted, quoted, index in _SECRET.findall(_without_strings(expression)):
            if dotted or quoted:
                names.append(dotted or quoted)
            computed = computed or bool(index)
            every = every or not (dotted or quoted or index)
    return Secrets(tuple(dict.fromkeys(names)), computed, every)


def _without_strings(expression: str) -> str:
    """The expression with its strings emptied, but for the names in `secrets['NAME']`."""
    return re.sub(r"(?<![\[\s])'(?:[^']|'')*'|(?<=\s)'(?:[^']|'')*'(?!\s*\])", "''", expression)


@dataclass(frozen=True, slots=True)
class Context:
    """What the caller says: inputs and secrets by lower-case name, each a text that may hold expressions itself.

    inherited: the caller hands on all its secrets under their own names. matrix: the values of a leg.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] | None = None
    matrix: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, text: str) -> str:
        """The text with what the caller says in the place of its names."""
        if "${{" not in text:
            return text
        return EXPRESSION.sub(self._expression, text)

    def _expression(self, match: re.Match[str]) -> str:
        inner = match[1].strip()
        replaced = _CONTEXT.sub(self._name, inner)
        if replaced == inner:
            return match[0]
        whole = re.fullmatch(r"\((.*)\)", replaced, re.DOTALL)
        if whole and not re.search(r"[()]", whole[1]):
            replaced = whole[1].strip()
        literal = _STRING.fullmatch(replaced)
        return literal[1].replace("''", "'") if literal else f"${{{{ {replaced} }}}}"

    def _name(self, match: re.Match[str]) -> str:
        kind, name = match[1], (match[2] or match[3]).lower()
        known: Mapping[str, str] | None = self.matrix if kind == "matrix" else self.inputs
        if kind == "secrets":
            known = self.secrets
            if name == "github_token" or known is None:
                return match[0]
        value = known.get(name) if known is not None else None
        if value is None:
            return match[0]
        whole = EXPRESSION.fullmatch(value.strip())
        if whole:
            return f"({whole[1].strip()})"
        if "${{" in value:
            return match[0]
        return "'" + value.replace("'", "''") + "'"


def choices(text: str) -> list[str]:
    """The values that a text can have: itself, or both sides of `condition && 'a' || 'b'`."""
    whole = EXPRESSION.fullmatch(text.strip())
    if not whole:
        return [text]
    found = _CHOICE.search(whole[1].strip())
    if not found:
        return [text]
    before = _CHOICE_BEFORE.findall(whole[1])
    return list(dict.fromkeys([*before, found[1], found[2]]))


_CHOICE_BEFORE = re.compile(r"&&\s*'([^']*)'\s*\|\|")


def in_script(text: str) -> str:
    """A line of a script in which secrets and variables of the context are variables of the shell."""
    if "${{" not in text:
        return text
    return EXPRESSION.sub(_as_variable, text)


SECRET_PREFIX = "SECRET__"  # noqa: S105 - the beginning of a name


def _as_variable(match: re.Match[str]) -> str:
    inner = match[1].strip()
    named = re.fullmatch(r"env\s*\.\s*([A-Za-z_]\w*)", inner)
    if named:
        return f"${{{named[1]}}}"
    secrets = secrets_in(match[0])
    if len(secrets.names) == 1 and not secrets.computed and not secrets.every:
        return f"${{{SECRET_PREFIX}{secrets.names[0].replace('-', '_')}}}"
    return match[0]
