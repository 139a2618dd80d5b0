"""The programs of one engine: their environment, their private folder, and their end when the engine is closed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from pipelinegen.edge.process import BASE_VARIABLES, MIB, NETWORK_VARIABLES, Child, Completed
from pipelinegen.errors import WorldError

LOG_LIMIT = 1 * MIB
OUTPUT_LIMIT = 64 * MIB
# What a build writes is handed on line by line and not kept.
STREAM_LIMIT = 1024 * MIB
PATIENCE = 5.0
# A file system in memory: what is secret never reaches a disk.
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, 0700 and with a random name


class Programs:
    """Runs programs, from any thread, until `end`. `allowed`: further variables of the caller's that they see."""

    def __init__(self, environ: Mapping[str, str] | None, allowed: Sequence[str] = ()) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self._allowed = (*BASE_VARIABLES, *NETWORK_VARIABLES, *allowed)
        self._lock = threading.Lock()
        self._running: set[int] = set()
        self._followed: list[Follower] = []
        self._ended = False
        self._folders: dict[str, Path] = {}
        # An engine that was only asked whether it works is not always closed.
        self._finalizer = weakref.finalize(self, _remove, self._folders)

    def environment(self, *names: str, **values: str) -> dict[str, str]:
        """The allow-listed part of the caller's environment, further variables of it, and `values` on top."""
        wanted = (*self._allowed, *names)
        return {**{name: self.environ[name] for name in wanted if name in self.environ}, **values}

    def folder(self) -> Path:
        """Our own folder, 0700, in memory where that can be had, for configuration and secrets."""
        return self._own("engine", str(_MEMORY) if os.access(_MEMORY, os.W_OK | os.X_OK) else None)

    def scratch(self) -> Path:
        """Our own folder on disk, for what the engine's programs leave where they are killed."""
        return self._own("scratch", self.environ.get("TMPDIR"))

    def _own(self, kind: str, place: str | None) -> Path:
        with self._lock:
            if kind not in self._folders:
                self._folders[kind] = Path(tempfile.mkdtemp(prefix=f"pipelinegen-{kind}-", dir=place))
            return self._folders[kind]

    def capture(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        timeout: float | None,
        cwd: Path | None = None,
        limit: int = OUTPUT_LIMIT,
    ) -> Completed:
        """Run a program to its end and return what it wrote."""
        out, err = bytearray(), bytearray()
        with self._started(argv, cwd, env) as child:
            sinks = {child.stdout: out.extend, child.stderr: err.extend}
            code = child.finish(sinks, timeout=timeout, limit=limit)
        return Completed(code, bytes(out), bytes(err))

    def capture_marked(
        self, argv: Sequence[str], mark: bytes, *, env: Mapping[str, str], timeout: float | None
    ) -> Completed:
        """As `capture`, for a program that ends each of its two outputs with `mark`, which is taken out, and then
        waits for the end of its standard input."""
        reader, writer = os.pipe()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, reader)
            held = stack.enter_context(contextlib.ExitStack())
            held.callback(os.close, writer)
            out, err = _Marked(mark), _Marked(mark)

            def feed(output: _Marked, block: bytes) -> None:
                output.feed(block)
                if out.complete and err.complete:
                    held.close()

            child = stack.enter_context(self._started(argv, None, env, {0: reader}))
            sinks = {child.stdout: partial(feed, out), child.stderr: partial(feed, err)}
            code = child.finish(sinks, timeout=timeout, limit=OUTPUT_LIMIT)
        return Completed(code, out.bare(), err.bare())

    def stream(
        self,
        argv: Sequence[str],
        on_line: Callable[[str], object],
        *,
        env: Mapping[str, str],
        timeout: float | None,
        cwd: Path | None = None,
    ) -> int:
        """Run a program and hand on each line of its two outputs as it is written; return its exit code."""
        with self._started(argv, cwd, env) as child:
            out, err = _Lines(on_line), _Lines(on_line)
            code = child.finish({child.stdout: out.feed, child.stderr: err.feed}, timeout=timeout, limit=STREAM_LIMIT)
            out.end()
            err.end()
        return code

    def follow(self, argv: Sequence[str], *, env: Mapping[str, str]) -> Follower:
        """Start a program that runs beside us."""
        with self._lock:
            self._refuse_after_end()
            follower = Follower(argv, env)
            self._followed.append(follower)
        return follower

    def end(self) -> None:
        """End what runs in any thread, and refuse to run anything more."""
        with self._lock:
            self._ended = True
        for signum in (signal.SIGTERM, signal.SIGKILL):
            self._signal(signum)
            until = time.monotonic() + PATIENCE
            while self._running and time.monotonic() < until:
                time.sleep(0.01)
        for follower in self._followed:
            follower.terminate()

    def remove_folders(self) -> None:
        """Remove our folders, after the last program that uses them."""
        with self._lock:
            _remove(self._folders)

    def _signal(self, signum: int) -> None:
        with self._lock:
            for pid in self._running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signum)

    @contextlib.contextmanager
    def _started(
        self,
        argv: Sequence[str],
        cwd: Path | None,
        env: Mapping[str, str],
        descriptors: Mapping[int, int] | None = None,
    ) -> Iterator[Child]:
        """A program that `end` finds while it runs; what it did counts for nothing after that."""
        with Child() as child:
            with self._lock:
                self._refuse_after_end()
                child.start(argv, cwd=None if cwd is None else str(cwd), env=env, descriptors=descriptors)
                self._running.add(child.pid)
            try:
                yield child
            finally:
                with self._lock:
                    self._running.discard(child.pid)
            with self._lock:
                self._refuse_after_end()

    def _refuse_after_end(self) -> None:
        if self._ended:
            raise WorldError("the engine was closed while it was at work", id="engine-closed")


