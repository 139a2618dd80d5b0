"""A GitHub workflow as a whole: what starts it, what all its jobs see, and its jobs."""

from __future__ import annotations

from pipelinegen.config.source import Place as Spot
from pipelinegen.pipelines.read.github.expressions import Context
from pipelinegen.pipelines.read.github.jobs import jobs_of
from pipelinegen.pipelines.read.github.scope import State
from pipelinegen.pipelines.read.tree import List, Map, Text, Value, bad_pipeline, parse, read_text, texts
from pipelinegen.pipelines.reading import Files, Place, Reading, Trigger

_KINDS = {
    "pull_request": "pull-request",
    "pull_request_target": "pull-request",
    "merge_group": "pull-request",
    "schedule": "schedule",
    "workflow_dispatch": "manual",
    "workflow_call": "call",
}


def read(file: str, data: bytes, files: Files) -> Reading:
    """What a workflow says. Raises InputError."""
    text = read_text(file, data)
    documents = parse(file, text)
    root = documents[0] if documents else None
    if not isinstance(root, Map) or len(documents) != 1 or not isinstance(root.get("jobs"), Map):
        what = "this is no GitHub workflow: it has no `jobs:`"
        raise bad_pipeline(file, text, Spot(root.place.line if root else 1, 1), what)
    state = State(files)
    state.texts[file] = text
    triggers = tuple(_triggers(root))
    context = Context(matrix={}, inputs=_chosen(root))
    jobs = jobs_of(state, root, context, options=_options(root))
    ordered = tuple(sorted(state.unknown, key=lambda each: (each.place.file != file, each.place, each.what)))
    return Reading(file, "github", root.text("name"), triggers, tuple(jobs), ordered, dict(state.texts))


def _triggers(root: Map) -> list[Trigger]:
    # `on` is a truth value to readers of YAML 1.1, and some people therefore write it in quotes.
    value = root.get("on", "true", "On", "ON")
    place = root.where("on")
    if isinstance(value, Text | List):
        return [Trigger(_KINDS.get(each.value, _push(each.value)), each.value, each.place) for each in texts(value)]
    found = []
    for name, item in value.items() if isinstance(value, Map) else ():
        where = value.where(name) if isinstance(value, Map) else place
        found += _trigger(name, item, where)
    return found


def _push(name: str) -> str:
    return "push" if name == "push" else "tag" if name == "release" else "other"


def _trigger(name: str, item: Value, place: Place) -> list[Trigger]:
    if name == "schedule" and isinstance(item, List):
        return [Trigger("schedule", each.text("cron"), each.place) for each in item.items if isinstance(each, Map)]
    detail = name
    if isinstance(item, Map):
        words = [each.value for key in ("branches", "tags", "types") for each in texts(item.get(key))]
        detail = f"{name}: {', '.join(words)}" if words else name
        if name == "push" and "tags" in item.entries and "branches" not in item.entries:
            return [Trigger("tag", detail, place)]
    return [Trigger(_KINDS.get(name, _push(name)), detail, place)]


def _inputs(root: Map) -> list[tuple[str, Map]]:
    value = root.get("on", "true")
    found: list[tuple[str, Map]] = []
    for name in ("workflow_dispatch", "workflow_call"):
        event = value.map(name) if isinstance(value, Map) else None
        inputs = event.map("inputs") if event is not None else None
        found += [(key, item) for key, item in inputs.items() if isinstance(item, Map)] if inputs is not None else []
    return found


def _chosen(root: Map) -> dict[str, str]:
    """Inputs that can have one value only."""
    found = {}
    for name, item in _inputs(root):
        options = texts(item.get("options"))
        if len(options) == 1:
            found[name.lower()] = options[0].value
    return found


def _options(root: Map) -> dict[str, list[str]]:
    """The values that a person can choose for an input."""
    found = {}
    for name, item in _inputs(root):
        options = [each.value for each in texts(item.get("options"))]
        if options:
            found[name.lower()] = options
    return found
