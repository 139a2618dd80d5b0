"""The history of the manifest repository at hand, remote or a checkout: what its commits say, and its earlier files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from pipelinegen.edge.process import capture
from pipelinegen.errors import InputError
from pipelinegen.manifests.tree import Tree

if TYPE_CHECKING:
    from pipelinegen.edge.git.past import Past
    from pipelinegen.edge.git.remote import RemoteRepository

MESSAGES = 300


class History(Protocol):
    """prefix: the way from the root of the repository to the files at hand (a checkout may be a folder of it)."""

    @property
    def prefix(self) -> str: ...

    def messages(self) -> list[str]:
        """The newest commit messages, newest first."""
        ...

    def past(self) -> AbstractContextManager[Past]:
        """Earlier commits and their files."""
        ...

    def branch(self, name: str | None) -> AbstractContextManager[tuple[Tree, History]]:
        """The files of another branch of the repository (None: of its default branch), and their history."""
        ...


class RemoteHistory:
    """The history of the branch that is changed."""

    prefix = ""

    def __init__(self, remote: RemoteRepository) -> None:
        self._remote = remote

    def messages(self) -> list[str]:
        from pipelinegen.edge.git.history import read_log

        return [commit.message for commit in read_log(self._remote, self._remote.base, MESSAGES)]

    @contextmanager
    def past(self) -> Iterator[Past]:
        """In a copy of its own: the other one is to stay small and whole, for the push."""
        from pipelinegen.edge.git.past import Past

        with another_copy(self._remote, self._remote.base) as copy:
            yield Past(copy)

    @contextmanager
    def branch(self, name: str | None) -> Iterator[tuple[Tree, History]]:
        from pipelinegen.edge.git.remote import open_tree

        with another_copy(self._remote, name) as copy:
            yield open_tree(copy), RemoteHistory(copy)


def another_copy(remote: RemoteRepository, base: str | None) -> RemoteRepository:
    """The same repository once more, on a branch (None: the default one), with the same credentials and deadline."""
    from pipelinegen.edge.git.remote import RemoteRepository

    return RemoteRepository(
        remote.address,
        remote.credentials,
        base=base,
        deadline=remote.deadline,
        timing=remote.timing,
        tell=remote.tell,
    )


class LocalHistory:
    """The history of the commit that a checkout stands on."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.prefix = self._ask("rev-parse", "--show-prefix") or ""

    def messages(self) -> list[str]:
        text = self._ask("log", f"--max-count={MESSAGES}", "--format=%B%x00", "HEAD", "--")
        return [message.strip("\n") for message in (text or "").split("\0") if message.strip("\n")]

    @contextmanager
    def past(self) -> Iterator[Past]:
        """By the way that a remote one goes, so that both are read alike."""
        from pipelinegen.edge.git.address import parse_address
        from pipelinegen.edge.git.past import Past
        from pipelinegen.edge.git.remote import RemoteRepository

        root = self._ask("rev-parse", "--show-toplevel")
        branch = self._ask("symbolic-ref", "--quiet", "--short", "HEAD")
        if root is None or branch is None:
            raise InputError(
                "this folder is in no git repository" if root is None else "no branch is checked out here",
                id="bad-path",
                where=self._folder,
                next="give --repo a checkout of the branch, or its URL",
            )
        with RemoteRepository(parse_address(f"file://{root}"), base=branch) as copy:
            yield Past(copy)

    def branch(self, name: str | None) -> AbstractContextManager[tuple[Tree, History]]:
        raise InputError(
            f"the {f'branch {name}' if name else 'default branch'} is needed beside the one that is checked out here",
            id="bad-path",
            where=self._folder,
            next="give --repo the URL of the repository",
        )

    def _ask(self, *arguments: str) -> str | None:
        done = capture(["git", "-c", "core.fsmonitor=false", *arguments], cwd=self._folder)
        return os.fsdecode(done.stdout).rstrip("\n") if done.returncode == 0 else None
