"""Patterns of gitignore as GitHub's path filters, which look alike and mean something else."""

from __future__ import annotations

from collections.abc import Iterable


def path_filters(patterns: Iterable[str]) -> tuple[str, ...]:
    """The same files, or a few more where GitHub has no word for it; none for none."""
    filters = [each for pattern in patterns for each in _filters(pattern)]
    # GitHub refuses a list that only takes files out.
    return tuple(["**", *filters] if filters and filters[0].startswith("!") else filters)


def _filters(pattern: str) -> tuple[str, ...]:
    out, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    anchored = "/" in body.rstrip("/")
    rest = _words(body.strip("/"))
    start = rest if anchored else f"**/{rest}"
    if body.endswith("/**") or rest == "**":
        return (f"{out}{start}",)
    if body.endswith("/"):
        return (f"{out}{start}/**",)
    # A pattern of gitignore names a file, or a folder with all that is in it.
    return (f"{out}{start}", f"{out}{start}/**")


def _words(body: str) -> str:
    """GitHub reads `?` and `+` as a count of the character before them."""
    return body.replace("?", "*").replace("+", "\\+")
