"""Names of images that are close to one that occurs nowhere: for the message of a typo."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from pipelinegen.images.reference import normalise, split
from pipelinegen.manifests.request import name_in_files
from pipelinegen.manifests.tree import Tree, Unreadable

_NAMES = re.compile(rb"""(?:image|repository|newName|name)["']?[ \t]*[:=][ \t]*["']?([^\s"'#,}{]+)""", re.IGNORECASE)
_FILES = 20_000


class Near(NamedTuple):
    """A name that a manifest holds, as written, and the place of its first occurrence."""

    name: str
    file: str
    line: int


def nearest(tree: Tree, repository: str, candidate: Callable[[str], bool], limit: int = 3) -> list[Near]:
    """The names in the manifests that are most like `repository`, best first."""
    from difflib import SequenceMatcher

    wanted = name_in_files(repository)
    found: dict[str, Near] = {}
    for path in [path for path in tree.paths() if candidate(path)][:_FILES]:
        for near in _names_in(tree, path):
            found.setdefault(normalise(near.name) or near.name, near)
    found.pop(repository, None)
    rated = [(SequenceMatcher(None, wanted, name_in_files(name)).ratio(), near) for name, near in found.items()]
    good = sorted((item for item in rated if item[0] >= 0.7), key=lambda item: (-item[0], item[1]))
    return [near for _, near in good[:limit]]


def _names_in(tree: Tree, path: str) -> list[Near]:
    try:
        data = tree.read(path)
    except (KeyError, Unreadable):
        return []
    found = []
    for match in _NAMES.finditer(data):
        parts = split(match[1].decode(errors="replace"))
        if parts and normalise(parts[0]):
            found.append(Near(parts[0], path, data.count(b"\n", 0, match.start()) + 1))
    return found
