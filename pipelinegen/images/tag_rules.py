"""One rule for tags in docker/metadata-action's words: what it comes to for a build, and for other git tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from pipelinegen.images.expressions import BadExpression, Used, Word, dated, expand, plain
from pipelinegen.images.versions import Version, semver

BRANCH = "refs/heads/"
TAG = "refs/tags/"
PULL = "refs/pull/"
SHORT_SHA = 7
_PRIORITIES = {"schedule": 1000, "semver": 900, "match": 800, "edge": 700, "ref": 600, "raw": 200, "sha": 100}
_BUILDS_OF = {"branch": "branch", "tag": "git tag", "pr": "pull request"}
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Event(NamedTuple):
    """What is built, as the rules see it: `ref` is refs/heads/main, refs/tags/v1.2.3 or refs/pull/12/merge."""

    ref: str = ""
    revision: str | None = None
    schedule: bool = False
    default_branch: str | None = None
    base_ref: str | None = None
    now: datetime = _UNKNOWN_TIME
    committed: datetime = _UNKNOWN_TIME

    @property
    def branch(self) -> str:
        return self.ref.removeprefix(BRANCH) if self.ref.startswith(BRANCH) else ""

    @property
    def tag(self) -> str:
        return self.ref.removeprefix(TAG) if self.ref.startswith(TAG) else ""

    @property
    def pull_request(self) -> str:
        return self.ref.removeprefix(PULL).removesuffix("/merge") if self.ref.startswith(PULL) else ""


class BadTagRule(ValueError):
    """A rule that cannot be followed, or comes to something that is no tag. `mend`: what to write instead."""

    def __init__(self, rule: str, reason: str, mend: str | None = None) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule
        self.reason = reason
        self.mend = mend


class Value(NamedTuple):
    """What a rule comes to, before prefix and suffix. `latest`: it is one that `latest` follows."""

    text: str
    fixed: bool
    version: Version | None = None
    latest: bool = False


class Flavor(NamedTuple):
    """What holds for all rules of an image. `latest` is auto, true or false; prefix and suffix go around what a rule
    gives that names none of its own, and around `latest` where they are said to."""

    latest: str = "auto"
    prefix: str = ""
    suffix: str = ""
    prefix_latest: bool = False
    suffix_latest: bool = False


NO_FLAVOR = Flavor()


def parse_flavor(texts: Iterable[str]) -> Flavor:
    """The flavor as the configuration has accepted it."""
    found: dict[str, Any] = {}
    for text in texts:
        given = _fields(text, "")
        on_latest = given.get("onlatest") == "true"
        found |= {key: value for key, value in given.items() if key in ("latest", "prefix", "suffix")}
        found |= {f"{key}_latest": on_latest for key in ("prefix", "suffix") if key in given}
    return Flavor(**found)


class Rule(NamedTuple):
    """One rule with its defaults in place."""

    text: str
    kind: str
    given: Mapping[str, str]

    @property
    def priority(self) -> int:
        return int(self.given.get("priority", _PRIORITIES[self.kind]))


def _fields(text: str, bare: str) -> dict[str, str]:
    """`a=1,"b=2,3",c` by CSV's rules; `c` is the value of the key `bare`."""
    from csv import reader

    fields = (field.partition("=") for field in next(reader([text]), []))
    return {
        key.strip().lower() if equals else bare: (value if equals else key).strip() for key, equals, value in fields
    }


def parse_rule(text: str, flavor: Flavor = NO_FLAVOR) -> Rule:
    """The rule as the configuration has accepted it; a text without `type=` is a raw one."""
    given = _fields(text, "value")
    kind = given.pop("type", "raw")
    if kind not in _PRIORITIES:
        raise BadTagRule(text, f"there is no type {kind}", f"use {', '.join(_PRIORITIES)}")
    # As in metadata-action, what a rule has by itself (sha-, pr-) counts as its own.
    named = {"prefix": flavor.prefix} if kind != "sha" and given.get("event") != "pr" else {}
    around = {key: value for key, value in {**named, "suffix": flavor.suffix}.items() if value}
    return Rule(text, kind, {**around, **given})


