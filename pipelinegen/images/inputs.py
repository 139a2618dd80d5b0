"""What an image is made from, as one hash: equal inputs need no second build, whatever the engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

# Raised whenever the same inputs are to count as new ones.
FORMAT = 1
TAG_PREFIX = "src-"
# How much of the hash a tag carries: two inputs out of a million builds are alike once in 10^36.
_TAG_DIGITS = 40
# What an image says of itself: the hash of its inputs, and that of its sources alone.
INPUTS = "dev.pipelinegen.inputs"
SOURCES = "dev.pipelinegen.sources"


class Entry(NamedTuple):
    """A file of a context: `content` is its SHA-256, or the target of a link. Times and owners are no inputs, and of
    the mode only whether it can be executed: git knows no more, and the rest is each machine's umask."""

    path: str
    kind: Literal["file", "link"]
    content: str
    executable: bool = False


class Context(NamedTuple):
    """A folder whose files are an input. `revision`: the commit, where git's own folder is in the context too."""

    entries: tuple[Entry, ...]
    revision: str | None = None


class Inputs(NamedTuple):
    """All that decides what an image holds and whether it is right.

    bases: the images that it is built from, by the name in the Dockerfile, as a digest or, where none is known, as the
    reference. contexts: named contexts, folders by their hash. tests: what has to be true of it, since an image that
    was never tested so is not the same. secrets: only their names: a hash of a value that is pushed tells the value.
    """

    dockerfile: bytes
    context: Context
    target: str | None = None
    platforms: tuple[str, ...] = ()
    build_args: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    bases: Mapping[str, str] = {}
    contexts: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    attest: tuple[str, ...] = ()
    tests: str = ""
    test_files: Mapping[str, str] = {}


class Hashes(NamedTuple):
    """What an image is made from: all of it, and without what its base images are on that day."""

    inputs: str
    sources: str


def hashes_of(inputs: Inputs) -> Hashes:
    return Hashes(hash_of(inputs), sources_of(inputs))


def hash_of(inputs: Inputs) -> str:
    """The SHA-256 of the inputs in 64 hexadecimal digits: the same for the same inputs, in whatever order they came."""
    facts = {
        "format": FORMAT,
        "dockerfile": hashlib.sha256(_newlines(inputs.dockerfile)).hexdigest(),
        "context": context_hash(inputs.context),
        "target": inputs.target,
        "platforms": sorted(inputs.platforms),
        "build-args": dict(inputs.build_args),
        "labels": dict(inputs.labels),
        "bases": dict(inputs.bases),
        "contexts": dict(inputs.contexts),
        "secrets": sorted(inputs.secrets),
        "ssh": sorted(inputs.ssh),
        "attest": sorted(inputs.attest),
        "tests": inputs.tests,
        "test-files": dict(inputs.test_files),
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sources_of(inputs: Inputs) -> str:
    """The hash without what the images are that it is built from: the same for one commit, whenever it is built."""
    return hash_of(inputs._replace(bases=dict.fromkeys(inputs.bases, "")))


def context_hash(context: Context) -> str:
    """The hash of the files of a folder."""
    return hashlib.sha256("".join(sorted(map(_line, context.entries))).encode() + _commit(context)).hexdigest()


def tag_of(inputs_hash: str) -> str:
    """The tag under which a tested image with these inputs is found again."""
    return TAG_PREFIX + inputs_hash[:_TAG_DIGITS]


def _commit(context: Context) -> bytes:
    return f"commit {context.revision}".encode() if context.revision is not None else b""


def _line(entry: Entry) -> str:
    """A line that no other entry has: JSON writes no line break inside of it."""
    fields = [entry.path, entry.kind, entry.content, entry.executable]
    return json.dumps(fields, ensure_ascii=True) + "\n"


def _newlines(dockerfile: bytes) -> bytes:
    """Line endings of Windows mean the same to every engine, and git may check them out so."""
    return dockerfile.replace(b"\r\n", b"\n")


def names_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Of secrets in buildx's words only their names: `id=npm,env=NPM_TOKEN` is npm."""
    return tuple(
        field.partition("=")[2]
        for text in texts
        for field in text.split(",")
        if field.partition("=")[0].strip().lower() == "id"
    )
