"""One job of GitLab: its script, image, environment, approvals, tokens and variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelinegen.pipelines.read import names
from pipelinegen.pipelines.read.gitlab.merging import Gathering, Jobs
from pipelinegen.pipelines.read.gitlab.variables import grants_of_script, grants_of_settings, settings_of
from pipelinegen.pipelines.read.tree import List, Map, Text, Value, texts
from pipelinegen.pipelines.reading import Approval, Foreign, Grant, Job, Line, Named, Place, Setting, Step
from pipelinegen.pipelines.shell.unwrap import VARIABLE_WHOLE

_PARTS = ("before_script", "script", "after_script")
_NO_DELIVERY = frozenset({"verify", "prepare", "access"})


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a file says for all its jobs."""

    values: Map
    variables: tuple[Setting, ...]
    grants: tuple[Grant, ...]

    def for_job(self, job: Map) -> Defaults:
        """What is left of it under the job's `inherit:`."""
        inherit = job.map("inherit")
        if inherit is None:
            return self
        values, variables, grants = self.values, self.variables, self.grants
        kept = inherit.get("default")
        if isinstance(kept, Text) and kept.value == "false":
            values = Map({}, values.place)
        elif isinstance(kept, List):
            wanted = {each.value for each in texts(kept)}
            values = Map({k: v for k, v in values.items() if k in wanted}, values.place)
        named = inherit.get("variables")
        if named is not None:
            wanted = {each.value for each in texts(named)} if isinstance(named, List) else set()
            everything = isinstance(named, Text) and named.value != "false"
            variables = tuple(each for each in variables if everything or each.name in wanted)
            grants = tuple(each for each in grants if everything or each.holder in wanted)
        return Defaults(values, variables, grants)


def job_of(
    gathering: Gathering, jobs: Jobs, name: str, job: Map, place: Place, defaults: Defaults, caller: str = ""
) -> list[Job]:
    """The job as the pipeline runs it; none where its rules never let it run."""
    if not any(
        key in job.entries for key in ("script", "trigger", "run", "before_script", "extends", "needs", "stage")
    ):
        return []
    rules = jobs.referred(job.get("rules"))
    if _never(job, rules):
        return []
    if "run" in job.entries:
        gathering.say(job.where("run"), f"the steps under `run:` of {name} are not read")
    defaults = defaults.for_job(job)
    variables = settings_of(job.map("variables"))
    declared = {each.name: each.value for each in (*defaults.variables, *variables)}
    declared |= dict.fromkeys(_matrix(job), "?")
    declared |= dict.fromkeys(_of_rules(rules), "?")
    grants = (*defaults.grants, *grants_of_settings(variables, declared, "job"), *_tokens(job))
    named = {each.holder for each in grants if each.via in {"id_tokens", "secrets"}}
    declared |= dict.fromkeys(named, "?")
    steps = _steps(gathering, jobs, job, defaults, declared)
    environments = tuple(_environments(gathering, job, declared))
    return [
        Job(
            f"{caller}/{name}" if caller else name,
            place,
            title=name,
            stage=job.text("stage") or "test",
            needs=tuple(_needs(job)),
            environments=environments,
            approvals=tuple(_approvals(job, rules)),
            images=tuple(_images(jobs, job, defaults, declared)),
            runner=", ".join(each.value for each in texts(job.get("tags"))),
            variables=(*defaults.variables, *variables),
            grants=grants,
            steps=steps,
            condition=_condition(job, rules),
            lock=job.text("resource_group"),
            matrix="parallel" in job.entries,
            caller=caller,
        )
    ]


def _rules(rules: Value | None) -> list[Map]:
    flat: list[Map] = []
    for item in rules.items if isinstance(rules, List) else ():
        flat += [item] if isinstance(item, Map) else _rules(item)
    return flat


def _never(job: Map, rules: Value | None) -> bool:
    several = _rules(rules)
    never = bool(several) and all(rule.text("when") == "never" for rule in several)
    return never or job.text("when") == "never"


def _of_rules(rules: Value | None) -> list[str]:
    """Variables that a rule sets."""
    return [name for rule in _rules(rules) for name, _ in (rule.map("variables") or Map({}, rule.place)).items()]


def _condition(job: Map, rules: Value | None) -> str:
    words = [rule.text("if") for rule in _rules(rules) if rule.text("when") != "never"]
    only = job.get("only")
    words += [each.value for each in texts(only.get("refs") if isinstance(only, Map) else only)]
    return "; ".join(word for word in words if word)


