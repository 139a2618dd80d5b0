"""The one question planning asks of the world: the files of one state of a manifest repository."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Unreadable(Exception):
    """A file that is there and is not to be read: a link, a submodule, too big. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Tree(Protocol):
    """A work tree, a commit in a bare repository, or a dictionary in a test.

    Paths are relative to the root, with `/`. Only regular files that git tracks (outside git: all regular files)
    are listed; links, submodules and ignored files are not.
    """

    def paths(self) -> Sequence[str]:
        """All files, sorted."""
        ...

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        """For each group of words, the sorted paths of the files that hold one of them.

        A tree may answer a later group only when it is asked for (the result is then a lazy sequence).
        """
        ...

    def read(self, path: str) -> bytes:
        """The bytes of a listed file. Raises KeyError if it is not there, Unreadable if it must not be read."""
        ...
