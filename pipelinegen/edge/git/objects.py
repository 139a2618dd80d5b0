"""Objects of a bare repository, read through one long-lived `git cat-file`."""

from __future__ import annotations

import os
from typing import NamedTuple, NoReturn

from pipelinegen.edge.git.run import Git
from pipelinegen.edge.git.version import require_git
from pipelinegen.edge.process import Child
from pipelinegen.errors import WorldError

CHUNK = 64 * 1024


class Entry(NamedTuple):
    """One line of a tree: mode as git writes it (`100644`), object id."""

    mode: str
    id: str

    @property
    def is_folder(self) -> bool:
        return self.mode == "40000"

    @property
    def is_regular(self) -> bool:
        return self.mode in {"100644", "100755"}


class CommitFacts(NamedTuple):
    """What the head of a commit object says."""

    tree: str
    parents: tuple[str, ...]
    signed: bool


class Objects:
    """The object database of one repository. Trees are read once."""

    def __init__(self, git: Git, repository: str) -> None:
        self._git = git
        self._repository = repository
        self._child: Child | None = None
        self._rest = b""
        self._trees: dict[str, dict[str, Entry]] = {}

    def close(self) -> None:
        if self._child is not None:
            self._child.close_stdin()
            self._child.end()
            self._child = None
            self._rest = b""

    def commit(self, id: str) -> CommitFacts:
        """Tree, parents and whether there is a signature."""
        head = self.contents(id).partition(b"\n\n")[0].decode("utf-8", "replace").split("\n")
        facts = [line.partition(" ") for line in head]
        tree = next(value for name, _, value in facts if name == "tree")
        parents = tuple(value for name, _, value in facts if name == "parent")
        return CommitFacts(tree, parents, any(name.startswith("gpgsig") for name, _, _ in facts))

    def tree(self, id: str) -> dict[str, Entry]:
        """The entries of one folder."""
        if id not in self._trees:
            self._trees[id] = _parse_tree(self.contents(id), len(id) // 2)
        return self._trees[id]

    def resolve(self, ref: str) -> str | None:
        """The commit at a ref; None where there is none."""
        self._say(f"info {ref}^{{commit}}\n")
        line = self._line().decode("utf-8", "replace")
        return None if line.endswith(" missing") else line.split(" ", 1)[0]

    def size(self, id: str) -> int:
        """The length of an object."""
        self._say(f"info {id}\n")
        return self._header()

    def contents(self, id: str) -> bytes:
        """The bytes of an object."""
        self._say(f"contents {id}\n")
        data = self._take(self._header() + 1)
        return data[:-1]

    def _say(self, command: str) -> None:
        if self._child is None:
            self._child = Child()
            self._git.converse(self._child, self._repository, "cat-file", "--batch-command")
        try:
            os.write(self._child.stdin, command.encode("utf-8", "surrogateescape"))
        except BrokenPipeError:
            self._ended()

    def _header(self) -> int:
        line = self._line().decode()
        # Every id that we ask for stands in a tree or a commit that is here.
        if line.endswith(" missing"):
            self._ended()
        return int(line.rsplit(" ", 1)[1])

    def _line(self) -> bytes:
        while b"\n" not in self._rest:
            self._more()
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _take(self, count: int) -> bytes:
        blocks, size = [self._rest], len(self._rest)
        while size < count:
            self._rest = b""
            self._more()
            blocks.append(self._rest)
            size += len(self._rest)
        data = b"".join(blocks)
        self._rest = data[count:]
        return data[:count]

    def _more(self) -> None:
        if self._child is None:
            self._ended()
        block = os.read(self._child.stdout, CHUNK)
        if not block:
            self._ended()
        self._rest += block

    def _ended(self) -> NoReturn:
        self.close()
        require_git()
        raise WorldError(
            "git cannot read an object: it is damaged or was not fetched",
            id="git-failed",
            where=self._git.address.url,
            next="run the same command again",
        )


def _parse_tree(data: bytes, id_size: int) -> dict[str, Entry]:
    entries = {}
    position = 0
    while position < len(data):
        blank = data.index(b" ", position)
        end = data.index(b"\0", blank)
        name = data[blank + 1 : end].decode("utf-8", "surrogateescape")
        entries[name] = Entry(data[position:blank].decode("ascii"), data[end + 1 : end + 1 + id_size].hex())
        position = end + 1 + id_size
    return entries
