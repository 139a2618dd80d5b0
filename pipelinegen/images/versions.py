"""What a tag says beyond its name: what YAML readers would take it for, and its place in the order of semver."""

from __future__ import annotations

import re
from typing import NamedTuple

# The patterns are compiled when first used: most runs of `bump` ask about a handful of tags, some about none.
# A scalar that is a tag, a digest or TAG@DIGEST needs no quotes for its characters.
_PLAIN = r"\w[\w.-]*(?:@\w+:[0-9a-f]+)?|[a-z]\w*:[0-9a-f]{32,}"

# The union of what readers resolve. Underscores: go-yaml (kubectl, Helm, kustomize) drops them wherever they stand
# before it looks at a number, and lets a sign follow "0b" and "0o"; PyYAML takes "0x_" for a number and fails on it.
# Decimal: YAML 1.1 wants a dot before an exponent, 1.2 does not, and npm's yaml in its 1.1 mode matches an exponent
# alone ("e1") and yields NaN.
_NUMBER = (
    r"0_*[xX][0-9a-fA-F_]+|0_*[oO]_*-?[0-7_]+|0_*[bB]_*-?[01_]+"
    r"|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE]_*-?_*[0-9][0-9_]*)?"
    r"|[eE]-?[0-9]+"
)
# go-yaml v3 and YAML 1.1 take months and days of one digit; a time of day needs colons, so no tag has one.
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_WORDS = frozenset(
    form
    for word in ("true", "false", "yes", "no", "on", "off", "y", "n", "null")
    for form in (word, word.capitalize(), word.upper())
)

_SEMVER_MAX = 255
_NUMERIC = r"(0|[1-9]\d*)"
_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = (
    rf"v?{_NUMERIC}\.{_NUMERIC}\.{_NUMERIC}"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)


def reads_as_other(tag: str) -> bool:
    """Must a plain YAML scalar of this tag be quoted, because some common reader takes it for something else?

    Asking one reader is not enough: go-yaml, PyYAML, ruamel.yaml and the npm libraries differ from each other.
    A text that is neither a tag nor a digest nor TAG@DIGEST is always to be quoted.
    """
    if tag in _WORDS or re.fullmatch(_PLAIN, tag, re.ASCII) is None:
        return True
    return re.fullmatch(f"{_NUMBER}|{_DATE}", tag, re.ASCII) is not None


class Version(NamedTuple):
    """A semantic version. Compare `precedence`: the order of the fields is not the order of versions."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: tuple[str, ...] = ()

    @property
    def precedence(self) -> tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]]:
        """Semver 2.0, rule 11: numbers below words, a release above its pre-releases, build metadata left out."""
        identifiers = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.prerelease)
        return self.major, self.minor, self.patch, not self.prerelease, identifiers


def semver(tag: str) -> Version | None:
    """The version that a tag is by semver 2.0, with or without one leading `v`; a longer text than a tag is none."""
    if len(tag) > _SEMVER_MAX:
        return None
    match = re.fullmatch(_SEMVER, tag, re.ASCII)
    if match is None:
        return None
    major, minor, patch, prerelease, build = match.groups()
    return Version(int(major), int(minor), int(patch), _identifiers(prerelease), _identifiers(build))


def is_lower(new: str, present: str) -> bool | None:
    """Would `new` be a downgrade from `present`? None when either is not a semantic version."""
    after, before = semver(new), semver(present)
    if after is None or before is None:
        return None
    return after.precedence < before.precedence


def _identifiers(dotted: str | None) -> tuple[str, ...]:
    return tuple(dotted.split(".")) if dotted else ()
