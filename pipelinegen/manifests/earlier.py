"""Earlier states of the places where images stand: which version was there, and which state was before the present."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.inventory import Standing, Version, inventory
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree, Unreadable


class Key(NamedTuple):
    """One image in one file."""

    file: str
    repository: str


# The versions at the places of each image in each file, in the order of the file.
Versions = Mapping[Key, tuple[Version, ...]]


def versions_of(standings: Sequence[Standing]) -> dict[Key, tuple[Version, ...]]:
    """What stands where. standings: in the order of the files."""
    found: dict[Key, tuple[Version, ...]] = {}
    for standing in standings:
        key = Key(standing.file, standing.repository)
        found[key] = (*found.get(key, ()), standing.version)
    return found


def brought_back(now: Versions, then: Versions) -> tuple[dict[Key, tuple[Version, ...]], list[Key]]:
    """The versions of then at the places of now, and where that cannot be said.

    It cannot where the image or the file was not there, or stood in another number of places in several versions.
    """
    found: dict[Key, tuple[Version, ...]] = {}
    unknown = []
    for key, present in now.items():
        before = then.get(key, ())
        if len(before) == len(present):
            found[key] = before
        elif len(set(before)) == 1:
            found[key] = before[:1] * len(present)
        else:
            unknown.append(key)
    return found, unknown


def states(now: Versions, moments: Sequence[Versions]) -> list[dict[Key, tuple[Version, ...]]]:
    """Each moment (newest first) as versions at the places of now; where nothing can be said, the next newer one's."""
    found: list[dict[Key, tuple[Version, ...]]] = []
    last = dict(now)
    for moment in moments:
        last = {**last, **brought_back(now, moment)[0]}
        found.append(last)
    return found


def steps_back(now: Versions, moments: Sequence[Versions], steps: int) -> int | None:
    """Which of the states (newest first) is the one `steps` before the present one; None where there is none.

    The state before another is the one before it was *first* there. So what was deployed and rolled back since is no
    earlier state, and a second rollback goes further back instead of bringing back what the first one took away.
    """
    state: Versions = now
    found = None
    for _ in range(steps):
        same = [place for place, moment in enumerate(moments) if moment == state]
        found = same[-1] + 1 if same else (found or 0)
        if found >= len(moments):
            return None
        state = moments[found]
    return found


class Then:
    """What stood in some files as they were at other times. A file of the same content is read once.

    Most files tell by themselves what stands in them. The others, values that hold only a tag, are read among all the
    files of now, which name the repository.
    """

    def __init__(self, sources: Sources, selection: Selection, standing: Sequence[Standing]) -> None:
        self._sources = sources
        self._selection = selection
        self._names: dict[str, list[str]] = {}
        for key in versions_of(standing):
            self._names.setdefault(key.file, []).append(key.repository)
        now = versions_of(standing)
        self._alone = {path for path in self._names if self._tells(path, now)}
        self._read: dict[tuple[str, bytes], dict[Key, tuple[Version, ...]]] = {}
        self._among: dict[frozenset[tuple[str, bytes | None]], dict[Key, tuple[Version, ...]]] = {}

    @property
    def paths(self) -> list[str]:
        """The files in which the images stand now."""
        return sorted(self._names)

    def _tells(self, path: str, now: Versions) -> bool:
        try:
            data = self._sources.tree.read(path)
        except (KeyError, Unreadable):
            return False
        return self._by_itself(path, data) == {key: versions for key, versions in now.items() if key.file == path}

    def _by_itself(self, path: str, data: bytes) -> dict[Key, tuple[Version, ...]]:
        return versions_of(inventory(Given({path: data}), self._selection, self._names[path]))

    def versions(self, files: Mapping[str, bytes | None]) -> dict[Key, tuple[Version, ...]]:
        """What stood there with these contents (None: the file was not there)."""
        found: dict[Key, tuple[Version, ...]] = {}
        for path, data in files.items():
            if path in self._alone and data is not None:
                if (path, data) not in self._read:
                    self._read[path, data] = self._by_itself(path, data)
                found |= self._read[path, data]
        others = {path: data for path, data in files.items() if path not in self._alone}
        return found | self._among_all(others) if others else found

    def _among_all(self, files: Mapping[str, bytes | None]) -> dict[Key, tuple[Version, ...]]:
        key = frozenset(files.items())
        if key not in self._among:
            selection = self._selection._replace(selects=files.__contains__)
            names = {name for path in files for name in self._names[path]}
            self._among[key] = versions_of(inventory(_SourcesThen(self._sources, files), selection, names))
        return self._among[key]


class _SourcesThen(Sources):
    """The sources of now, with some files as they were then (None: not there). What did not change is read once."""

    def __init__(self, now: Sources, then: Mapping[str, bytes | None]) -> None:
        super().__init__(_TreeThen(now.tree, then))
        self._now = now
        self._then = then

    def source(self, path: str, *, text_file: bool = False) -> Source:
        if path in self._then:
            return super().source(path, text_file=text_file)
        return self._now.source(path, text_file=text_file)


class Remembered:
    """A tree that is searched once for the same words."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._found: dict[tuple[bytes, ...], Sequence[str]] = {}

    def paths(self) -> Sequence[str]:
        return self._tree.paths()

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        asked = [tuple(words) for words in groups]
        new = [words for words in dict.fromkeys(asked) if words not in self._found]
        if new:
            self._found.update(zip(new, self._tree.search(new), strict=True))
        return [self._found[words] for words in asked]

    def read(self, path: str) -> bytes:
        return self._tree.read(path)


class _TreeThen:
    """The tree of now, with some files as they were then."""

    def __init__(self, now: Tree, then: Mapping[str, bytes | None]) -> None:
        self._now = now
        self._then = then

    def paths(self) -> Sequence[str]:
        there = {path for path, data in self._then.items() if data is not None}
        return sorted({path for path in self._now.paths() if path not in self._then} | there)

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        return [
            sorted([path for path in found if path not in self._then] + self._matching(words))
            for words, found in zip(groups, self._now.search(groups), strict=True)
        ]

    def _matching(self, words: Sequence[bytes]) -> list[str]:
        there = ((path, data) for path, data in self._then.items() if data is not None)
        return [path for path, data in there if any(word in data for word in words)]

    def read(self, path: str) -> bytes:
        if path not in self._then:
            return self._now.read(path)
        data = self._then[path]
        if data is None:
            raise KeyError(path)
        return data


class Given:
    """A tree of just these files."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def paths(self) -> Sequence[str]:
        return sorted(self._files)

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        return [[path for path in self.paths() if any(word in self._files[path] for word in words)] for words in groups]

    def read(self, path: str) -> bytes:
        return self._files[path]
