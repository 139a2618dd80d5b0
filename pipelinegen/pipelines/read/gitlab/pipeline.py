"""A GitLab pipeline as a whole: its jobs in the order of their stages, and what starts it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pipelinegen.config.source import Place as Spot
from pipelinegen.pipelines.read.gitlab.jobs import Defaults, job_of
from pipelinegen.pipelines.read.gitlab.merging import Gathering, Jobs, load, merge
from pipelinegen.pipelines.read.gitlab.variables import grants_of_settings, settings_of
from pipelinegen.pipelines.read.tree import List, Map, Text, bad_pipeline, texts
from pipelinegen.pipelines.reading import Files, Job, Place, Reading, Trigger

# https://docs.gitlab.com/ci/yaml/#keywords: top-level words that are no jobs.
_WORDS = frozenset(
    [
        "stages",
        "variables",
        "default",
        "include",
        "workflow",
        "image",
        "services",
        "before_script",
        "after_script",
        "cache",
        "spec",
        "types",
    ]
)
_STAGES = (".pre", "build", "test", "deploy", ".post")
_SOURCES = {
    "merge_request_event": "pull-request",
    "push": "push",
    "schedule": "schedule",
    "web": "manual",
    "trigger": "other",
    "pipeline": "call",
    "parent_pipeline": "call",
    "api": "other",
}


def read(file: str, data: bytes, files: Files) -> Reading:
    """What a GitLab pipeline says. Raises InputError."""
    gathering = Gathering(files)
    root = load(gathering, file, data, {})
    jobs, stages = _jobs(gathering, root)
    if (
        not jobs
        and not gathering.unknown
        and not any(isinstance(item, Map) for name, item in root.items() if name not in _WORDS)
    ):
        raise bad_pipeline(file, gathering.texts[file], Spot(1, 1), "this is no GitLab pipeline: there is no job in it")
    ordered = tuple(sorted(gathering.unknown, key=lambda each: (each.place.file != file, each.place, each.what)))
    name = ""
    workflow = root.map("workflow")
    if workflow is not None:
        name = workflow.text("name")
    return Reading(
        file, "gitlab", name, _triggers(root, jobs), tuple(_ordered(jobs, stages)), ordered, dict(gathering.texts)
    )


def _jobs(gathering: Gathering, root: Map, caller: str = "") -> tuple[list[Job], list[str]]:
    variables = settings_of(root.map("variables"))
    declared = {each.name: each.value for each in variables}
    base = Map(
        {k: root.entries[k] for k in ("image", "services", "before_script", "after_script") if k in root.entries},
        root.place,
    )
    default = root.map("default")
    defaults = Defaults(
        merge(base, default) if default is not None else base,
        variables,
        grants_of_settings(variables, declared, "pipeline"),
    )
    jobs = Jobs(gathering, root)
    found: list[Job] = []
    for name, item in root.items():
        if name in _WORDS or name.startswith(".") or not isinstance(item, Map):
            continue
        resolved = jobs.resolved(name)
        if resolved is not None:
            found += job_of(gathering, jobs, name, resolved, root.where(name), defaults, caller)
            found += _children(gathering, resolved, name)
    stages = [each.value for each in texts(root.get("stages"))] or list(_STAGES)
    return found, stages


def _children(gathering: Gathering, job: Map, name: str) -> list[Job]:
    """The jobs of a child pipeline that stands in the repository."""
    from pipelinegen.pipelines.read.gitlab.merging import included

    trigger = job.get("trigger")
    if isinstance(trigger, Text):
        gathering.say(trigger.place, f"starts the pipeline of {trigger.value}, which is not read")
        return []
    if not isinstance(trigger, Map):
        return []
    if "project" in trigger.entries:
        gathering.say(trigger.where("project"), f"starts the pipeline of {trigger.text('project')}, which is not read")
        return []
    value = trigger.get("include")
    several = value.items if isinstance(value, List) else [] if value is None else [value]
    found: list[Job] = []
    for each in several:
        for child in included(gathering, each):
            found += _jobs(gathering, child, caller=name)[0]
    return found


def _ordered(jobs: Iterable[Job], stages: list[str]) -> list[Job]:
    order = {name: number for number, name in enumerate([".pre", *stages, ".post"])}
    return sorted(_needing(list(jobs), order), key=lambda job: order.get(job.stage, len(order)))


def _needing(jobs: list[Job], order: Mapping[str, int]) -> list[Job]:
    """A job without `needs` waits for all jobs of the stage before its own."""
    from dataclasses import replace

    found = []
    for job in jobs:
        if job.needs or job.caller:
            found.append(job)
            continue
        earlier = [
            other for other in jobs if not other.caller and order.get(other.stage, 99) < order.get(job.stage, 99)
        ]
        nearest = max((order.get(other.stage, 99) for other in earlier), default=-1)
        found.append(replace(job, needs=tuple(other.id for other in earlier if order.get(other.stage, 99) == nearest)))
    return found


def _triggers(root: Map, jobs: Iterable[Job]) -> tuple[Trigger, ...]:
    found: dict[str, Trigger] = {}
    workflow = root.map("workflow")
    rules = workflow.get("rules") if workflow is not None else None
    conditions = [
        (item.text("if"), item.place)
        for item in (rules.items if isinstance(rules, List) else ())
        if isinstance(item, Map) and item.text("when") != "never"
    ]
    conditions += [(job.condition, job.place) for job in jobs]
    for text, place in conditions:
        for match in re.finditer(r"CI_PIPELINE_SOURCE\s*==\s*[\"'](\w+)[\"']", text):
            kind = _SOURCES.get(match[1], "other")
            found.setdefault(kind, Trigger(kind, match[1], place))
        if "CI_MERGE_REQUEST" in text:
            found.setdefault("pull-request", Trigger("pull-request", "merge_request_event", place))
        if re.search(r"CI_COMMIT_TAG(?!\w)", text):
            found.setdefault("tag", Trigger("tag", "CI_COMMIT_TAG", place))
    if workflow is None or re.search(
        r"CI_COMMIT_BRANCH|CI_DEFAULT_BRANCH|CI_COMMIT_REF", " ".join(t for t, _ in conditions)
    ):
        found.setdefault("push", Trigger("push", "push", workflow.place if workflow else Place(root.place.file, 1)))
    return tuple(found.values())
