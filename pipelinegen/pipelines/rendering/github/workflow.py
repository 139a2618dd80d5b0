"""The file of a workflow: its triggers and jobs as the template wants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelinegen.errors import Defect
from pipelinegen.pipelines.model import GeneratedFile, Job, Permission, Pipeline, Question
from pipelinegen.pipelines.rendering.anchors import anchored
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.github.conditions import condition_of, events_of
from pipelinegen.pipelines.rendering.github.credentials import environment_of
from pipelinegen.pipelines.rendering.github.handing import HANDOVER, by_outputs, output_of
from pipelinegen.pipelines.rendering.github.paths import path_filters
from pipelinegen.pipelines.rendering.github.scalars import literally, scalar, shown
from pipelinegen.pipelines.rendering.github.steps import steps_of
from pipelinegen.pipelines.rendering.github.values import entries, for_all
from pipelinegen.pipelines.rendering.github.written import Entries, Written
from pipelinegen.pipelines.rendering.header import block, header

PATH = ".github/workflows/pipelinegen.yml"
_STAGES = {"push": "DevOps", "pull": "GitOps"}


@dataclass(frozen=True, slots=True)
class WrittenJob:
    """A job whose values are YAML already."""

    id: str
    comment: str
    title: str
    condition: tuple[str, ...]
    needs: tuple[str, ...]
    runner: str
    timeout: int
    environment: Entries
    reviewers: str
    lock: str
    cancel: bool
    permissions: tuple[tuple[str, str, str], ...]
    matrix: tuple[str, ...]
    outputs: Entries
    steps: tuple[Written, ...]


@dataclass(frozen=True, slots=True)
class WrittenQuestion:
    """What a person is asked who starts a run."""

    name: str
    help: str
    default: str
    choices: tuple[str, ...]


def files(pipeline: Pipeline) -> tuple[GeneratedFile, ...]:
    """The workflow."""
    events = events_of(pipeline)
    triggers = pipeline.triggers
    text = render(
        "ci/github.yml.j2",
        header=header("#", pipeline.header, blocks=True),
        name=scalar(shown(pipeline.name)),
        changes="change" in events,
        pushes=bool(events & {"branch", "tag"}),
        branches=_patterns(triggers.branches),
        pushed=_patterns(triggers.branches) if "branch" in events else [],
        tags=_patterns(triggers.tags) if "tag" in events else [],
        paths=_patterns(path_filters(triggers.paths)),
        schedule=scalar(triggers.schedule) if "schedule" in events and triggers.schedule else "",
        manual="manual" in events,
        questions=[_question(each) for each in triggers.questions],
        variables=entries(for_all(pipeline.variables)[0], None, 4),
        block=block("#", "jobs").rstrip("\n"),
        jobs=[_job(pipeline, job) for job in pipeline.jobs],
    )
    return (GeneratedFile(PATH, anchored(text) if pipeline.anchors else text),)


def _patterns(patterns: Iterable[str]) -> list[str]:
    """Patterns of branches, tags or paths. None may hold the beginning of an expression; a star may stand in it."""
    return [scalar(each.replace("${{", "$*{{")) for each in patterns]


def _question(question: Question) -> WrittenQuestion:
    if any("${{" in text for text in (question.name, question.default, *question.choices)):
        raise Defect(f"the question {question.name} offers an expression, which GitHub refuses", id="question")
    return WrittenQuestion(
        scalar(question.name),
        scalar(shown(question.help)),
        scalar(question.default) if question.default else "",
        tuple(scalar(choice) for choice in question.choices),
    )


def _job(pipeline: Pipeline, job: Job) -> WrittenJob:
    return WrittenJob(
        id=job.id,
        comment=f"{_STAGES[pipeline.style]}: {', '.join(job.stages)}" if job.stages else "",
        title=scalar(literally(job.title)),
        condition=_condition(pipeline, job),
        needs=job.needs,
        runner=scalar(literally(pipeline.runner)),
        timeout=job.timeout,
        environment=_environment(job),
        reviewers=_reviewers(job),
        lock=scalar(literally(job.lock)) if job.lock else "",
        cancel=job.cancel,
        permissions=tuple((each.scope, each.level, each.why) for each in _permissions(job)),
        matrix=tuple(scalar(literally(each)) for each in job.matrix),
        outputs=tuple(_outputs(pipeline, job)),
        steps=steps_of(pipeline, job),
    )


def _condition(pipeline: Pipeline, job: Job) -> tuple[str, ...]:
    lines = condition_of(pipeline, job)
    if len(lines) == 1 and lines[0].startswith("!"):
        return (f"${{{{ {lines[0]} }}}}",)  # else YAML would take it for a tag
    return lines


def _environment(job: Job) -> Entries:
    """What stands behind `environment`: a name alone, under an empty key, or a name and a page."""
    name = environment_of(job)
    if name is None:
        return ()
    written = scalar(literally(name))
    deploys = job.environment is not None and job.environment.action == "deploy"
    if not deploys or job.environment is None or job.environment.url is None:
        return (("", written),)
    return ("name", written), ("url", scalar(literally(job.environment.url)))


def _reviewers(job: Job) -> str:
    if job.environment is None or not job.environment.approval or job.environment.action != "deploy":
        return ""
    who = ", ".join(job.environment.reviewers) or "a person"
    return f"waits for {who}: a protection rule of the environment, see SETUP.md"


def _permissions(job: Job) -> Iterator[Permission]:
    yield from job.permissions
    granted = {each.scope for each in job.permissions}
    for credential in job.credentials:
        if credential.kind == "oidc" and "id-token" not in granted:
            granted.add("id-token")
            yield Permission("id-token", "write", credential.why)


def _outputs(pipeline: Pipeline, job: Job) -> Iterator[tuple[str, str]]:
    for artifact in by_outputs(pipeline, job):
        name = output_of(artifact)
        yield name, f"${{{{ steps.{HANDOVER}.outputs.{name} }}}}"
