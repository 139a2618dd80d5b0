"""One configuration out of several files: local includes, `extends` and `!reference`, with the places kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelinegen.config.source import Place as Spot
from pipelinegen.pipelines.read.tree import List, Map, Text, Value, bad_pipeline, parse, read_text, texts
from pipelinegen.pipelines.reading import Files, Place, Unknown

MAX_INCLUDES = 150  # https://docs.gitlab.com/administration/settings/continuous_integration/#set-maximum-includes
MAX_REFERENCES = 1_000
MAX_EXTENDS = 11  # https://docs.gitlab.com/ci/yaml/#extends
_INPUT = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*(?:\|[^\]]*)?\]\]")


@dataclass(slots=True)
class Gathering:
    """The walk over a file and what it includes."""

    files: Files
    unknown: list[Unknown] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    included: int = 0

    def say(self, place: Place, what: str) -> None:
        note = Unknown(place, what)
        if note not in self.unknown:
            self.unknown.append(note)


def load(gathering: Gathering, file: str, data: bytes, inputs: Mapping[str, str]) -> Map:
    """A file with what it includes. Raises InputError."""
    text = read_text(file, data)
    gathering.texts[file] = text
    documents = parse(file, text)
    if documents and isinstance(documents[0], Map) and len(documents) > 1 and "spec" in documents[0].entries:
        given = {**_defaults(documents[0]), **inputs}
        filled = _INPUT.sub(lambda match: given.get(match[1], match[0]), text) if "$[[" in text else text
        documents = parse(file, filled)[1:]
    root = documents[0] if documents else Map({}, Place(file, 1))
    if not isinstance(root, Map) or len(documents) > 1:
        line = documents[1].place.line if len(documents) > 1 else root.place.line
        raise bad_pipeline(file, text, Spot(line, 1), "this is no GitLab pipeline: it is not one mapping of jobs")
    _tell_inputs(gathering, root)
    merged: Map | None = None
    for each in _includes(gathering, root):
        merged = each if merged is None else merge(merged, each)
    return root if merged is None else merge(merged, root)


def _defaults(header: Map) -> dict[str, str]:
    spec = header.map("spec")
    inputs = spec.map("inputs") if spec is not None else None
    found = {}
    for name, item in inputs.items() if inputs is not None else ():
        if isinstance(item, Map) and "default" in item.entries:
            found[name] = item.text("default")
    return found


def _tell_inputs(gathering: Gathering, value: Value) -> None:
    """An input that has no value here is one that a caller gives."""
    if isinstance(value, Text):
        match = _INPUT.search(value.value) if "$[[" in value.value else None
        if match:
            gathering.say(value.place, f"the input {match[1]} is given by whoever includes this file")
    elif isinstance(value, List):
        for item in value.items:
            _tell_inputs(gathering, item)
    else:
        for item in value.entries.values():
            _tell_inputs(gathering, item)


def _includes(gathering: Gathering, root: Map) -> list[Map]:
    value = root.get("include")
    several = value.items if isinstance(value, List) else [] if value is None else [value]
    return [found for each in several for found in included(gathering, each)]


def included(gathering: Gathering, value: Value) -> list[Map]:
    """The files that one entry of `include:` names, as far as they are in the repository."""
    inputs: dict[str, str] = {}
    path = value.value if isinstance(value, Text) else ""
    if isinstance(value, Map):
        path = value.text("local")
        given = value.map("inputs")
        inputs = {name: item.value for name, item in given.items() if isinstance(item, Text)} if given else {}
        outside = next(
            (key for key in ("project", "remote", "template", "component", "artifact") if key in value.entries), ""
        )
        if outside:
            where = value.text(outside)
            gathering.say(
                value.where(outside), f"`include: {outside}` brings in {where}, which cannot be read from here"
            )
            return []
    if path.startswith(("http://", "https://")):
        gathering.say(value.place, f"an include brings in {path}, which cannot be read from here")
        return []
    if not path or "$" in path:
        gathering.say(
            value.place,
            f"the name of an included file is computed: {path}" if path else "an include that is not understood",
        )
        return []
    return _local(gathering, path.lstrip("/"), value.place, inputs)


def _local(gathering: Gathering, path: str, place: Place, inputs: Mapping[str, str]) -> list[Map]:
    paths = gathering.files.match(path) if "*" in path else [path]
    found = []
    for each in paths:
        gathering.included += 1
        if gathering.included > MAX_INCLUDES:
            gathering.say(place, f"more than {MAX_INCLUDES} files are included")
            break
        data = gathering.files.read(each)
        if data is None:
            gathering.say(place, f"the included file {each} cannot be read from here")
        else:
            found.append(load(gathering, gathering.files.shown(each), data, inputs))
    if not paths:
        gathering.say(place, f"no file here is included by {path}")
    return found


def merge(below: Map, above: Map) -> Map:
    """Two mappings as GitLab merges them: key by key where both are mappings, else the upper one wins."""
    result = Map(dict(below.entries), above.place, dict(below.keys))
    for name, item in above.items():
        under = result.entries.get(name)
        both = isinstance(under, Map) and isinstance(item, Map)
        result.entries[name] = merge(under, item) if both else item  # type: ignore[arg-type]  # both are mappings
        result.keys[name] = above.where(name)
    return result


class Jobs:
    """The jobs of a configuration by name, hidden ones too, with what they extend."""

    def __init__(self, gathering: Gathering, root: Map) -> None:
        self.gathering = gathering
        self.root = root
        self._done: dict[str, Map] = {}
        self._references = 0

    def resolved(self, name: str, depth: int = 0) -> Map | None:
        """A job with what it extends merged in."""
        if name in self._done:
            return self._done[name]
        job = self.root.map(name)
        if job is None:
            return None
        result = job
        for parent in reversed(texts(job.get("extends"))):
            above = self.resolved(parent.value, depth + 1) if depth < MAX_EXTENDS else None
            if above is None:
                self.gathering.say(parent.place, f"{name} extends {parent.value}, which is not here")
            else:
                result = merge(above, result)
        place = job.place
        self._done[name] = Map(result.entries, place, result.keys)
        return self._done[name]

    def referred(self, value: Value | None, depth: int = 0) -> Value | None:
        """A value with `!reference [job, key]` followed."""
        if not isinstance(value, List):
            return value
        if value.tag == "!reference":
            return self._reference(value, depth)
        items = []
        for item in value.items:
            followed = self.referred(item, depth)
            items += [followed] if followed is not None else []
        return List(items, value.place)

    def _reference(self, value: List, depth: int) -> Value | None:
        names = [each.value for each in texts(List(value.items, value.place))]
        found: Value | None = self.resolved(names[0]) or self.root.get(names[0]) if names else None
        for name in names[1:]:
            found = found.get(name) if isinstance(found, Map) else None
        self._references += 1
        if found is None or depth > MAX_EXTENDS or self._references > MAX_REFERENCES:
            self.gathering.say(value.place, f"!reference [{', '.join(names)}] names nothing that is here")
            return None
        return self.referred(found, depth + 1)
