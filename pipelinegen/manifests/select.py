"""Which paths a command is about: gitignore patterns of options and environments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path matches one of the patterns (gitignore's syntax; a later `!pattern` takes out again)."""
    if all(_is_literal(pattern) for pattern in patterns):
        files = frozenset(map(_clean, patterns))
        folders = tuple(f"{name}/" for name in files)
        return lambda path: path in files or path.startswith(folders)
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(map(_clean, patterns))
    return lambda path: bool(spec.match_file(path))


def _is_literal(pattern: str) -> bool:
    """The whole path of a file or folder, which gitignore anchors because of its slash; worth no library."""
    return "/" in pattern.strip("/") and not pattern.endswith("/") and not any(char in pattern for char in "*?[]!#\\ ")


def _clean(pattern: str) -> str:
    """`./x.yaml` and `/apps/x.yaml` name the file from the root, as a shell would."""
    pattern = pattern.removeprefix("./")
    return pattern.removeprefix("/") if _is_literal(pattern) else pattern


def environment_of(environments: Mapping[str, Sequence[str]]) -> Callable[[str], str | None]:
    """The name of the environment that a path belongs to: the first, in the order given, whose patterns match."""
    matchers = [(name, matcher(patterns)) for name, patterns in environments.items()]

    def find(path: str) -> str | None:
        return next((name for name, matches in matchers if matches(path)), None)

    return find