def _words(event: Event) -> dict[str, Word]:
    on_default = bool(event.branch) and event.branch == event.default_branch
    return {
        "branch": plain(event.branch),
        "tag": plain(event.tag),
        "sha": plain((event.revision or "")[:SHORT_SHA]),
        "base_ref": plain(event.base_ref or ""),
        "is_default_branch": plain(str(on_default or event.schedule).lower()),
        "is_not_default_branch": plain(str(not (on_default or event.schedule)).lower()),
        "date": dated(event.now),
        "commit_date": dated(event.committed),
    }


def _expanded(rule: Rule, key: str, event: Event) -> str:
    return _expand(rule, rule.given.get(key, ""), _words(event)).text


def _expand(rule: Rule, text: str, words: Mapping[str, Word]) -> Used:
    try:
        return expand(text, words)
    except BadExpression as error:
        raise BadTagRule(rule.text, error.reason) from None


def value_of(rule: Rule, event: Event) -> tuple[Value | None, str]:
    """What the rule comes to for the event, else why it comes to nothing."""
    enabled = _expanded(rule, "enable", event) if "enable" in rule.given else "true"
    if enabled not in {"true", "false"}:
        raise BadTagRule(rule.text, f"enable is true or false, and it came to {enabled!r}")
    if enabled == "false":
        return None, "it is not enabled here"
    return _KINDS[rule.kind](rule, event)


def _schedule(rule: Rule, event: Event) -> tuple[Value | None, str]:
    if not event.schedule:
        return None, "this run was not started by a schedule"
    pattern = rule.given.get("pattern") or "nightly"
    return Value(_expand(rule, pattern, _words(event)).text, fixed=False), ""


def _semver(rule: Rule, event: Event) -> tuple[Value | None, str]:
    given, note = _tag_or_value(rule, event)
    return (_version_value(rule, given), f"{given} is no version of semver.org") if given else (None, note)


def _version_value(rule: Rule, given: str) -> Value | None:
    """What a semver rule makes of a git tag; None where that is no version."""
    found = _searched(rule, rule.given.get("match", ""), given)
    # As in metadata-action, a pattern that is not found does not count.
    text = (found[min(1, found.re.groups)] if found else given).replace("/", "-")
    version = semver(text)
    if version is None:
        return None
    pattern = rule.given["pattern"]
    if version.prerelease and not re.fullmatch(r"\{\{\s*raw\s*\}\}", pattern):
        # As metadata-action does: 1.2 would stand for a version that is not released.
        pattern = "{{version}}"
    expanded = _expand(rule, pattern, _version_words(version, text))
    whole = expanded.words & {"version", "raw"} or expanded.words >= {"major", "minor", "patch"}
    return Value(expanded.text, fixed=bool(whole), version=version, latest=not version.prerelease)


def _version_words(version: Version, raw: str) -> dict[str, Word]:
    core = f"{version.major}.{version.minor}.{version.patch}"
    short = core + ("-" + ".".join(version.prerelease) if version.prerelease else "")
    return {
        "raw": plain(raw),
        "version": plain(short),
        "major": plain(str(version.major)),
        "minor": plain(str(version.minor)),
        "patch": plain(str(version.patch)),
        "prerelease": plain(".".join(version.prerelease)),
        "build": plain(".".join(version.build)),
    }


def _match(rule: Rule, event: Event) -> tuple[Value | None, str]:
    given, note = _tag_or_value(rule, event)
    return (_match_value(rule, given), f"the pattern is not found in {given}") if given else (None, note)


def _match_value(rule: Rule, given: str) -> Value | None:
    """What a match rule finds in a git tag. What is no whole version moves with the versions that it is found in."""
    found = _searched(rule, rule.given["pattern"], given)
    group = int(rule.given.get("group", "0"))
    if found is not None and group > found.re.groups:
        raise BadTagRule(rule.text, f"the pattern has no group {group}")
    text = found[group] if found is not None else None
    if not text:
        return None
    own = semver(text)
    version = own or _version_in(given)
    fixed = own is not None or text == given
    return Value(text, fixed=fixed, version=version, latest=version is not None and not version.prerelease)


def _searched(rule: Rule, written: str, given: str) -> re.Match[str] | None:
    """What a regular expression, perhaps with JavaScript's slashes and flags, finds."""
    slashes = re.fullmatch(r"/(.+)/([a-z]*)", written)
    flags = re.IGNORECASE if slashes and "i" in slashes[2] else 0
    try:
        return re.search(slashes[1] if slashes else written, given, flags) if written else None
    except re.error as error:
        raise BadTagRule(rule.text, f"this is not a regular expression: {error}") from None


