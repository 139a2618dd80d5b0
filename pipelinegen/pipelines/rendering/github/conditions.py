"""When the jobs of a workflow run: the conditions of the model as expressions of GitHub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pipelinegen.pipelines.model import Condition, Event, Job, Pipeline
from pipelinegen.pipelines.rendering.github.scalars import quoted

# The parts of a clause all hold.
Clause = tuple[str, ...]

_CLAUSES: Mapping[Event, Clause] = MappingProxyType(
    {
        "change": ("github.event_name == 'pull_request'",),
        "branch": ("github.event_name == 'push'", "github.ref_type == 'branch'"),
        "tag": ("github.event_name == 'push'", "github.ref_type == 'tag'"),
        "schedule": ("github.event_name == 'schedule'",),
        "manual": ("github.event_name == 'workflow_dispatch'",),
    }
)
_PUSH: Clause = ("github.event_name == 'push'",)
# Neither a fork's pull request nor one of Dependabot gets secrets.
_OWN: Clause = (
    "github.event.pull_request.head.repo.full_name == github.repository",
    "github.event.pull_request.user.login != 'dependabot[bot]'",
)
_STATUS = "!cancelled() && !failure()"
_WIDTH = 90


def events_of(pipeline: Pipeline) -> frozenset[Event]:
    """What can start the workflow."""
    triggers = pipeline.triggers
    found: set[Event] = {event for job in pipeline.jobs for event in job.when.events}
    able: dict[Event, bool] = {
        "change": triggers.changes,
        "branch": bool(triggers.branches),
        "tag": bool(triggers.tags),
        "schedule": triggers.schedule is not None,
        "manual": True,
    }
    return frozenset(event for event in found if able[event])


def condition_of(pipeline: Pipeline, job: Job) -> tuple[str, ...]:
    """The lines of a job's `if`, empty where it always runs."""
    clauses = _clauses(job.when, events_of(pipeline))
    lines = tuple(_joined(clauses))
    if not _may_miss(pipeline, job):
        return lines
    # A job of which one before it was skipped is skipped too, unless its condition has a function of the status.
    if len(lines) < 2:
        return (" && ".join([_STATUS, *lines]),)
    return (f"{_STATUS} && (", *lines[:-1], f"{lines[-1]})")


def _clauses(when: Condition, events: frozenset[Event]) -> tuple[Clause, ...]:
    wanted = [event for event in _CLAUSES if event in when.events and event in events]
    if set(wanted) == events and when.answered is None and (when.forks or "change" not in events):
        return ()
    if "branch" in wanted and "tag" in wanted:
        return (_PUSH, *(_clause(event, when) for event in wanted if event not in ("branch", "tag")))
    return tuple(_clause(event, when) for event in wanted)


def _clause(event: Event, when: Condition) -> Clause:
    clause = _CLAUSES[event]
    if event == "manual" and when.answered is not None:
        name, value = when.answered
        return (*clause, f"inputs.{name} == {quoted(value)}")
    return (*clause, *_OWN) if event == "change" and not when.forks else clause


def _joined(clauses: tuple[Clause, ...]) -> Iterator[str]:
    """The lines of clauses of which one holds."""
    for number, clause in enumerate(clauses, 1):
        several = len(clauses) > 1 and len(clause) > 1
        begin, end = ("(", ")") if several else ("", "")
        end += " ||" if number < len(clauses) else ""
        line = begin + " && ".join(clause) + end
        if len(line) < _WIDTH:
            yield line
        else:
            yield f"{begin}{clause[0]} &&"
            yield from (f"{part} &&" for part in clause[1:-1])
            yield f"{clause[-1]}{end}"


def _may_miss(pipeline: Pipeline, job: Job) -> bool:
    """Is there a run with this job and without one before it? GitHub looks at all that it depends on."""
    events = events_of(pipeline)
    return any(_narrower(each.when, job.when, events) for each in _before(pipeline, job))


def _before(pipeline: Pipeline, job: Job) -> tuple[Job, ...]:
    needed = tuple(map(pipeline.job, job.needs))
    return needed + tuple(each for one in needed for each in _before(pipeline, one))


def _narrower(needed: Condition, when: Condition, events: frozenset[Event]) -> bool:
    missed = (set(when.events) - set(needed.events)) & events
    by_answer = "manual" in when.events and needed.answered is not None and needed.answered != when.answered
    by_fork = "change" in when.events and when.forks and not needed.forks
    return bool(missed) or by_answer or by_fork
