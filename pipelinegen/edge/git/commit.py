"""A commit made from (tip, new bytes of files) without a work tree, proved to change exactly those files."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipelinegen.edge.git.remote import RemoteRepository
from pipelinegen.edge.git.signing import Signing
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.errors import Defect, InputError

REF = "refs/pipelinegen/commit"
NEW_FILE_MODE = "100644"
_TRAILER = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


class Person(NamedTuple):
    """An author or committer."""

    name: str
    email: str


class Made(NamedTuple):
    """A commit that is in our copy and not yet on the server."""

    commit: str
    tree: str
    parent: str


def with_trailers(text: str, trailers: Sequence[tuple[str, str]]) -> str:
    """A commit message with a last paragraph of trailers, one line each, that git reads as such."""
    for name, value in trailers:
        if not _TRAILER.fullmatch(name) or not value or not value.isprintable():
            raise Defect("a trailer that is not one line", id="bad-trailer", details=[ascii(f"{name}: {value}")])
    lines = [f"{name}: {value}" for name, value in trailers]
    return "\n\n".join(part for part in (text.strip("\n"), "\n".join(lines)) if part) + "\n"


def make_commit(
    tree: GitTree,
    contents: Mapping[str, bytes],
    message: str,
    author: Person,
    *,
    committer: Person | None = None,
    date: int | None = None,
    signing: Signing | None = None,
) -> Made:
    """Commit new bytes of files on top of the tree's commit. With a date, the same input gives the same commit."""
    if not contents:
        raise Defect("a commit that changes nothing", id="bad-plan")
    modes = {path: _mode(tree, path) for path in sorted(contents)}
    when = int(time.time()) if date is None else date
    people = author, committer or author
    stream = _stream(tree.commit, contents, modes, message, people, when)
    done = tree.remote.local("fast-import", "--quiet", "--done", "--force", "--date-format=raw", stdin=stream)
    commit = done.stdout.decode("ascii").strip()
    if signing is not None:
        commit = _signed(tree.remote, commit, message, people, when, signing)
    return _proved(tree, commit, modes, signed=signing is not None)


def _mode(tree: GitTree, path: str) -> str:
    entry = tree.entry(path)
    if entry is None:
        return NEW_FILE_MODE
    if not entry.is_regular:
        raise Defect("a plan to write what is not a regular file", id="bad-plan", where=path)
    return entry.mode


def _stream(
    parent: str,
    contents: Mapping[str, bytes],
    modes: Mapping[str, str],
    message: str,
    people: tuple[Person, Person],
    when: int,
) -> bytes:
    """What `git fast-import` reads: one commit."""
    author, committer = people
    text = message.encode("utf-8", "replace")
    parts = [
        f"commit {REF}\nmark :1\nauthor {_line(author)} {when} +0000\n".encode(),
        f"committer {_line(committer)} {when} +0000\ndata {len(text)}\n".encode() + text,
        f"\nfrom {parent}\n".encode(),
    ]
    for path, mode in modes.items():
        data = contents[path]
        parts.append(b"M %s inline %s\ndata %d\n" % (mode.encode(), _quoted(path), len(data)) + data + b"\n")
    return b"".join([*parts, b"get-mark :1\ndone\n"])


def _line(person: Person) -> str:
    if re.search(r"[<>\x00-\x1f\x7f]", person.name + person.email) or not person.email:
        raise InputError("a name or address that git cannot write into a commit", id="bad-config", where=ascii(person))
    return f"{person.name} <{person.email}>"


def _quoted(path: str) -> bytes:
    raw = path.encode("utf-8", "surrogateescape")
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def _signed(
    remote: RemoteRepository, commit: str, message: str, people: tuple[Person, Person], when: int, signing: Signing
) -> str:
    """The same commit once more, signed: fast-import cannot sign."""
    facts = remote.objects.commit(commit)
    author, committer = people
    env = {
        **signing.env,
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_AUTHOR_DATE": f"@{when} +0000",
        "GIT_COMMITTER_NAME": committer.name,
        "GIT_COMMITTER_EMAIL": committer.email,
        "GIT_COMMITTER_DATE": f"@{when} +0000",
    }
    done = remote.git.local(
        remote.repository,
        *("commit-tree", "-S", "-p", facts.parents[0], "-F", "-", facts.tree),
        stdin=message.encode("utf-8", "replace"),
        env=env,
        settings=signing.settings,
        may_fail=True,
    )
    if done.returncode != 0:
        raise InputError(
            "git could not sign the commit",
            id="bad-config",
            next="try `git commit -S` by hand with the same user, or leave out --sign",
            details=done.stderr.decode("utf-8", "replace").splitlines()[-10:],
        )
    return done.stdout.decode("ascii").strip()


def _proved(tree: GitTree, commit: str, modes: Mapping[str, str], *, signed: bool) -> Made:
    """The commit, after looking at what it really changes. A commit that differs from the plan is never pushed."""
    facts = tree.remote.objects.commit(commit)
    done = tree.remote.local("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", tree.commit, commit)
    words = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    changed = {}
    for line, path in zip(words[::2], words[1::2], strict=True):
        before, after = line.lstrip(":").split(" ")[:2]
        changed[path] = after if before in (after, "000000") else f"{before} to {after}"
    if changed != dict(modes) or facts.parents != (tree.commit,) or facts.signed != signed:
        raise Defect(
            "the commit is not what was planned; nothing was pushed",
            id="bad-commit",
            where=commit,
            details=[f"planned: {sorted(modes.items())}", f"found: {sorted(changed.items())}"],
        )
    return Made(commit, facts.tree, tree.commit)
