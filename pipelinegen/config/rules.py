"""The rules for single values of the configuration: each takes a text and says what is wrong with it, or None."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches

from pipelinegen.branches import ENVIRONMENT_MAX
from pipelinegen.config.source import shown
from pipelinegen.images.reference import InvalidReference, is_tag, normalise, parse

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
PLATFORM = r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?"
DURATION = r"(?:[0-9]{1,9}(?:ms|s|m|h))+"
HEADER = r"[0-9A-Za-z!#$%&'*+.^_`|~-]+"
CRON = r"(?:@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9A-Za-z*/,-]+(?: [0-9A-Za-z*/,-]+){4})"
_NAME_MAX = 63
_PATH_MAX = 4096
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

# HFS+ drops these from names, so that ".g\u200cit" is ".git" on such a disk (CVE-2014-9390).
_DROPPED_BY_HFS = "[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]"

_TAG_COMMON = ("type", "enable", "priority", "prefix", "suffix")
TAG_TYPES: Mapping[str, tuple[str, ...]] = {
    "schedule": ("pattern",),
    "semver": ("pattern", "value", "match"),
    "match": ("pattern", "group", "value"),
    "edge": ("branch",),
    "ref": ("event",),
    "raw": ("value",),
    "sha": ("format",),
}
_TAG_NEEDS = {"semver": "pattern", "match": "pattern", "ref": "event", "raw": "value"}
_TAG_WORDS = {"event": ("branch", "tag", "pr"), "format": ("short", "long")}


def suggestion(text: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """`, did you mean "x"?`, or the known words where none is near and they are few."""
    words = {re.sub(r"[-_ ]", "", word).lower(): word for word in known}
    wanted = re.sub(r"[-_ ]", "", text).lower()
    begun = [
        word
        for word in words
        if min(len(word), len(wanted)) > 2 and (word.startswith(wanted) or wanted.startswith(word))
    ]
    near = begun or get_close_matches(wanted, words, n=1)
    if near:
        return f', did you mean "{words[near[0]]}"?'
    return f": use {' or '.join(words.values())}" if 0 < len(words) < 9 else ""


def text_problem(text: str) -> str | None:
    if not text.isprintable():
        return "write one line without control characters"
    return None


def name_problem(name: str, longest: int = _NAME_MAX) -> str | None:
    if len(name) > longest:
        return f"a name is at most {longest} characters long"
    if re.fullmatch(NAME, name) is None:
        return f'"{shown(name)}" is not a name: letters, digits, and inside it also . _ -'
    return None


def environment_problem(name: str) -> str | None:
    """An environment is a part of the name of a branch, of a job and of an Argo CD Application."""
    problem = name_problem(name, ENVIRONMENT_MAX)
    if problem is None and (".." in name or name.endswith(".lock")):
        return "it becomes a part of a branch name, which does not hold .. and does not end with .lock"
    return problem


def project_problem(name: str) -> str | None:
    if len(name) > _NAME_MAX or re.fullmatch(LABEL, name) is None:
        return f"a project is named like a host: small letters, digits and inside it -, at most {_NAME_MAX} characters"
    return None


def variable_problem(name: str) -> str | None:
    if re.fullmatch(VARIABLE, name) is None:
        return f'"{shown(name)}" is not the name of a variable: letters, digits and _, no digit first'
    return None


def platform_problem(platform: str) -> str | None:
    if re.fullmatch(PLATFORM, platform) is None:
        return f'"{shown(platform)}" is not a platform: write it as linux/amd64 or linux/arm/v7'
    return None


def image_repository_problem(text: str) -> str | None:
    """A repository of images: a reference without tag and digest."""
    try:
        reference = parse(text)
    except InvalidReference as error:
        return f"this is not the repository of an image: {error.reason}"
    if normalise(text) is None:
        extra = "a tag" if reference.digest is None else "a digest"
        return f"a repository has no tag and no digest: leave {extra} out; what is pushed comes from `tags`"
    return None


def path_problem(path: str) -> str | None:
    """A path inside the repository: relative, and never into git's own folder."""
    if not path or not path.isprintable() or path.strip() != path:
        return "write a path without control characters and without blanks around it"
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", path):
        return "the path must be relative to the root of the repository: leave the first slash out"
    if len(path) > _PATH_MAX:
        return f"no path is longer than {_PATH_MAX} characters"
    components = path.split("/")
    if ".." in components:
        return "the path must stay inside the repository: it cannot hold .."
    for component in components:
        if re.sub(_DROPPED_BY_HFS, "", component).lower() in (".git", "git~1"):
            return "the path must not lead into git's own folder"
    return None


def pattern_problem(pattern: str) -> str | None:
    """A pattern in gitignore's syntax; what begins with `!` takes files out again."""
    if pattern.startswith("#"):
        return "gitignore takes a pattern that begins with # for a comment: write \\#"
    bare = pattern.removeprefix("!")
    if bare.rstrip("/") in (".", ""):
        return "this names the whole folder: write **"
    return path_problem(bare)


def duration_problem(text: str) -> str | None:
    if re.fullmatch(DURATION, text) is None:
        return f'"{shown(text)}" is not a duration: write it as 30s, 5m or 1h30m'
    if duration(text) > timedelta(days=7):
        return "a duration is at most 7 days"
    return None


