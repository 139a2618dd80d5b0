"""Which paths a command is about: gitignore patterns of options and environments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path matches one of the patterns (gitignore's syntax; a later `!pattern` takes out again)."""
    if all(_is_literal(pattern) for pattern in patterns):
        return _literals([_clean(pattern) for pattern in patterns])
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(map(_clean, patterns))
    return lambda path: bool(spec.match_file(path))


def _is_literal(pattern: str) -> bool:
    """The name or path of a file or folder without any of gitignore's marks; worth no library."""
    name = pattern.removeprefix("./").removeprefix("/")
    plain = not any(char in pattern for char in "*?[]!#\\ ") and not pattern.endswith("/")
    return plain and all(part not in {"", ".", ".."} for part in name.split("/"))


def _literals(patterns: Sequence[str]) -> Callable[[str], bool]:
    """gitignore's rule: with a slash the path from the root, without one the name at any depth; a folder as a whole."""
    anchored = tuple(pattern.removeprefix("/") for pattern in patterns if "/" in pattern)
    files, folders = frozenset(anchored), tuple(f"{name}/" for name in anchored)
    names = [f"/{pattern}/" for pattern in patterns if "/" not in pattern]

    def matches(path: str) -> bool:
        return path in files or path.startswith(folders) or any(name in f"/{path}/" for name in names)

    return matches


def _clean(pattern: str) -> str:
    """`./x.yaml` is what a shell completes, and anchors; gitignore itself knows no `./`."""
    return f"/{pattern[2:]}" if pattern.startswith("./") else pattern


def environment_of(environments: Mapping[str, Sequence[str]]) -> Callable[[str], str | None]:
    """The name of the environment that a path belongs to: the first, in the order given, whose patterns match."""
    matchers = [(name, matcher(patterns)) for name, patterns in environments.items()]

    def find(path: str) -> str | None:
        return next((name for name, matches in matchers if matches(path)), None)

    return find
