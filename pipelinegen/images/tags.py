"""The tags of an image by docker/metadata-action's rules: which it gets, which never move, which is handed on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pipelinegen.images.reference import is_tag
from pipelinegen.images.tag_rules import (
    NO_FLAVOR,
    BadTagRule,
    Event,
    Flavor,
    Rule,
    Value,
    affixes,
    latest_name,
    named,
    parse_rule,
    value_of,
    value_of_tag,
)
from pipelinegen.images.versions import Version, reads_as_other, semver

TAG_MAX = 128
# What metadata-action does where no rule is given.
DEFAULT_RULES = ("type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr")


class Known(NamedTuple):
    """The versions that there are beside the one that is built: tags of git, tags of the registry."""

    git: tuple[str, ...] = ()
    registry: tuple[str, ...] = ()


NOTHING_KNOWN = Known()


class PlannedTag(NamedTuple):
    """A tag. `fixed`: it names this content for ever. `version`: it stands for the highest version of its kind."""

    name: str
    fixed: bool
    rule: str
    version: Version | None = None


class TagPlan(NamedTuple):
    """The tags in the order of the rules' priority, fixed ones and moving ones.

    version: what metadata-action calls the version, the first tag. notes: why a rule gave no tag.
    """

    tags: tuple[PlannedTag, ...]
    version: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def fixed(self) -> tuple[PlannedTag, ...]:
        return tuple(tag for tag in self.tags if tag.fixed)

    @property
    def moving(self) -> tuple[PlannedTag, ...]:
        return tuple(tag for tag in self.tags if not tag.fixed)

    @property
    def told(self) -> str | None:
        """The tag that is handed on to `bump`: the first that is fixed, else the first."""
        return next((tag.name for tag in (*self.fixed, *self.tags)), None)

    @property
    def asks_for_versions(self) -> bool:
        """Whether a tag is right only as long as no higher version is known."""
        return any(tag.version is not None and not tag.fixed for tag in self.tags)


def plan_tags(rules: Sequence[str], event: Event, known: Known = NOTHING_KNOWN, flavor: Flavor = NO_FLAVOR) -> TagPlan:
    """The tags that the rules give for an event. Raises BadTagRule.

    A tag that stands for a range of versions (1.2, latest) is given only where no higher stable version of that range
    is known.
    """
    tags: dict[str, PlannedTag] = {}
    notes: list[str] = []
    first: tuple[Rule, Value] | None = None
    parsed = [parse_rule(text, flavor) for text in rules or DEFAULT_RULES]
    for rule in sorted(parsed, key=lambda rule: -rule.priority):
        value, why_not = value_of(rule, event)
        name = named(rule, event, value.text) if value is not None and value.text else ""
        if value is None or not name:
            notes.append(f"{rule.text}: {why_not or 'it came to nothing'}")
            continue
        first = first or (rule, value)
        same = (other for other in _others(rule, event, known) if named(rule, event, other[1].text) == name)
        newer = _highest_above(value.version, same) if not value.fixed else ""
        if newer:
            notes.append(_stays(name, newer))
        else:
            _add(tags, _checked(PlannedTag(name, value.fixed, rule.text, value.version)))
    if first is not None and (first[1].latest if flavor.latest == "auto" else flavor.latest == "true"):
        name = latest_name(flavor, event)
        newer = _highest_above(first[1].version, _others(first[0], event, known))
        if newer:
            notes.append(_stays(name, newer))
        else:
            _add(tags, _checked(PlannedTag(name, False, first[0].text, first[1].version)))
    return _judged(TagPlan(tuple(tags.values()), next(iter(tags), None), tuple(notes)))


def _add(tags: dict[str, PlannedTag], tag: PlannedTag) -> None:
    """One tag of two rules is fixed where one of them says so."""
    known = tags.setdefault(tag.name, tag)
    tags[tag.name] = known._replace(fixed=known.fixed or tag.fixed)


def _stays(name: str, newer: str) -> str:
    return f"{name} stays where it is: {newer} is a higher version"


def _others(rule: Rule, event: Event, known: Known) -> Iterable[tuple[str, Value]]:
    """What the rule makes of the tags of git, and of those of the registry without its own prefix and suffix."""
    prefix, suffix = affixes(rule, event)
    bare = (
        name[len(prefix) : len(name) - len(suffix)]
        for name in known.registry
        if name.startswith(prefix) and name.endswith(suffix) and len(name) > len(prefix) + len(suffix)
    )
    for given in (*known.git, *(name for name in bare if semver(name) is not None)):
        value = value_of_tag(rule, given)
        if value is not None:
            yield given, value


def _highest_above(version: Version | None, others: Iterable[tuple[str, Value]]) -> str:
    """The tag of the highest stable version above this one; empty where there is none."""
    highest, name = version, ""
    for given, value in others:
        other = value.version
        if highest is not None and other is not None and not other.prerelease and other.precedence > highest.precedence:
            highest, name = other, given
    return name


def _checked(tag: PlannedTag) -> PlannedTag:
    if is_tag(tag.name):
        return tag
    if len(tag.name) > TAG_MAX:
        raise BadTagRule(tag.rule, f"{tag.name[:40]}… has {len(tag.name)} characters, and a tag at most {TAG_MAX}")
    raise BadTagRule(tag.rule, f"{tag.name} is not a tag: it begins with {tag.name[0]}", "add prefix=, for example v")


def _judged(plan: TagPlan) -> TagPlan:
    """The plan, unless a tag that a manifest may get reads as a number, a date or a truth value in YAML.

    A moving 1.2 beside a whole version goes through: it is the whole version that is handed on.
    """
    for tag in plan.tags:
        if reads_as_other(tag.name) and (tag.fixed or tag.version is None or tag.name == plan.told):
            raise BadTagRule(
                tag.rule,
                f"the tag {tag.name} would be read from YAML as something else than text",
                "leave the prefix sha- in place" if "sha" in tag.rule else "add prefix=v, or another letter",
            )
    return plan
