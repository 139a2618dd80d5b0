"""Manifest repositories for tests: bare ones that people push to, served over HTTP, in sentences.

upstream = Upstream(tmp_path / "manifests.git")
upstream.commit({"apps/a.yaml": "image: x:1\n"})
upstream.commit({"apps/b.yaml": None}, message="b is gone", author=HUMAN)
upstream.file("apps/a.yaml")
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from pipelinegen.edge.backoff import Deadline, Timing
from pipelinegen.edge.git.address import parse_address
from pipelinegen.edge.git.askpass import Credentials
from pipelinegen.edge.git.commit import Made, Person, make_commit
from pipelinegen.edge.git.remote import RemoteRepository
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.redact import Secret
from tests.support.bare import configure, make_bare, read_branch, read_branches
from tests.support.githttp import GitServer

HUMAN = Person("Hanna Human", "hanna@example.com")
ROBOT = Person("pipelinegen", "pipelinegen@example.com")
SUBMODULE = "160000"
LINK = "120000"
EXECUTABLE = "100755"
REGULAR = "100644"


def git(folder: Path, *args: str, stdin: bytes | None = None) -> bytes:
    """Plain git, without the configuration of whoever runs the tests."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **{f"GIT_{who}_NAME": HUMAN.name for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": HUMAN.email for who in ("AUTHOR", "COMMITTER")},
    }
    argv = ["git", "-C", str(folder), *args]
    done = subprocess.run(argv, input=stdin, capture_output=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"git {args[0]}: {done.stderr.decode()}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Odd:
    """What a tree may hold beside plain files: a link, a submodule, an executable."""

    mode: str
    content: bytes


Files: TypeAlias = "Mapping[str, str | bytes | Odd | None]"


@dataclass(slots=True)
class Upstream:
    """A bare repository as others see and change it."""

    folder: Path
    branch: str = "main"

    def __post_init__(self) -> None:
        if not self.folder.exists():
            make_bare(self.folder, self.branch)
            self.filtering(allowed=True)

    def filtering(self, *, allowed: bool) -> None:
        configure(self.folder, uploadpack__allowFilter="true" if allowed else "false")

    def commit(
        self,
        files: Files,
        *,
        branch: str | None = None,
        message: str = "a change",
        author: Person = HUMAN,
        committer: Person | None = None,
        parent: str | None = None,
    ) -> str:
        """Commit files (None removes one) on a branch, as somebody else would; returns the commit."""
        ref = f"refs/heads/{branch or self.branch}"
        before = parent or self.head(branch or self.branch)
        other = committer or author
        lines = [
            f"commit {ref}\nmark :1\nauthor {author.name} <{author.email}> 1700000000 +0000\n".encode(),
            f"committer {other.name} <{other.email}> 1700000000 +0000\n".encode(),
            b"data %d\n%s\n" % (len(message.encode()), message.encode()),
            f"from {before}\n".encode() if before else b"",
            *(_change(path, content) for path, content in files.items()),
            b"get-mark :1\ndone\n",
        ]
        words = ("-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--done", "--force")
        done = git(self.folder, *words, stdin=b"".join(lines))
        return done.decode().strip()

    def head(self, branch: str | None = None) -> str | None:
        return read_branch(self.folder, branch or self.branch)

    def file(self, path: str, at: str | None = None) -> bytes:
        return git(self.folder, "cat-file", "blob", f"{at or self.branch}:{path}")

    def branches(self) -> list[str]:
        return list(read_branches(self.folder))

    def subjects(self, branch: str | None = None) -> list[str]:
        """Newest first."""
        return git(self.folder, "log", "--format=%s", branch or self.branch, "--").decode().splitlines()

    def changed(self, commit: str) -> list[str]:
        """`MODE MODE STATUS PATH` of each file that a commit changed."""
        lines = git(self.folder, "diff-tree", "-r", "--no-commit-id", "--root", commit).decode().splitlines()
        return [f"{facts[1:14]} {facts[-1]} {path}" for facts, _, path in (line.partition("\t") for line in lines)]

    def has(self, commit: str, branch: str | None = None) -> bool:
        """Is the commit reachable from a branch?"""
        found = git(self.folder, "for-each-ref", f"--contains={commit}", f"refs/heads/{branch or ''}")
        return bool(found)

    def move(self, branch: str, commit: str | None) -> None:
        if commit is None:
            git(self.folder, "update-ref", "-d", f"refs/heads/{branch}")
        else:
            git(self.folder, "update-ref", f"refs/heads/{branch}", commit)

    def hook(self, name: str, script: str) -> None:
        """Install a hook of the server's: a shell script."""
        path = self.folder / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


def _change(path: str, content: str | bytes | Odd | None) -> bytes:
    quoted = b'"' + path.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    quoted = quoted.replace(b"\n", b"\\n")
    if content is None:
        return b"D %s\n" % quoted
    if isinstance(content, Odd) and content.mode == SUBMODULE:
        return b"M 160000 %s %s\n" % (content.content, quoted)
    mode = content.mode if isinstance(content, Odd) else REGULAR
    data = content.content if isinstance(content, Odd) else content.encode() if isinstance(content, str) else content
    return b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(data), data)


@dataclass(slots=True)
class Naps:
    """Time without waiting: sleeps are noted and pass at once."""

    taken: list[float] = field(default_factory=list)

    def timing(self) -> Timing:
        import time

        return Timing(lambda: time.monotonic() + sum(self.taken), self.taken.append, lambda _, high: high)


@dataclass(slots=True)
class World:
    """One upstream behind one server, and who we are."""

    upstream: Upstream
    server: GitServer
    naps: Naps = field(default_factory=Naps)
    told: list[str] = field(default_factory=list)
    credentials: Credentials | None = None

    def remote(self, *, seconds: float = 60.0, **options: Any) -> RemoteRepository:
        timing = self.naps.timing()
        return RemoteRepository(
            parse_address(self.server.url(self.upstream.folder.name)),
            options.pop("credentials", self.credentials),
            deadline=Deadline(seconds, timing),
            timing=timing,
            tell=self.told.append,
            **options,
        )


@contextlib.contextmanager
def served(
    folder: Path,
    files: Files | None = None,
    *,
    users: Mapping[str, str] | None = None,
    readers: Mapping[str, str] | None = None,
) -> Iterator[World]:
    """An upstream with one commit of these files, served; with users, we are the first of them."""
    upstream = Upstream(folder / "manifests.git")
    upstream.commit(files or {"app.yaml": "image: ghcr.io/acme/api:1.0.0\n"}, message="first")
    who = next(iter({**(users or {}), **(readers or {})}.items()), None)
    with GitServer(folder, users=users or {}, readers=readers or {}) as server:
        world = World(upstream, server)
        if who:
            world.credentials = Credentials(who[0], Secret("PIPELINEGEN_TOKEN", who[1]))
        yield world


def replace(tree: GitTree, path: str, old: bytes, new: bytes, *, message: str = "bump") -> Made | None:
    """The simplest plan: one file, one word. None where it is done already."""
    before = tree.read(path)
    after = before.replace(old, new)
    return None if after == before else make_commit(tree, {path: after}, message, ROBOT)


def tree_of(files: Sequence[str], text: str = "x: 1\n") -> Files:
    return {path: f"# {path}\n{text}" for path in files}
