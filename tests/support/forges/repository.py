"""A real bare repository for the stand-ins: commits, merges and refs by git itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

NOWHERE = "0" * 40

_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Person",
    "GIT_AUTHOR_EMAIL": "person@example.invalid",
    "GIT_COMMITTER_NAME": "Person",
    "GIT_COMMITTER_EMAIL": "person@example.invalid",
    "LC_ALL": "C",
}


class Repository:
    """A bare repository with the branch main, made by `Repository.new`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def new(cls, path: Path, files: Mapping[str, str] | None = None) -> Repository:
        repository = cls(path)
        path.mkdir(parents=True, exist_ok=True)
        repository.git("init", "-q", "--bare", "--initial-branch=main")
        repository.commit("main", files or {"kustomization.yaml": "newTag: 1.0.0\n"}, "Start")
        return repository

    def git(self, *arguments: str, content: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            ["git", f"--git-dir={self.path}", *arguments],
            input=content,
            capture_output=True,
            env={"PATH": os.environ["PATH"], **_ENVIRONMENT, **(environment or {})},
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace')}")
        return done.stdout.decode("utf-8", "replace").strip()

    def tip(self, branch: str) -> str | None:
        try:
            return self.git("rev-parse", "--verify", "-q", f"refs/heads/{branch}^{{commit}}")
        except RuntimeError:
            return None

    def branches(self, prefix: str = "") -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
        found = dict(line.split(" ", 1) for line in lines)
        return {name: sha for name, sha in found.items() if name.startswith(prefix)}

    def commit(
        self,
        branch: str,
        files: Mapping[str, str | bytes],
        message: str,
        onto: str | None = None,
        *,
        move: bool = True,
        people: tuple[str, str, str] | None = None,
    ) -> str:
        """A commit on top of `onto` (else of the branch), and the branch moved to it.

        people: the author's name, the committer's name and address; a person without them.
        """
        parent = onto or self.tip(branch)
        index = {"GIT_INDEX_FILE": str(self.path / f"index-{branch.replace('/', '-')}-{os.getpid()}")}
        if parent:
            self.git("read-tree", parent, environment=index)
        for path, text in files.items():
            octets = text.encode() if isinstance(text, str) else text
            blob = self.git("hash-object", "-w", "--stdin", content=octets)
            self.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", environment=index)
        tree = self.git("write-tree", environment=index)
        Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        sha = self._commit_tree(tree, message, [parent] if parent else [], people)
        if move:
            self.move(branch, sha)
        return sha

    def _commit_tree(
        self, tree: str, message: str, parents: list[str], people: tuple[str, str, str] | None = None
    ) -> str:
        named = [word for parent in parents for word in ("-p", parent)]
        names = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
        environment = dict(zip(names, people, strict=True)) if people else None
        return self.git("commit-tree", tree, *named, "-F", "-", content=message.encode(), environment=environment)

    def move(self, branch: str, sha: str, before: str | None = None) -> None:
        """Point the branch at a commit, if it is still at `before` (NOWHERE: not there). NOWHERE deletes it."""
        ref = f"refs/heads/{branch}"
        if sha == NOWHERE:
            self.git("update-ref", "-d", ref, *([before] if before else []))
        else:
            self.git("update-ref", ref, sha, *([before] if before else []))

    def delete(self, branch: str) -> None:
        self.move(branch, NOWHERE)

    def merge(self, base: str, head: str, message: str, *, squash: bool = False) -> str:
        """Merge a commit into a branch, as a forge does; raises RuntimeError on a conflict."""
        onto = self.git("rev-parse", f"refs/heads/{base}")
        tree = self.git("merge-tree", "--write-tree", onto, head).splitlines()[0]
        sha = self._commit_tree(tree, message, [onto] if squash else [onto, head])
        self.move(base, sha, onto)
        return sha

    def contains(self, branch: str, sha: str) -> bool:
        try:
            self.git("merge-base", "--is-ancestor", sha, f"refs/heads/{branch}")
        except RuntimeError:
            return False
        return True

    def ahead(self, base: str, head: str) -> int:
        return int(self.git("rev-list", "--count", f"refs/heads/{base}..refs/heads/{head}"))

    def read(self, revision: str, path: str) -> str:
        return self.git("cat-file", "blob", f"{revision}:{path}")

    def message(self, revision: str) -> str:
        return self.git("log", "-1", "--format=%B", revision)
