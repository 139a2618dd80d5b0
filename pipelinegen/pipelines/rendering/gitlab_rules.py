"""When GitLab starts a pipeline and its jobs: triggers and conditions as the expressions of `rules: if`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType

from pipelinegen.pipelines.model import Condition, Event, Job, Triggers

# A person starts a pipeline with the button "New pipeline" (web) or with `glab ci run` (api).
_BY_HAND = "$CI_PIPELINE_SOURCE =~ /^(web|api)$/"
_CHANGE = '$CI_PIPELINE_SOURCE == "merge_request_event"'
# Merge requests of a fork run in the fork's project, unless a member starts them in ours.
_NO_FORK = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"
_PUSH = '$CI_PIPELINE_SOURCE == "push"'
_SCHEDULE = '$CI_PIPELINE_SOURCE == "schedule"'


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. changes: globs of paths; manual: a person must start the job."""

    condition: str
    when: str = ""
    changes: tuple[str, ...] = ()
    comment: str = ""

    @property
    def yaml(self) -> str:
        """A plain scalar: patterns hold neither blanks nor anything but ASCII, so that no `: ` or ` #` is in it."""
        if not re.fullmatch(r"\$[!-~]+(?: [!-~]+)*", self.condition) or re.search(r": | #|:$", self.condition):
            raise ValueError(f"no plain scalar: {self.condition!r}")
        return self.condition


def workflow_rules(triggers: Triggers, jobs: Iterable[Job]) -> tuple[Rule, ...]:
    """Which pipelines are there at all: one for each event that a job wants, and never two for one push."""
    conditions = [job.when for job in jobs]
    events = {event for condition in conditions for event in condition.events}
    rules = []
    if "change" in events:
        if triggers.branches:
            source = _named("$CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", triggers.branches)
            why = "These branches have pipelines of their own."
            rules.append(Rule(f"{_CHANGE} && {source}", "never", comment=why))
        rules.append(Rule(_change(triggers)))
    if "branch" in events:
        every = any("branch" in condition.events and not condition.default_branch_only for condition in conditions)
        if every and "change" in events:
            rules.append(
                Rule(f"{_PUSH} && $CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS && {_not_of(triggers)}", "never")
            )
        rules.append(Rule(_branch(triggers, only=not every)))
    rules += [Rule(_EVENTS[event](triggers)) for event in ("tag", "schedule", "manual") if event in events]
    return tuple(rules)


def job_rules(condition: Condition, triggers: Triggers, *, approval: bool) -> tuple[Rule, ...]:
    """When a job of these pipelines runs."""
    when = "manual" if approval else ""
    changes = globs(triggers.paths)
    rules = []
    for event in condition.events:
        expression = _event(event, condition, triggers)
        filtered = changes if event in ("change", "branch") else ()
        if event == "manual" and condition.answered:
            question, value = condition.answered
            expression = f"{expression} && ${question_variable(question)} == {_string(value)}"
        rules.append(Rule(expression, when, filtered))
    return tuple(rules)


def may_miss(needed: Job, job: Job) -> bool:
    """Are there pipelines that have `job` and not `needed`?"""
    if not set(job.when.events) <= set(needed.when.events):
        return True
    by_hand = "manual" in job.when.events and needed.when.answered not in (None, job.when.answered)
    narrower = needed.when.default_branch_only and not job.when.default_branch_only and "branch" in job.when.events
    return by_hand or narrower or ("change" in job.when.events and job.when.forks and not needed.when.forks)


def question_variable(name: str) -> str:
    """The variable that holds what a person answered."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def globs(patterns: Iterable[str]) -> tuple[str, ...]:
    """Gitignore's patterns as those of `rules: changes`, which know no `!`: more runs, and none less."""
    return tuple(glob for pattern in patterns if not pattern.startswith("!") for glob in _globs(pattern))


def _globs(pattern: str) -> tuple[str, ...]:
    # `$` would begin a variable of GitLab; in brackets it is a character.
    text = pattern.strip("/").replace("$", "[$]")
    anchored = "/" in pattern.rstrip("/")
    found = text if anchored or text.startswith("**/") else f"**/{text}"
    if found.endswith("/**"):
        return (f"{found}/*",)
    return (f"{found}/**/*",) if pattern.endswith("/") else (found, f"{found}/**/*")


def _event(event: Event, condition: Condition, triggers: Triggers) -> str:
    if event == "change" and not condition.forks:
        return f"{_CHANGE} && {_NO_FORK}"
    if event == "branch":
        return _branch(triggers, only=condition.default_branch_only)
    return _EVENTS[event](triggers) if event != "change" else _CHANGE


def _change(triggers: Triggers) -> str:
    target = _named("$CI_MERGE_REQUEST_TARGET_BRANCH_NAME", triggers.branches)
    return f"{_CHANGE} && {target}" if triggers.branches else _CHANGE


def _branch(triggers: Triggers, *, only: bool) -> str:
    if not only or not triggers.branches:
        return f"{_PUSH} && $CI_COMMIT_BRANCH"
    return f"{_PUSH} && {_named('$CI_COMMIT_BRANCH', triggers.branches)}"


def _not_of(triggers: Triggers) -> str:
    return f"$CI_COMMIT_BRANCH !~ {_pattern(triggers.branches)}" if triggers.branches else "$CI_COMMIT_BRANCH"


def _tag(triggers: Triggers) -> str:
    return f"{_PUSH} && {_named('$CI_COMMIT_TAG', triggers.tags)}" if triggers.tags else f"{_PUSH} && $CI_COMMIT_TAG"


_EVENTS: MappingProxyType[str, Callable[[Triggers], str]] = MappingProxyType(
    {"tag": _tag, "schedule": lambda _: _SCHEDULE, "manual": lambda _: _BY_HAND, "change": _change}
)


def _named(variable: str, patterns: tuple[str, ...]) -> str:
    """Is the variable one of these names or patterns?"""
    if len(patterns) == 1 and re.fullmatch(r"[\w./-]+", patterns[0], re.ASCII):
        return f'{variable} == "{patterns[0]}"'
    return f"{variable} =~ {_pattern(patterns)}"


def _string(text: str) -> str:
    """A string of an expression, in which nothing can be escaped."""
    if '"' in text or "'" in text:
        raise ValueError(f"an expression of GitLab cannot hold {text!r}")
    return f'"{text}"'


def _pattern(patterns: tuple[str, ...]) -> str:
    """An expression of RE2 for globs in which `*` stops at a slash and `**` does not."""
    words = [_regex(pattern) for pattern in patterns]
    return f"/^{words[0]}$/" if len(words) == 1 else f"/^(?:{'|'.join(words)})$/"


def _regex(glob: str) -> str:
    parts = re.split(r"(\*\*|\*|\?)", glob)
    wild = {"**": ".*", "*": "[^\\/]*", "?": "[^\\/]"}
    return "".join(wild.get(part) or _quoted(part) for part in parts)


def _quoted(text: str) -> str:
    """Only characters that no reader of the expression takes for anything else stay as they are."""
    return "".join(c if re.fullmatch(r"[\w-]", c, re.ASCII) else _character(c) for c in text)


def _character(character: str) -> str:
    if character in ".+/()[]{}^$|\\*?":
        return f"\\{character}"
    return f"\\x{{{ord(character):x}}}"