def duration(text: str) -> timedelta:
    return timedelta(seconds=sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"([0-9]+)(ms|s|m|h)", text)))


def written_duration(value: timedelta) -> str:
    """The duration as the configuration has it: 30s, 5m, 1h30m."""
    rest = round(value.total_seconds() * 1000)
    text = ""
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        number, rest = divmod(rest, size)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def cron_problem(text: str) -> str | None:
    if re.fullmatch(CRON, text) is None:
        return f'"{shown(text)}" is not a cron schedule: five fields, as in "0 5 * * 1"'
    return None


def regex_problem(pattern: str) -> str | None:
    """Go's regular expressions, as container-structure-test's files have them."""
    from pipelinegen.images.regex import BadRegex, compile_go

    try:
        compile_go(pattern)
    except BadRegex as error:
        return f"this is not a regular expression: {shown(str(error))}"
    return None


def header_problem(name: str) -> str | None:
    if re.fullmatch(HEADER, name) is None:
        return f'"{shown(name)}" is not the name of a header'
    return None


def attributes(text: str, bare: str = "") -> dict[str, str]:
    """`a=1,"b=2,3",c` as buildx and metadata-action read it, by CSV's rules; `c` is the value of the key `bare`."""
    from csv import reader

    fields = (part.partition("=") for part in next(reader([text]), []))
    return dict((key.strip().lower(), value.strip()) if sign else (bare, key.strip()) for key, sign, value in fields)


def tag_rule_problem(rule: str) -> str | None:
    """A rule in docker/metadata-action's words; a rule without `type=` is a fixed tag."""
    if not rule.isprintable() or not rule.strip():
        return "write a rule, such as type=sha"
    if "=" not in rule:
        return None if is_tag(rule) else f'"{shown(rule)}" is neither a rule, such as type=sha, nor a tag'
    given = attributes(rule, bare="value")
    kind = given.get("type", "raw")
    if kind not in TAG_TYPES:
        return f'the tag rule type "{shown(kind)}" is not known{suggestion(kind, TAG_TYPES)}'
    known = (*TAG_TYPES[kind], *_TAG_COMMON)
    for key in given:
        if key not in known:
            return f'type={kind} has no "{shown(key)}"{suggestion(key, known)}'
    need = _TAG_NEEDS.get(kind)
    if need is not None and not given.get(need):
        return f"type={kind} needs {need}=…"
    return _tag_value_problem(given)


def _tag_value_problem(given: Mapping[str, str]) -> str | None:
    for key, words in _TAG_WORDS.items():
        if key in given and given[key] not in words:
            return f'"{shown(given[key])}" is no {key}{suggestion(given[key], words)}'
    for key in ("priority", "group"):
        if key in given and re.fullmatch(r"[0-9]{1,6}", given[key]) is None:
            return f"{key} is a whole number"
    return None


def flavor_problem(text: str) -> str | None:
    """What holds for all tags of an image, in docker/metadata-action's words."""
    if not text.isprintable() or "=" not in text:
        return "write it as latest=auto, latest=true, latest=false, prefix=TEXT or suffix=TEXT"
    given = attributes(text)
    known = ("latest", "prefix", "suffix", "onlatest")
    for key in given:
        if key not in known:
            return f'a flavor has no "{shown(key)}"{suggestion(key, known)}'
    if len(given.keys() - {"onlatest"}) != 1 or ("latest" in given and "onlatest" in given):
        return "write one of latest, prefix and suffix; onlatest=true stands behind prefix or suffix"
    for key, words in {"latest": ("auto", "true", "false"), "onlatest": ("true", "false")}.items():
        if key in given and given[key] not in words:
            return f'"{shown(given[key])}" is no value of {key}{suggestion(given[key], words)}'
    return None


def _typed(text: str, what: str, example: str) -> str | None:
    if not text.isprintable() or not attributes(text).get("type"):
        return f"write {what} as buildx spells it, such as {example}"
    return None


def cache_problem(text: str) -> str | None:
    """A cache as buildx takes it: attributes with a type, or just the reference of an image."""
    if "=" not in text:
        try:
            parse(text)
        except InvalidReference as error:
            return f"this is neither type=… nor the reference of an image: {error.reason}"
        return None
    return _typed(text, "a cache", "type=registry,ref=ghcr.io/acme/api:cache")


def attest_problem(text: str) -> str | None:
    return _typed(text, "an attestation", "type=sbom or type=provenance,mode=max")


def build_secret_problem(text: str) -> str | None:
    """A build secret names where its value comes from; the value itself never stands here."""
    given = attributes(text) if text.isprintable() else {}
    if not given.get("id") or "" in given:
        return "write a secret as buildx spells it: id=NAME,env=VARIABLE or id=NAME,src=FILE"
    known = ("id", "env", "src", "type")
    for key in given:
        if key not in known:
            return f'a secret has no "{shown(key)}"{suggestion(key, known)}'
    return None


def ssh_problem(text: str) -> str | None:
    if not text.isprintable() or re.fullmatch(rf"{NAME}(?:=\S+)?", text) is None:
        return "write ssh as buildx spells it: default, or NAME=SOCKET-OR-KEY-FILE"
    return None
