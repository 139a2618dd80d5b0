"""Run a program: argv list, allow-listed environment, no terminal, bounded in time and output, ended when we end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pipelinegen.edge.interrupts import Interrupted, raise_on_signals, signals_held
from pipelinegen.edge.spawn import BASE_VARIABLES, NETWORK_VARIABLES, environment, find_program, spawn
from pipelinegen.errors import WorldError

__all__ = [
    "BASE_VARIABLES",
    "MIB",
    "NETWORK_VARIABLES",
    "OUTPUT_LIMIT",
    "Child",
    "Completed",
    "Interrupted",
    "capture",
    "environment",
    "find_program",
    "raise_on_signals",
    "shown",
    "signals_held",
    "stream",
]

MIB = 1024 * 1024
OUTPUT_LIMIT = 512 * MIB
CHUNK = 1 * MIB
TERMINATION_GRACE = 2.0


class Completed(NamedTuple):
    """A program that has ended. A negative `returncode` is the signal that ended it."""

    returncode: int
    stdout: bytes
    stderr: bytes


def shown(argv: Sequence[str], secrets: Sequence[str] = ()) -> str:
    """The command as a person would type it, for logs and errors; secrets are masked."""
    import shlex

    text = shlex.join(argv)
    for secret in secrets:
        text = text.replace(shlex.quote(secret), "***").replace(secret, "***") if secret else text
    return text


def capture(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    limit: int = OUTPUT_LIMIT,
    grace: float = 0.0,
    descriptors: Mapping[int, int] | None = None,
    largest_file: int | None = None,
) -> Completed:
    """Run a program to its end and return what it wrote.

    On a time-out, an output beyond `limit` or an exception the whole session of the program is ended. An interruption
    lets it work for `grace` more seconds first (a push whose answer is on its way). `descriptors` says which of ours
    the program finds under which number; no file that it writes may grow beyond `largest_file`.
    """
    out, err = bytearray(), bytearray()
    with Child() as child:
        child.start(argv, cwd=cwd, env=env, stdin=stdin is not None, descriptors=descriptors, largest_file=largest_file)
        code = child.finish({child.stdout: out.extend, child.stderr: err.extend}, stdin, timeout, limit, grace)
    return Completed(code, bytes(out), bytes(err))


def stream(
    argv: Sequence[str],
    on_line: Callable[[bytes], None],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    limit: int = OUTPUT_LIMIT,
) -> int:
    """Run a program and hand on each line of its two outputs as it is written; return its exit code."""
    with Child() as child:
        child.start(argv, cwd=cwd, env=env)
        out, err = _Lines(on_line), _Lines(on_line)
        code = child.finish({child.stdout: out.feed, child.stderr: err.feed}, None, timeout, limit)
        out.end()
        err.end()
    return code


class Child:
    """One running program with its pipes: a session of its own that does not outlive the `with` block."""

    def __init__(self) -> None:
        self.argv: list[str] = []
        self.pid = self.stdin = self.stdout = self.stderr = -1
        self._code: int | None = None

    def start(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bool = False,
        stderr: bool = True,
        descriptors: Mapping[int, int] | None = None,
        largest_file: int | None = None,
    ) -> None:
        """Start the program; a signal that arrives meanwhile finds it noted here, and so ended."""
        self.argv = list(argv)
        with signals_held():
            self.pid, self.stdin, self.stdout, self.stderr = spawn(
                self.argv,
                cwd=cwd,
                env=env,
                stdin=stdin,
                stderr=stderr,
                descriptors=descriptors or {},
                largest_file=largest_file,
            )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def finish(
        self,
        sinks: Mapping[int, Callable[[bytes], object]],
        data: bytes | None = None,
        timeout: float | None = None,
        limit: int = OUTPUT_LIMIT,
        grace: float = 0.0,
    ) -> int:
        """Write `data`, hand on what the program writes until it has ended, and return its exit code."""
        deadline = None if timeout is None else time.monotonic() + timeout
        pump = _Pump(self, sinks, data, limit)
        try:
            pump.run(deadline)
            return self._wait(deadline)
        except KeyboardInterrupt:
            if grace > 0:
                until = time.monotonic() + grace
                try:
                    pump.run(until)
                    self._wait(until)
                except WorldError:
                    pass  # the answer did not come in time; the program is ended by our own end()
            raise

    def _wait(self, deadline: float | None) -> int:
        """Wait for the end of a program that has closed its outputs."""
        pause = 0.001
        while self._code is None:
            done, status = os.waitpid(self.pid, 0 if deadline is None else os.WNOHANG)
            if done:
                self._code = os.waitstatus_to_exitcode(status)
            elif deadline is not None and time.monotonic() >= deadline:
                raise _timed_out(self.argv)
            else:
                time.sleep(pause)
                pause = min(pause * 2, 0.05)
        return self._code

    def close_stdin(self) -> None:
        if self.stdin >= 0:
            descriptor, self.stdin = self.stdin, -1
            os.close(descriptor)

    def end(self) -> None:
        """End the program if it runs, ask first, and take back every descriptor."""
        with signals_held():
            if self.pid >= 0 and self._code is None:
                self._stop()
            self._close()

    def _stop(self) -> None:
        for signum, patience in ((signal.SIGTERM, TERMINATION_GRACE), (signal.SIGKILL, None)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signum)
            try:
                self._wait(None if patience is None else time.monotonic() + patience)
            except WorldError:
                continue
            break

    def _close(self) -> None:
        self.close_stdin()
        for descriptor in (self.stdout, self.stderr):
            if descriptor >= 0:
                os.close(descriptor)
        self.stdout = self.stderr = -1


class _Pump:
    """Moves bytes between us and a program until it closes its outputs; can be resumed after an interruption."""

    def __init__(
        self, child: Child, sinks: Mapping[int, Callable[[bytes], object]], data: bytes | None, limit: int
    ) -> None:
        self.child = child
        self.sinks = dict(sinks)
        self.left = limit
        self.limit = limit
        self.pending = memoryview(data or b"")
        self.poll = select.poll()
        for descriptor in self.sinks:
            self.poll.register(descriptor, select.POLLIN)
        if child.stdin >= 0 and self.pending:
            os.set_blocking(child.stdin, False)
            self.poll.register(child.stdin, select.POLLOUT)
        else:
            child.close_stdin()

    def run(self, deadline: float | None) -> None:
        while self.sinks:
            wait = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            ready = self.poll.poll(wait)
            if not ready and deadline is not None and time.monotonic() >= deadline:
                raise _timed_out(self.child.argv)
            for descriptor, _ in ready:
                if descriptor == self.child.stdin:
                    self._write()
                else:
                    self._read(descriptor)

    def _write(self) -> None:
        try:
            self.pending = self.pending[os.write(self.child.stdin, self.pending[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # The program does not want the rest; its exit code says whether that was right.
            self.pending = self.pending[:0]
        if not self.pending:
            self.poll.unregister(self.child.stdin)
            self.child.close_stdin()

    def _read(self, descriptor: int) -> None:
        block = os.read(descriptor, CHUNK)
        if not block:
            self.poll.unregister(descriptor)
            del self.sinks[descriptor]
            return
        self.left -= len(block)
        if self.left < 0:
            raise WorldError(
                f"{self.child.argv[0]} wrote more than {self.limit // MIB or 1} MiB and was ended",
                id="output-too-big",
                where=shown(self.child.argv),
            )
        self.sinks[descriptor](block)


class _Lines:
    """Cuts a flow of blocks into lines."""

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self.on_line = on_line
        self.rest = b""

    def feed(self, block: bytes) -> None:
        *lines, self.rest = (self.rest + block).split(b"\n")
        for line in lines:
            self.on_line(line.removesuffix(b"\r"))

    def end(self) -> None:
        if self.rest:
            self.on_line(self.rest)
            self.rest = b""


def _timed_out(argv: Sequence[str]) -> WorldError:
    return WorldError(
        f"{os.path.basename(argv[0])} did not finish in time and was ended", id="timeout", where=shown(argv)
    )
