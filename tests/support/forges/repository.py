"""A real bare repository for the stand-ins: commits, merges and refs by git itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.bare import configure, make_bare, read_branch, read_branches

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
        self._ancestors: dict[tuple[str, str], bool] = {}

    @classmethod
    def new(cls, path: Path, files: Mapping[str, str] | None = None) -> Repository:
        repository = cls(path)
        make_bare(path)
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

    def configure(self, **config: str) -> None:
        """`section__name="value"`"""
        configure(self.path, **config)

    def tip(self, branch: str) -> str | None:
        return read_branch(self.path, branch)

    def branches(self, prefix: str = "") -> dict[str, str]:
        return {name: sha for name, sha in read_branches(self.path).items() if name.startswith(prefix)}

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
        # One process for all of it. A branch that is not to move: under another name, which is gone at the end.
        ref = f"refs/heads/{branch}" if move else f"refs/made/{os.urandom(8).hex()}"
        lines = [
            *_opening(ref, people, message),
            *([f"from {parent}\n".encode()] if (parent := onto or self.tip(branch)) else []),
            *_contents(files),
            b"get-mark :1\n",
            *([] if move else [f"reset {ref}\nfrom {NOWHERE}\n\n".encode()]),
            b"done\n",
        ]
        words = ("fast-import", "--quiet", "--done", "--force", "--date-format=now")
        return self.git("-c", "fastimport.unpackLimit=1", *words, content=b"".join(lines))

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
        tip = self.tip(branch)
        if tip is None:
            return False
        # What a commit descends from never changes.
        if (sha, tip) not in self._ancestors:
            self._ancestors[sha, tip] = self._is_ancestor(sha, tip)
        return self._ancestors[sha, tip]

    def _is_ancestor(self, sha: str, tip: str) -> bool:
        try:
            self.git("merge-base", "--is-ancestor", sha, tip)
        except RuntimeError:
            return False
        return True

    def ahead(self, base: str, head: str) -> int:
        return int(self.git("rev-list", "--count", f"refs/heads/{base}..refs/heads/{head}"))

    def read(self, revision: str, path: str) -> str:
        return self.git("cat-file", "blob", f"{revision}:{path}")

    def message(self, revision: str) -> str:
        return self.git("log", "-1", "--format=%B", revision)


def _opening(ref: str, people: tuple[str, str, str] | None, message: str) -> Iterator[bytes]:
    """The head of a commit in the language of git fast-import."""
    author, committer, address = people or ("Person", "Person", "person@example.invalid")
    octets = (message if message.endswith("\n") else f"{message}\n").encode()
    yield f"commit {ref}\nmark :1\nauthor {author} <person@example.invalid> now\n".encode()
    yield f"committer {committer} <{address}> now\n".encode()
    yield b"data %d\n%s\n" % (len(octets), octets)


def _contents(files: Mapping[str, str | bytes]) -> Iterator[bytes]:
    for path, text in files.items():
        quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        octets = text.encode() if isinstance(text, str) else text
        yield b'M 100644 inline "%s"\ndata %d\n%s\n' % (quoted.encode(), len(octets), octets)