def _version_in(git_tag: str) -> Version | None:
    """The version of v1.2.3, and of api-v1.2.3 and api/v1.2.3 as monorepos have them."""
    found = re.search(r"(?:^|[-/_@])(v?\d+\.\d+\.\d+(?:[-+].*)?)$", git_tag)
    return semver(found[1]) if found else None


def _tag_or_value(rule: Rule, event: Event) -> tuple[str, str]:
    if rule.given.get("value"):
        value = _expanded(rule, "value", event)
        return value, "its value came to nothing"
    return event.tag, "this is no build of a git tag"


def _ref(rule: Rule, event: Event) -> tuple[Value | None, str]:
    kind = rule.given.get("event")
    if kind == "tag" and event.tag:
        version = semver(event.tag)
        return Value(event.tag, True, version, latest=version is not None and not version.prerelease), ""
    if kind == "branch" and event.branch:
        return Value(event.branch, fixed=False), ""
    if kind == "pr" and event.pull_request:
        return Value(event.pull_request, fixed=False), ""
    return None, f"this is no build of a {_BUILDS_OF.get(kind or '', kind)}"


def _edge(rule: Rule, event: Event) -> tuple[Value | None, str]:
    """The tag of the newest commit of one branch."""
    branch = _expanded(rule, "branch", event) or event.default_branch
    if not event.branch or event.branch != branch:
        return None, f"this is no build of the branch {branch or 'that is the default one, which is not known'}"
    return Value("edge", fixed=False), ""


def _raw(rule: Rule, event: Event) -> tuple[Value | None, str]:
    value = _expand(rule, rule.given["value"], _words(event))
    return Value(value.text, fixed=_is_fixed(value.text, value.words)), "its value came to nothing"


def _is_fixed(text: str, words: frozenset[str]) -> bool:
    """Whether a tag in the user's own words names one content: 1.4.0 and build-42 do, latest, 1.4 and main do not."""
    if words:
        return bool(words & {"sha", "tag"})
    return re.search(r"\d", text) is not None and re.fullmatch(r"v?\d+(\.\d+)?", text) is None


def _sha(rule: Rule, event: Event) -> tuple[Value | None, str]:
    if not event.revision:
        return None, "the commit is not known, or the files here are not those of the commit"
    return Value(event.revision if rule.given.get("format") == "long" else event.revision[:SHORT_SHA], fixed=True), ""


_KINDS: Mapping[str, Callable[[Rule, Event], tuple[Value | None, str]]] = {
    "schedule": _schedule,
    "semver": _semver,
    "match": _match,
    "edge": _edge,
    "ref": _ref,
    "raw": _raw,
    "sha": _sha,
}


def affixes(rule: Rule, event: Event) -> tuple[str, str]:
    """Prefix and suffix, the rule's own or metadata-action's defaults."""
    defaults = {"sha": "sha-", "ref": "pr-" if rule.given.get("event") == "pr" else ""}
    prefix = _expanded(rule, "prefix", event) if "prefix" in rule.given else defaults.get(rule.kind, "")
    return prefix, _expanded(rule, "suffix", event)


def latest_name(flavor: Flavor, event: Event) -> str:
    """The tag `latest` of a flavor."""
    rule = Rule("flavor", "raw", {"prefix": flavor.prefix, "suffix": flavor.suffix})
    prefix, suffix = affixes(rule, event)
    return sanitised(f"{prefix if flavor.prefix_latest else ''}latest{suffix if flavor.suffix_latest else ''}")


def named(rule: Rule, event: Event, text: str) -> str:
    """The tag that a value becomes."""
    prefix, suffix = affixes(rule, event)
    return sanitised(f"{prefix}{text}{suffix}")


def sanitised(text: str) -> str:
    """As metadata-action does: what no tag can hold becomes one `-`."""
    return re.sub(r"[^a-zA-Z0-9._-]+", "-", text)


def value_of_tag(rule: Rule, given: str) -> Value | None:
    """What the rule would come to in the build of another git tag, of whose versions it is to know."""
    if rule.kind == "semver":
        match = rule.given.get("match", "")
        return _version_value(rule, given) if not match or _searched(rule, match, given) else None
    if rule.kind == "match":
        return _match_value(rule, given)
    version = semver(given)
    return Value(given, True, version) if version is not None else None
