"""The application repository at hand: its commit, branch and tags, what is changed in it, where its remote stands."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from pipelinegen.edge.process import NETWORK_VARIABLES, Completed, capture, environment
from pipelinegen.errors import WorldError

LOCAL_SECONDS = 60.0
REMOTE_SECONDS = 30.0


class Head(NamedTuple):
    """The commit that is checked out. `branch` is empty where none is; `tags` are those of this very commit."""

    revision: str
    committed: datetime
    branch: str
    tags: tuple[str, ...]


class Application:
    """A checkout, asked through the user's own git. What git does not tell (no repository, no git) is None or empty."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def head(self) -> Head | None:
        """The commit that is checked out; None in a folder that is no repository, or one without a commit."""
        lines = self._lines("log", "-1", "--no-show-signature", "--decorate=full", "--format=%H%n%ct%n%D")
        if len(lines) < 2:
            return None
        names = lines[2].split(", ") if len(lines) > 2 else []
        branch = next((name.removeprefix("HEAD -> refs/heads/") for name in names if name.startswith("HEAD -> ")), "")
        tags = tuple(name.removeprefix("tag: refs/tags/") for name in names if name.startswith("tag: "))
        return Head(lines[0], datetime.fromtimestamp(int(lines[1]), timezone.utc), branch, tags)

    def changed(self, paths: Sequence[str], without: Sequence[str] = ()) -> str | None:
        """A file below the paths that is not as in the commit, untracked ones too; None where there is none."""
        left_out = (f":(exclude,literal){path}" for path in without)
        lines = self._lines("status", "--porcelain", "--untracked-files=normal", "--", *paths, *left_out)
        return lines[0][3:] if lines else None

    def tags(self) -> tuple[str, ...]:
        """All git tags that are known here. A shallow checkout knows none; the remote is asked beside it."""
        return tuple(self._lines("for-each-ref", "--format=%(refname:lstrip=2)", "refs/tags"))

    def origin(self) -> str | None:
        """The address of the remote `origin`."""
        return next(iter(self._lines("remote", "get-url", "origin")), None)

    def default_branch(self) -> str | None:
        """The default branch of `origin`, as it was at the time of the clone."""
        name = next(iter(self._lines("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")), "")
        return name.removeprefix("refs/remotes/origin/") or None

    def remote_refs(self, *patterns: str) -> dict[str, str] | None:
        """Where refs of `origin` stand now, full name to commit; None where it cannot be asked."""
        done = self._run(REMOTE_SECONDS, "ls-remote", "--quiet", "origin", *patterns)
        if done is None or done.returncode != 0:
            return None
        found = (line.partition("\t") for line in _text(done).splitlines())
        return {name: at for at, _, name in found if re.fullmatch("[0-9a-f]{40,64}", at)}

    def contains(self, commit: str) -> bool:
        """Whether what is checked out descends from a commit; not where a shallow checkout cannot know."""
        done = self._run(LOCAL_SECONDS, "merge-base", "--is-ancestor", commit, "HEAD")
        return done is not None and done.returncode == 0

    def _lines(self, *arguments: str) -> list[str]:
        done = self._run(LOCAL_SECONDS, *arguments)
        return _text(done).splitlines() if done is not None and done.returncode == 0 else []

    def _run(self, seconds: float, *arguments: str) -> Completed | None:
        # Not the hardened git of the manifest repository: this one is the user's own, with the login that cloned it.
        own = environment(*NETWORK_VARIABLES, "GIT_SSL_CAINFO", GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0")
        try:
            return capture(["git", "-C", os.path.abspath(self.folder), *arguments], env=own, timeout=seconds)
        except WorldError:
            return None


def _text(done: Completed) -> str:
    return done.stdout.decode("utf-8", "surrogateescape")
