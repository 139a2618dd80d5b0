"""Earlier states of a branch: its commits along first parents, and single files of them, fetched as they are needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from pipelinegen.edge.git.history import Commit, commits_between, first_parents
from pipelinegen.edge.git.objects import Entry
from pipelinegen.edge.git.remote import RemoteRepository
from pipelinegen.edge.git.tree import LARGEST_FILE

# The rest of each way from one folder to a file below it.
_Ways = frozenset[tuple[str, ...]]


class Past:
    """The past of the branch that a repository reads. Where the server filters, no file is fetched that is not read."""

    def __init__(self, remote: RemoteRepository) -> None:
        self.remote = remote
        remote.open(treeless=True)

    def line(self, limit: int) -> list[Commit]:
        """The newest commits along first parents, newest first."""
        return first_parents(self.remote, limit)

    def known(self) -> list[Commit]:
        """All commits that were fetched so far, those of merged branches among them."""
        return commits_between(self.remote, self.remote.tip)

    def since(self, commit: str) -> list[Commit]:
        """The commits along first parents that a commit does not have in its own history."""
        return commits_between(self.remote, self.remote.tip, commit, first_parent=True)

    def merged_by(self, commit: Commit) -> list[Commit]:
        """The commits that a merge brought in; none for a commit that is no merge."""
        if len(commit.parents) < 2:
            return []
        brought = commits_between(self.remote, commit.id, commit.parents[0])
        return [each for each in brought if each.id != commit.id]

    def files(self, trees: Sequence[str], paths: Collection[str]) -> list[dict[str, str]]:
        """For each tree, those of the paths that are regular files in it, and the object of each."""
        ways = frozenset(tuple(path.split("/")) for path in paths)
        if self.remote.filtered:
            self._bring_folders(trees, ways)
        known: dict[tuple[str, _Ways], dict[str, str]] = {}
        return [self._entries(tree, ways, known) for tree in trees]

    def _bring_folders(self, trees: Iterable[str], ways: _Ways) -> None:
        """Fetch the folders on the ways of all trees, one request for each level."""
        level: dict[str, _Ways] = dict.fromkeys(trees, ways)
        while level:
            self.remote.fetch_missing(level)
            below: dict[str, _Ways] = {}
            for folder, rests in level.items():
                for _, entry, behind in _steps(self.remote.objects.tree(folder), rests):
                    if entry.is_folder:
                        below[entry.id] = below.get(entry.id, frozenset()) | behind
            level = below

    def _entries(self, folder: str, ways: _Ways, known: dict[tuple[str, _Ways], dict[str, str]]) -> dict[str, str]:
        """The files on the ways below a folder; most folders are the same in most trees, and are walked once."""
        if (folder, ways) not in known:
            found: dict[str, str] = {}
            for name, entry, behind in _steps(self.remote.objects.tree(folder), ways):
                if entry.is_folder:
                    below = self._entries(entry.id, behind, known)
                    found.update((f"{name}/{path}", each) for path, each in below.items())
                elif entry.is_regular and () in behind:
                    found[name] = entry.id
            known[folder, ways] = found
        return known[folder, ways]

    def contents(self, objects: Iterable[str]) -> dict[str, bytes]:
        """The bytes of files by object; those beyond the limit are left out."""
        wanted = list(dict.fromkeys(objects))
        if self.remote.filtered:
            self.remote.fetch_missing(wanted)
        return {each: self.remote.objects.contents(each) for each in wanted if self._is_readable(each)}

    def _is_readable(self, name: str) -> bool:
        return self.remote.objects.size(name) <= LARGEST_FILE

    def changed_paths(self, before: str | None, after: str) -> list[str]:
        """The paths at which two trees differ (None: a tree of nothing), sorted."""
        found: list[str] = []
        level: list[tuple[str, str | None, str | None]] = [("", before, after)]
        while level:
            if self.remote.filtered:
                self.remote.fetch_missing([folder for _, *both in level for folder in both if folder])
            below: list[tuple[str, str | None, str | None]] = []
            for prefix, old, new in level:
                for path, was, now in _differences(self._tree(old), self._tree(new), prefix):
                    folders = [entry.id if entry is not None and entry.is_folder else None for entry in (was, now)]
                    if any(folders):
                        below.append((f"{path}/", folders[0], folders[1]))
                    if any(entry is not None and not entry.is_folder for entry in (was, now)):
                        found.append(path)
            level = below
        return sorted(found)

    def _tree(self, folder: str | None) -> dict[str, Entry]:
        return self.remote.objects.tree(folder) if folder else {}


def _steps(entries: dict[str, Entry], ways: _Ways) -> Iterator[tuple[str, Entry, _Ways]]:
    """The entries that the ways begin with, each with the rest of its ways."""
    for name, rests in _by_first(ways).items():
        if name in entries:
            yield name, entries[name], rests


@lru_cache(maxsize=10_000)
def _by_first(ways: _Ways) -> dict[str, _Ways]:
    behind: dict[str, set[tuple[str, ...]]] = {}
    for first, *rest in ways - {()}:
        behind.setdefault(first, set()).add(tuple(rest))
    return {first: frozenset(rests) for first, rests in behind.items()}


def _differences(
    old: dict[str, Entry], new: dict[str, Entry], prefix: str
) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    for name in old.keys() | new.keys():
        if old.get(name) != new.get(name):
            yield f"{prefix}{name}", old.get(name), new.get(name)
