"""When a stage of a Jenkinsfile runs: the conditions of its `when`, from the events of the job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pipelinegen.pipelines.model import Event, Job, Pipeline, Question
from pipelinegen.pipelines.rendering.languages import groovy

_GLOB = re.compile(r"[*?\[{]")
_PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BY_HAND = "triggeredBy 'UserIdCause'"
BY_TIMER = "triggeredBy 'TimerTrigger'"


def conditions(pipeline: Pipeline, job: Job) -> tuple[str, ...]:
    """The conditions of the `when` of the job's stage, which must all hold: those that its events share, then they."""
    alternatives = [_alternative(pipeline, job, event) for event in job.when.events]
    shared = [part for part in alternatives[0] if all(part in each for each in alternatives)]
    rest = [[part for part in each if part not in shared] for each in alternatives]
    return (*([_any([_all(each) for each in rest])] if all(rest) else []), *shared)


def answer(name: str) -> str:
    """What was answered to a question, as an expression.  ValueError: Jenkins could not hold it in a variable."""
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"a parameter of a Jenkins job cannot be called {name!r}")
    return f"params.{name}"


def with_nothing_asked(pipeline: Pipeline) -> Pipeline:
    """The same pipeline with its questions as Jenkins asks them.

    Jenkins asks at every start by hand, and takes the first choice for runs that nobody started: where an answer
    starts a job, that must be no answer.
    """
    starting = {job.when.answered[0] for job in pipeline.jobs if job.when.answered}
    asked = tuple(_asked(question, question.name in starting) for question in pipeline.triggers.questions)
    return replace(pipeline, triggers=replace(pipeline.triggers, questions=asked))


def _asked(question: Question, starts: bool) -> Question:
    if not question.choices:
        return question
    first = "" if starts else question.default if question.default in question.choices else question.choices[0]
    others = tuple(choice for choice in question.choices if choice != first)
    said = f"{question.help} (leave it empty for a run like that of a push)" if starts else question.help
    return replace(question, choices=(first, *others), default=first, help=said)


def schedule_of(pipeline: Pipeline) -> str | None:
    """The expression that `cron` takes. A multibranch project has a job for each branch, and one is enough."""
    if pipeline.triggers.schedule is None:
        return None
    spec = groovy(f"TZ=UTC\n{pipeline.triggers.schedule}")
    branch = _main(pipeline)
    return spec if branch is None else f"env.BRANCH_NAME == {groovy(branch)} ? {spec} : ''"


def _alternative(pipeline: Pipeline, job: Job, event: Event) -> list[str]:
    if event == "change":
        forks = [] if job.when.forks else ["expression { env.CHANGE_FORK == null }"]
        return [_any([_change(branch) for branch in pipeline.triggers.branches] or ["changeRequest()"]), *forks]
    branches = [_any([_ref("branch", branch) for branch in pipeline.triggers.branches])]
    named = branches if pipeline.triggers.branches and job.when.default_branch_only else []
    if event == "manual":
        # Whoever may start the run of a change may not deploy by that.
        return [
            BY_HAND,
            *([_equals(*job.when.answered)] if job.when.answered else []),
            "not { changeRequest() }",
            *named,
        ]
    if event == "schedule":
        main = _main(pipeline)
        return [BY_TIMER] + ([_ref("branch", main)] if main else [])
    started = [*([f"not {{ {BY_TIMER} }}"] if pipeline.triggers.schedule else []), *_nothing_asked(pipeline)]
    if event == "tag":
        return [_any([_ref("tag", tag) for tag in pipeline.triggers.tags] or ["buildingTag()"]), *started]
    # The branch of a change has a name of Jenkins' own, such as PR-12; that of a tag has the tag's, whatever it is.
    plain = named and not any(_GLOB.search(branch) for branch in pipeline.triggers.branches)
    return [*named, "not { buildingTag() }", *([] if plain else ["not { changeRequest() }"]), *started]


def _nothing_asked(pipeline: Pipeline) -> list[str]:
    """What keeps the jobs of a push out of a run that a person started for another one.

    Where such a run is known by an answer, the others say that the question was left as it was: a person who restarts
    a stage, or the whole run, has started it too, and Jenkins does not tell these apart.
    """
    asked = [job.when.answered for job in pipeline.jobs if "manual" in job.when.events]
    if None in asked:
        return [f"not {{ {BY_HAND} }}"]
    defaults = {question.name: question.default for question in pipeline.triggers.questions}
    names = dict.fromkeys(name for name, value in filter(None, asked) if value != defaults.get(name))
    return [_equals(name, defaults.get(name, "")) for name in names]


def _main(pipeline: Pipeline) -> str | None:
    """The branch that schedules are for: the first that is no pattern."""
    return next((branch for branch in pipeline.triggers.branches if not _GLOB.search(branch)), None)


def _change(branch: str) -> str:
    comparator = ", comparator: 'GLOB'" if _GLOB.search(branch) else ""
    return f"changeRequest(target: {groovy(branch)}{comparator})"


def _ref(condition: str, pattern: str) -> str:
    """A name without a wildcard is compared as it is, whatever characters it has."""
    if _GLOB.search(pattern) or _PLAIN.fullmatch(pattern):
        return f"{condition} {groovy(pattern)}"
    return f"{condition}(pattern: {groovy(pattern)}, comparator: 'EQUALS')"


def _equals(name: str, value: str) -> str:
    return f"equals(expected: {groovy(value)}, actual: {answer(name)})"


def _any(parts: Sequence[str]) -> str:
    return _group("anyOf", parts)


def _all(parts: Sequence[str]) -> str:
    return _group("allOf", parts)


def _group(word: str, parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    inner = "\n".join(f"  {line}" for part in parts for line in part.split("\n"))
    return f"{word} {{\n{inner}\n}}"
