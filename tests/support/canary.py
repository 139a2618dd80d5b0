"""A token that must be nowhere: its spellings, and a search for them in texts, files and running processes."""

from __future__ import annotations

import base64
import functools
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.support.forges import github, gitlab
from tests.support.world import USERS, World

# The characters that break where a value is pasted into a URL, a header, JSON, a shell or a pattern.
FORGE = 'c4/n+4%2F"r7y-forge.9Xq'
REGISTRY = 'c4/n+4%2F"r7y-registry.5Kw'


def arm(world: World) -> None:
    """Let this token be the one that both servers of the world know, and the command has."""
    world.server.users = {USERS[world.kind]: FORGE}
    stand_in = world.service.stand_in
    if isinstance(stand_in, github.GitHub):
        stand_in.tokens[FORGE] = github.Token()
    else:
        stand_in.tokens[FORGE] = gitlab.Token()
    world.environment["PIPELINEGEN_TOKEN"] = FORGE


@functools.cache
def spellings(secret: str) -> list[bytes]:
    """As it is, in URLs, in JSON, in Python, in hexadecimal, and in base64 after any number of other bytes."""
    texts = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        secret.encode().hex(),
    }
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode())
        # The first characters hold what stood before, the last ones what comes after.
        core = encoded[4 if before else 0 : len(encoded) - 4]
        texts |= {core.decode(), core.decode().replace("+", "-").replace("/", "_")}
    return [text.encode() for text in sorted(texts)]


def found(data: str | bytes, *secrets: str) -> list[str]:
    """The spellings of the secrets that are in the data."""
    octets = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    wanted = secrets or (FORGE, REGISTRY)
    return [form.decode() for secret in wanted for form in spellings(secret) if form in octets]


def in_files(folders: Iterable[Path], *secrets: str) -> list[str]:
    """`path: spelling` for every file below the folders that holds one. Files that vanish meanwhile are passed over."""
    leaks = []
    for path in (path for folder in folders for path in files_below(folder)):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        leaks += [f"{path}: {form}" for form in found(data + os.fsencode(path), *secrets)]
    return leaks


def files_below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


@dataclass
class Watch:
    """Looks all the time at the arguments and environments of one process's descendants, and at folders' files.

    git's own children may have the token in neither: it goes through a pipe. The command itself was given it in its
    environment, which is why only its descendants' are looked at.
    """

    pid: int
    folders: list[Path]
    secrets: tuple[str, ...] = (FORGE, REGISTRY)
    leaks: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    looks: int = 0
    own: bytes = b""
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._done.is_set():
            self.look()
            time.sleep(0.005)

    def look(self) -> None:
        """Look now."""
        self.looks += 1
        self.own = self.own or _read(self.pid, "cmdline")
        for pid in descendants(self.pid):
            self._look(pid)
        self.leaks.update(in_files(self.folders, *self.secrets))

    def _look(self, pid: int) -> None:
        words = _read(pid, "cmdline")
        self.seen.add(words.split(b"\0")[0].decode("utf-8", "replace"))
        for name, data in (("cmdline", words), ("environ", _read(pid, "environ"))):
            # A child that is just being started shares our memory, arguments and all, until it is another program.
            if name == "environ" and (pid == self.pid or words == self.own):
                continue
            self.leaks.update(f"{name} of {words!r}: {form}" for form in found(data, *self.secrets))


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            # The name of the program, in parentheses, may hold anything.
            facts = _read(int(name), "stat").rpartition(b")")[2].split()
            if len(facts) > 1:
                children.setdefault(int(facts[1]), []).append(int(name))
    known = [pid]
    for one in known:
        known += children.get(one, [])
    return known


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
