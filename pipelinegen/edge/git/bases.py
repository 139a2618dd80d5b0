"""Earlier texts of generated files, by their blob ids: kept in the object store of the work tree's git, and merged."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator

from pipelinegen.edge.process import Completed, capture, environment
from pipelinegen.errors import WorldError

_SECONDS = 60.0
_COMMITS = 200
# git counts up to 127 conflicts; more is a failure to merge at all.
_MOST_CONFLICTS = 127


class Bases:
    """The git work tree that a folder is in; outside of one, nothing is kept and nothing found."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._inside: bool | None = None

    @property
    def in_git(self) -> bool:
        if self._inside is None:
            done = self._git("rev-parse", "--is-inside-work-tree")
            self._inside = done is not None and done.returncode == 0 and done.stdout.strip() == b"true"
        return self._inside

    @property
    def prefix(self) -> str:
        """The folder's path from the top of the work tree, with a slash at its end; empty at the top, and outside."""
        done = self._git("rev-parse", "--show-prefix") if self.in_git else None
        return done.stdout.decode("utf-8", "replace").strip() if done is not None and done.returncode == 0 else ""

    def keep(self, texts: Iterable[str]) -> None:
        """Put texts into the object store, where `git gc` leaves them for two weeks, and for good once committed."""
        different = dict.fromkeys(texts)
        if not different or not self.in_git:
            return
        with tempfile.TemporaryDirectory(prefix="pipelinegen-") as folder:
            names = []
            for number, text in enumerate(different):
                names.append(os.path.join(folder, str(number)))
                with open(names[-1], "wb") as file:
                    file.write(text.encode())
            self._git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin="\n".join(names).encode())

    def find(self, path: str, blob: str, made_from: Callable[[str], bool]) -> str | None:
        """The text of a blob: of the object store, else of a commit of the path that `made_from` says is from it."""
        if not self.in_git:
            return None
        done = self._git("cat-file", "blob", blob)
        if done is not None and done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
        return next((text for text in self._earlier(path) if made_from(text)), None)

    def merge(self, base: str, ours: str, theirs: str) -> tuple[str, int]:
        """The merge of two texts made from one, and its number of conflicts."""
        with tempfile.TemporaryDirectory(prefix="pipelinegen-") as folder:
            names = ("yours", "generated before", "generated now")
            for name, text in zip(names, (ours, base, theirs), strict=True):
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(text.encode())
            labels = [word for name in names for word in ("-L", name)]
            done = self._git("merge-file", "-p", "--diff3", *labels, *(os.path.join(folder, name) for name in names))
        if done is None or not 0 <= done.returncode <= _MOST_CONFLICTS:
            words = done.stderr.decode(errors="replace").splitlines()[:10] if done else ["git is not installed"]
            raise WorldError("git cannot merge", id="git-failed", where=self.folder, details=words)
        return done.stdout.decode("utf-8", "replace"), done.returncode

    def _earlier(self, path: str) -> Iterator[str]:
        """The texts of a file in the commits that changed it, the newest first."""
        log = self._git("log", f"-n{_COMMITS}", "--format=%H", "--", path)
        if log is None or log.returncode != 0:
            return
        for commit in re.findall(r"[0-9a-f]{40,64}", log.stdout.decode("ascii", "replace")):
            done = self._git("cat-file", "blob", f"{commit}:./{path}")
            if done is not None and done.returncode == 0:
                yield done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")

    def _git(self, *arguments: str, stdin: bytes | None = None) -> Completed | None:
        # The user's own git: the work tree is theirs, and safe.directory is in their configuration.
        own = environment(GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0", GIT_LITERAL_PATHSPECS="1")
        settings = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0")
        try:
            return capture(["git", "-C", self.folder, *settings, *arguments], env=own, stdin=stdin, timeout=_SECONDS)
        except WorldError:
            return None
