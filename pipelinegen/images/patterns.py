"""Patterns of paths as Docker has them: .dockerignore (moby/patternmatcher), and COPY's wildcards (Go's path.Match)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pipelinegen.images.words import is_space

_ANY, _ANY_DEEP = "*", "**"


class BadPattern(ValueError):
    """A pattern that means nothing. `line` is its line in the file, 0 where it is from no file."""

    def __init__(self, pattern: str, line: int = 0) -> None:
        super().__init__(pattern)
        self.pattern = pattern
        self.line = line


class Rule(NamedTuple):
    """One pattern: whether it takes paths back in (`!`), and how it is told whether it fits."""

    takes_back: bool
    fits: Callable[[str], bool]


class Ignored:
    """What a list of patterns leaves out. One that fits a folder fits what is in it; the last one that fits wins."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self.takes_back = any(rule.takes_back for rule in rules)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def __contains__(self, path: str) -> bool:
        """Whether a path, from the root of the context and with slashes, is left out."""
        out = False
        ways = _ways(path)
        for rule in self._rules:
            # A pattern that would change nothing is not looked at.
            if rule.takes_back == out and any(map(rule.fits, ways)):
                out = not rule.takes_back
        return out


def read_ignore(text: str) -> Ignored:
    """The patterns of a .dockerignore. Raises BadPattern."""
    rules = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        # Only in the first column is # a comment; blanks around a pattern are not part of it.
        pattern = _strip(line)
        if line.startswith("#") or not pattern:
            continue
        takes_back = pattern.startswith("!")
        path = _strip(pattern[1:]) if takes_back else pattern
        if not path:
            raise BadPattern(pattern, number)
        cleaned = clean(path)
        try:
            rules.append(_rule(cleaned.removeprefix("/") or cleaned, takes_back))
        except BadPattern:
            raise BadPattern(pattern, number) from None
    return Ignored(rules)


def ignoring(patterns: Iterable[str]) -> Ignored:
    """The patterns of COPY --exclude. Raises BadPattern."""
    rules = []
    for each in filter(None, map(_strip, patterns)):
        pattern = clean(each)
        takes_back = pattern.startswith("!")
        if pattern == "!":
            raise BadPattern(pattern)
        rules.append(_rule(pattern[takes_back:], takes_back))
    return Ignored(rules)


def wildcard(pattern: str) -> re.Pattern[str]:
    """The expression that fits whole paths as Go's path.Match: no wildcard fits a slash. Raises BadPattern."""
    parts = ["[^/]*" if part == _ANY else part for part in _parts(pattern, deep=False)]
    return re.compile("".join(parts), re.DOTALL)


def has_wildcard(path: str) -> bool:
    """Whether a path holds a wildcard that is not escaped."""
    at = 0
    while at < len(path):
        if path[at] in "*?[":
            return True
        at += 2 if path[at] == "\\" else 1
    return False


def clean(path: str) -> str:
    """Go's path.Clean: no empty parts, no dots, `..` taken back where something is before it."""
    done: list[str] = []
    rooted = path.startswith("/")
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and (rooted or (done and done[-1] != "..")):
            if done:
                done.pop()
            continue
        done.append(part)
    return ("/" if rooted else "") + "/".join(done) or "."


def _rule(pattern: str, takes_back: bool) -> Rule:
    wildcard(pattern)  # for what is no pattern
    parts = _parts(pattern, deep=True)
    first, last = (parts[0], parts[-1]) if parts else ("", "")
    others = [part for at, part in enumerate(parts) if not _is_plain(part) and at not in (0, len(parts) - 1)]
    if all(map(_is_plain, parts)) and "\\" not in pattern:
        return Rule(takes_back, pattern.__eq__)
    if first == _ANY_DEEP and not others and (len(parts) == 1 or _is_plain(last)) and "\\" not in pattern:
        return Rule(takes_back, _ends_with(pattern[2:]))
    if last == _ANY_DEEP and not others and _is_plain(first) and "\\" not in pattern:
        # Like gitignore's: what is in the folder, not the folder.
        return Rule(
            takes_back, _begins_with(pattern.removesuffix("/**") + "/" if pattern.endswith("/**") else pattern[:-2])
        )
    return Rule(takes_back, _expression(parts))


def _ends_with(end: str) -> Callable[[str], bool]:
    return lambda path: path.endswith(end) or (end.startswith("/") and path == end[1:])


def _begins_with(start: str) -> Callable[[str], bool]:
    return lambda path: path.startswith(start)


def _expression(parts: Sequence[str]) -> Callable[[str], bool]:
    written = []
    for at, part in enumerate(parts):
        if part == _ANY:
            written.append("[^/]*")
        elif part == _ANY_DEEP:
            written.append(".*" if at == len(parts) - 1 else "(?:.*/)?")
        else:
            written.append(part)
    fits = re.compile("".join(written)).fullmatch
    return lambda path: fits(path) is not None


def _is_plain(part: str) -> bool:
    return part not in (_ANY, _ANY_DEEP) and part != "[^/]" and not part.startswith("[")


def _parts(pattern: str, *, deep: bool) -> list[str]:
    """An expression for each character, but stars are left as they are; with `deep`, ** is one, and its slash too."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            if deep and pattern[at : at + 1] == "*":
                at += 2 if pattern[at + 1 : at + 2] == "/" else 1
                parts.append(_ANY_DEEP)
            else:
                parts.append(_ANY)
        elif char == "?":
            parts.append("[^/]")
        elif char == "[":
            written, at = _class(pattern, at)
            parts.append(written)
        elif char == "\\":
            if at == len(pattern):
                raise BadPattern(pattern)
            parts.append(re.escape(pattern[at]))
            at += 1
        else:
            parts.append(re.escape(char))
    return parts


def _class(pattern: str, at: int) -> tuple[str, int]:
    """[a-z], [^a-z]: the expression, and where it ends. It fits no slash but one that it names."""
    negated = pattern.startswith("^", at)
    at += negated
    written = ""
    while not (pattern.startswith("]", at) and written):
        low, at = _member(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _member(pattern, at + 1)
        if low > high:
            raise BadPattern(pattern)
        written += f"{re.escape(low)}-{re.escape(high)}"
    return f"[{'^' if negated else ''}{written}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    char = pattern[at : at + 1]
    if char in ("", "-", "]"):
        raise BadPattern(pattern)
    if char == "\\":
        at += 1
        char = pattern[at : at + 1]
    if not char or at + 1 >= len(pattern):
        raise BadPattern(pattern)
    return char, at + 1


def _ways(path: str) -> list[str]:
    """A path and the folders above it."""
    ways = [path]
    while "/" in path:
        path = path.rpartition("/")[0]
        ways.append(path)
    return ways


def _strip(text: str) -> str:
    start, end = 0, len(text)
    while start < end and is_space(text[start]):
        start += 1
    while end > start and is_space(text[end - 1]):
        end -= 1
    return text[start:end]