def _remove(folders: dict[str, Path]) -> None:
    while folders:
        _, folder = folders.popitem()
        if not _has_mounts(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _has_mounts(folder: Path) -> bool:
    """Whether something is mounted in a folder: what a killed engine left mounted is not ours to delete."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            return any(line.split()[4].startswith(f"{folder.resolve()}/") for line in file)
    except OSError:
        return False


class Follower:
    """A program that runs beside us: the last MiB of what it has written, and its end."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._child = Child()
        self._child.start(argv, env=env)
        self._lock = threading.Lock()
        self._written = bytearray()
        self._code: int | None = None
        self._thread = threading.Thread(target=self._work, name=f"follow {argv[0]}", daemon=True)
        self._thread.start()

    def output(self) -> bytes:
        with self._lock:
            return bytes(self._written)

    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        with self._lock:
            return self._code

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None where it still runs after so long."""
        self._thread.join(seconds)
        return self.exit_code()

    def terminate(self, patience: float = PATIENCE) -> None:
        """End it and all of its session, gently first."""
        for signum in (signal.SIGTERM, signal.SIGKILL):
            with self._lock:
                if self._code is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(self._child.pid, signum)
            self._thread.join(patience)
            if not self._thread.is_alive():
                return

    def _work(self) -> None:
        child, code = self._child, -1
        try:
            code = child.finish({child.stdout: self._keep, child.stderr: self._keep}, limit=sys.maxsize)
        finally:
            with self._lock:
                self._code = code
            child.end()

    def _keep(self, block: bytes) -> None:
        with self._lock:
            self._written += block
            if len(self._written) > LOG_LIMIT:
                del self._written[:-LOG_LIMIT]


class _Marked:
    """An output that has a mark in it, behind which only what runs on in the background writes."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._data = bytearray()
        self.complete = False

    def feed(self, block: bytes) -> None:
        begin = max(0, len(self._data) - len(self._mark))
        self._data += block
        self.complete = self.complete or self._data.find(self._mark, begin) >= 0

    def bare(self) -> bytes:
        before, _, after = bytes(self._data).partition(self._mark)
        return before + after


class _Lines:
    """Cuts a flow of blocks into lines of text."""

    def __init__(self, on_line: Callable[[str], object]) -> None:
        self._on_line = on_line
        self._rest = b""

    def feed(self, block: bytes) -> None:
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            self._on_line(line.rstrip(b"\r").decode("utf-8", "replace"))

    def end(self) -> None:
        if self._rest:
            self.feed(b"\n")