def _approvals(job: Map, rules: Value | None) -> list[Approval]:
    if job.text("when") == "manual":
        return [Approval("manual", job.where("when"))]
    return [Approval("manual", rule.where("when")) for rule in _rules(rules) if rule.text("when") == "manual"][:1]


def _needs(job: Map) -> list[str]:
    value = job.get("needs")
    found = []
    for item in value.items if isinstance(value, List) else ():
        if isinstance(item, Text):
            found.append(item.value)
        elif isinstance(item, Map) and "job" in item.entries and "project" not in item.entries:
            found.append(item.text("job"))
    return found


def _tokens(job: Map) -> list[Grant]:
    """Tokens that GitLab signs for the job, and secrets that it fetches for it."""
    found = []
    tokens = job.map("id_tokens")
    for name, _ in tokens.items() if tokens is not None else ():
        found.append(Grant(name, "oidc", tokens.where(name) if tokens else job.place, "job", "id_tokens", name, "oidc"))
    secrets = job.map("secrets")
    for name, _ in secrets.items() if secrets is not None else ():
        found.append(Grant(name, "job", secrets.where(name) if secrets else job.place, "job", "secrets", name))
    return found


def _images(jobs: Jobs, job: Map, defaults: Defaults, declared: Mapping[str, str]) -> list[Foreign]:
    found = []
    value = jobs.referred(job.get("image") or defaults.values.get("image"))
    services = jobs.referred(job.get("services") or defaults.values.get("services"))
    for each in [value, *(services.items if isinstance(services, List) else [])]:
        name = each if isinstance(each, Text) else each.get("name") if isinstance(each, Map) else None
        if isinstance(name, Text) and name.value:
            found.append(names.image(filled(name.value, declared), name.place))
    return found


def filled(text: str, declared: Mapping[str, str]) -> str:
    """The text with the variables that the file gives a value."""

    def value(match: re.Match[str]) -> str:
        found = declared.get(match[1] or match[2] or match[3], "")
        return match[0] if found in {"", "?"} else found

    for _ in range(4):
        new = VARIABLE_WHOLE.sub(value, text)
        if new == text:
            break
        text = new
    return text


def _steps(
    gathering: Gathering, jobs: Jobs, job: Map, defaults: Defaults, declared: Mapping[str, str]
) -> tuple[Step, ...]:
    found = []
    before: list[Line] = []
    for part in _PARTS:
        value = jobs.referred(job.get(part) if part in job.entries else defaults.values.get(part))
        lines = [line for text in texts(value) for line in text.lines()]
        for each in _mappings(value):
            gathering.say(each.place, "this is a mapping and no command: a text with a colon and a blank needs quotes")
        if not lines:
            continue
        # What before_script sets, the script still has; after_script is a shell of its own.
        shared = [*before, *lines] if part == "script" else lines
        if part == "before_script":
            before = lines
        wanted = {line.place for line in lines}
        grants = tuple(g for g in grants_of_script(shared, declared, "job") if g.place in wanted)
        found.append(Step(part, lines[0].place, "run", script=tuple(lines), grants=grants))
    return tuple(found)


def _mappings(value: Value | None) -> list[Map]:
    """What stands in a script and is no text."""
    if isinstance(value, Map):
        return [value]
    return [each for item in value.items for each in _mappings(item)] if isinstance(value, List) else []


def _matrix(job: Map) -> dict[str, list[str]]:
    parallel = job.map("parallel")
    matrix = parallel.get("matrix") if parallel is not None else None
    found: dict[str, list[str]] = {}
    for item in matrix.items if isinstance(matrix, List) else ():
        for name, value in item.items() if isinstance(item, Map) else ():
            found.setdefault(name, []).extend(each.value for each in texts(value))
    return found


def _environments(gathering: Gathering, job: Map, declared: Mapping[str, str]) -> list[Named]:
    value = job.get("environment")
    url, action = "", "start"
    if isinstance(value, Map):
        url, action = value.text("url"), value.text("action") or "start"
        value = value.get("name")
    if not isinstance(value, Text) or not value.value or action in _NO_DELIVERY:
        return []
    found = []
    for name in _spread(filled(value.value, declared), _matrix(job)):
        if re.fullmatch(r"\$\{?\w+\}?", name):
            gathering.say(value.place, f"the name of the environment is computed: {name}")
        found.append(Named(name, value.place, "$" in name, url, action == "stop"))
    return found


def _spread(name: str, matrix: Mapping[str, list[str]]) -> list[str]:
    match = next((m for m in VARIABLE_WHOLE.finditer(name) if (m[2] or m[3]) in matrix), None)
    if match is None:
        return [name]
    values = matrix[match[2] or match[3]]
    return [each for value in values for each in _spread(name.replace(match[0], value), matrix)]
