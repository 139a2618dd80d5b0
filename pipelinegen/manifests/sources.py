"""The files of a tree as sources, each read and parsed once for finding, planning and writing."""

from __future__ import annotations

from bisect import bisect_left

from pipelinegen.manifests.source import Refused, Source, read_source
from pipelinegen.manifests.tree import Tree, Unreadable


def sources_of(files: Tree | Sources) -> Sources:
    """The sources of a tree; those that are read already, where they are given."""
    return files if isinstance(files, Sources) else Sources(files)


class Sources:
    """Sources by path."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._read: dict[str, Source | Exception] = {}

    def source(self, path: str, *, text_file: bool = False) -> Source:
        """A file's source. Raises KeyError, Unreadable, Refused."""
        found = self._read.get(path)
        if found is None:
            try:
                found = read_source(path, self.tree.read(path), text_file=text_file)
            except (KeyError, Unreadable, Refused) as error:
                found = error
            self._read[path] = found
        if isinstance(found, Exception):
            raise found
        return found

    def lists(self, path: str) -> bool:
        """Whether the repository holds the file: a checkout holds files that git does not know, and links lead out."""
        paths = self.tree.paths()
        at = bisect_left(paths, path)
        return at < len(paths) and paths[at] == path

    def source_or_none(self, path: str) -> Source | None:
        """A file's source; None where it is absent or must be left alone."""
        try:
            return self.source(path)
        except (KeyError, Unreadable, Refused):
            return None
