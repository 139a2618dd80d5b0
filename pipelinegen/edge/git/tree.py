"""The files of one commit in a bare repository: listed, searched and read without ever being checked out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from pipelinegen.edge.git.objects import Entry
from pipelinegen.errors import WorldError
from pipelinegen.manifests.tree import Unreadable

if TYPE_CHECKING:
    from pipelinegen.edge.git.remote import RemoteRepository

LARGEST_FILE = 5 * 1024 * 1024
KINDS = {"120000": "a symbolic link", "160000": "a submodule", "40000": "a folder"}


class GitTree:
    """One commit as the files that planning reads. With `known`, these files and no others."""

    def __init__(self, remote: RemoteRepository, commit: str, known: frozenset[str] | None = None) -> None:
        self.remote = remote
        self.commit = commit
        self.known = known
        self._listed: list[str] | None = None
        self._oddities: dict[str, str] | None = None
        self._entries: dict[str, Entry | None] = {}

    def paths(self) -> Sequence[str]:
        """All regular files, sorted."""
        if self._listed is None:
            self._list()
        return self._listed or []

    def oddities(self) -> dict[str, str]:
        """What is in the tree and is no regular file, with the word for it."""
        if self._oddities is None:
            self._list()
        return self._oddities or {}

    def _list(self) -> None:
        if self.known is not None:
            found = {path: entry for path in sorted(self.known) if (entry := self.entry(path)) is not None}
            self._listed = [path for path, entry in found.items() if entry.is_regular]
            self._oddities = {path: _kind(entry.mode) for path, entry in found.items() if not entry.is_regular}
            return
        done = self.remote.local("ls-tree", "-r", "-z", "--full-tree", self.commit)
        lines = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
        regular = ("100644 ", "100755 ")
        self._listed = sorted(line.partition("\t")[2] for line in lines if line.startswith(regular))
        odd = (line.partition("\t") for line in lines if not line.startswith(regular))
        self._oddities = {path: _kind(facts.split(" ", 1)[0]) for facts, _, path in odd}

    def entry(self, path: str) -> Entry | None:
        """Mode and object of a path; None where nothing is. Links are not followed."""
        if self.known is not None and path not in self.known:
            return None  # the folders above it were not fetched
        if path not in self._entries:
            self._entries[path] = self._look_up(path)
        return self._entries[path]

    def _look_up(self, path: str) -> Entry | None:
        objects = self.remote.objects
        found: Entry | None = Entry("40000", objects.commit(self.commit).tree)
        for name in path.split("/"):
            if found is None or not found.is_folder:
                return None
            found = objects.tree(found.id).get(name)
        return found

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        """For each group, the sorted paths of the files that hold one of its words; looked for when it is asked for."""
        return _Found(self, groups)

    def search_one(self, words: Sequence[bytes]) -> list[str]:
        if not words:
            return []
        if self.known is not None:
            return [path for path in self.paths() if any(word in self._readable(path) for word in words)]
        # git looks for what is on one line; a word with a line break (the name of a file) is looked for by its longest.
        lines = (max(word.split(b"\n"), key=len) for word in words)
        patterns = [argument for line in lines if line for argument in ("-e", os.fsdecode(line))]
        if not patterns:
            return []
        # One thread: reading objects takes a lock, and more threads only wait for each other (measured 1.8 times cpu).
        args = ["grep", "--threads=1", "-lzF", *patterns, self.commit]
        done = self.remote.local(*args, may_fail=True)
        if done.returncode > 1 or done.returncode < 0:
            raise WorldError(
                "git grep failed",
                id="git-failed",
                where=self.remote.address.url,
                details=done.stderr.decode("utf-8", "replace").splitlines()[:10],
            )
        names = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
        return sorted(name.removeprefix(f"{self.commit}:") for name in names)

    def _readable(self, path: str) -> bytes:
        try:
            return self.read(path)
        except Unreadable:
            return b""

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises KeyError if it is not there, Unreadable if it must not be read."""
        entry = self.entry(path)
        if entry is None:
            raise KeyError(path)
        if not entry.is_regular:
            raise Unreadable(_kind(entry.mode))
        if self.remote.objects.size(entry.id) > LARGEST_FILE:
            raise Unreadable(f"larger than {LARGEST_FILE // (1024 * 1024)} MiB")
        return self.remote.objects.contents(entry.id)


class _Found(Sequence[Sequence[str]]):
    """The answers of a search, each found when it is first looked at."""

    def __init__(self, tree: GitTree, groups: Sequence[Sequence[bytes]]) -> None:
        self._tree = tree
        self._groups = groups
        self._answers: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._groups)

    @overload
    def __getitem__(self, index: int) -> Sequence[str]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[str]]: ...
    def __getitem__(self, index: int | slice) -> Sequence[str] | Sequence[Sequence[str]]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        if position not in self._answers:
            self._answers[position] = self._tree.search_one(self._groups[position])
        return self._answers[position]

    def __iter__(self) -> Iterator[Sequence[str]]:
        return (self[position] for position in range(len(self)))


def _kind(mode: str) -> str:
    return KINDS.get(mode, f"a file of the unusual mode {mode}")
