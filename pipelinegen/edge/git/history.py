"""Commits of the manifest repository without their files: whose they are, and what their trailers say."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import NamedTuple

from pipelinegen.edge.backoff import TRIES, with_retries
from pipelinegen.edge.git.commit import Person
from pipelinegen.edge.git.remote import RemoteRepository, head, remove_folder
from pipelinegen.errors import WorldError

FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%cn", "%ce", "%ct", "%B", "%(trailers:only,unfold)")
_SHOWN = "".join(f"{field}%x00" for field in FIELDS)
# How far back two branches are compared where the server cannot tell the difference.
SEARCHED = 1000

# Newest first by time, but never a parent before its child: commits of one second tie, and clocks are wrong.
_ORDER = ("--date-order",)


class Commit(NamedTuple):
    """One commit; `parents` are those within the history that was asked for."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    time: int
    message: str
    trailers: tuple[tuple[str, str], ...]

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0]

    def values(self, name: str) -> list[str]:
        """The values of all trailers of that name, in order; names differ in case only by accident."""
        return [value for key, value in self.trailers if key.lower() == name.lower()]


def read_log(remote: RemoteRepository, branch: str, limit: int) -> list[Commit]:
    """The newest commits of a branch, newest first. Their files are not fetched where the server filters."""
    return _read(remote, branch, [f"--depth={limit}"], limit)


def first_parents(remote: RemoteRepository, limit: int) -> list[Commit]:
    """The newest commits of the branch that is read, along first parents: what it has been, merge by merge.

    They stay in our copy, and their side branches with them; their files, too, where the server cannot filter.
    """
    ref = head(remote.base)
    remote.fetch(f"+{ref}:{ref}", depth=limit)
    return _listed(remote, "--first-parent", f"--max-count={limit}", remote.tip)


def commits_between(
    remote: RemoteRepository, newer: str, older: str | None = None, *, first_parent: bool = False
) -> list[Commit]:
    """The commits of our copy that one commit has in its history and the other (if any) has not, newest first."""
    without = [f"^{older}"] if older else []
    return _listed(remote, *(["--first-parent"] if first_parent else []), newer, *without)


def _listed(remote: RemoteRepository, *chosen: str) -> list[Commit]:
    done = remote.local("rev-list", *_ORDER, "--no-commit-header", f"--format={_SHOWN}", *chosen)
    return _parse(done.stdout.decode("utf-8", "replace"))


def commits_beyond(remote: RemoteRepository, branch: str, base: str) -> list[Commit]:
    """The commits of a branch that are not on the base branch, newest first; none where it was merged."""
    try:
        return _read(remote, branch, [f"--shallow-exclude={head(base)}"], None, tries=1)
    except WorldError:
        # A server that has nothing to send then just ends, and its words do not reach us: look at both histories.
        return _difference(remote, branch, base)


def _difference(remote: RemoteRepository, branch: str, base: str) -> list[Commit]:
    ours = read_log(remote, branch, SEARCHED)
    theirs = {commit.id for commit in read_log(remote, base, SEARCHED)}
    if len(ours) == SEARCHED and not any(commit.id in theirs for commit in ours):
        raise WorldError(
            f"{branch} and {base} have no commit in common among their newest {SEARCHED}",
            id="git-failed",
            where=remote.address.url,
            next=f"delete {branch}, or rebase it",
        )
    return [commit for commit in ours if commit.id not in theirs]


def strangers(commits: Iterable[Commit], ours: Collection[str]) -> list[Commit]:
    """The commits that somebody else made or changed; `ours` are the addresses under which we commit."""
    # Who amends or rebases a commit of ours leaves us as its author, and becomes its committer.
    return [commit for commit in commits if not {commit.author.email, commit.committer.email} <= set(ours)]


def _read(
    remote: RemoteRepository, branch: str, bounds: list[str], limit: int | None, *, tries: int = TRIES
) -> list[Commit]:
    folder = os.path.join(remote.git.folder, f"history-{os.urandom(4).hex()}.git")
    options = ["--quiet", "--bare", "--single-branch", "--no-tags", "--template=", f"--branch={branch}", *bounds]
    head(branch)

    def clone() -> None:
        remove_folder(folder)
        remote.git.remote(None, "clone", *options, "--filter=tree:0", "--", remote.address.url, folder)

    try:
        with_retries(clone, remote.deadline, remote.tell, tries=tries)
        bound = [f"--max-count={limit}"] if limit is not None else []
        # Not `git log`: at the edge of a shallow history it looks at the whole tree, which was not fetched.
        shown = ("--no-commit-header", f"--format={_SHOWN}")
        done = remote.git.local(folder, "rev-list", *_ORDER, *shown, *bound, head(branch))
    finally:
        remove_folder(folder)
    return _parse(done.stdout.decode("utf-8", "replace"))


def _parse(text: str) -> list[Commit]:
    fields = text.split("\0")
    size = len(FIELDS)
    return [_commit(*fields[start : start + size]) for start in range(0, len(fields) - size + 1, size)]


def _commit(
    name: str,
    tree: str,
    parents: str,
    author: str,
    author_email: str,
    committer: str,
    committer_email: str,
    time: str,
    message: str,
    trailers: str,
) -> Commit:
    pairs = (line.partition(": ") for line in trailers.splitlines())
    return Commit(
        name.strip(),
        tree,
        tuple(parents.split()),
        Person(author, author_email),
        Person(committer, committer_email),
        int(time),
        message.rstrip("\n"),
        tuple((key, value.strip()) for key, colon, value in pairs if colon),
    )
