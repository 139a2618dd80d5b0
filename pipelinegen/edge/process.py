"""Run a program: argv list, allow-listed environment, no terminal, bounded in time and output, ended when we end.

Built on `os.posix_spawn`: importing `subprocess` costs as much as a whole bare interpreter, and the quick path of
`bump` cannot afford it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pipelinegen.errors import InputError, WorldError

MIB = 1024 * 1024
OUTPUT_LIMIT = 512 * MIB
CHUNK = 1 * MIB
TERMINATION_GRACE = 2.0

BASE_VARIABLES = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TERM", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"),
    *("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"),
)
NETWORK_VARIABLES = (
    *("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK"),
)


class Completed(NamedTuple):
    """A program that has ended. A negative `returncode` is the signal that ended it."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM arrived. `state` says what was left behind, where that is known."""

    def __init__(self, signum: int = signal.SIGINT, state: str | None = None) -> None:
        super().__init__(f"interrupted by signal {int(signum)}")
        self.signum = int(signum)
        self.state = state

    @property
    def exit_code(self) -> int:
        return 128 + self.signum


def raise_on_signals() -> None:
    """Make SIGINT and SIGTERM unwind the stack, so that children are ended and temporary folders removed.

    Only the first one: CI systems send both, and the way out is bounded and must not be cut short.
    """

    def handle(signum: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(signum)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def environment(*names: str, **values: str) -> dict[str, str]:
    """The allow-listed part of our environment, the further variables in `names`, and `values` on top."""
    chosen = {name: os.environ[name] for name in (*BASE_VARIABLES, *names) if name in os.environ}
    return {**chosen, **values}


def find_program(name: str, path: str | None = None) -> str:
    """Where `name` is on `path`, or an error that says which program to install."""
    if "/" in name:
        return name
    for folder in (path if path is not None else os.environ.get("PATH", os.defpath)).split(os.pathsep):
        candidate = os.path.join(folder, name)
        # An empty entry of PATH means the current folder: a program of the repository at hand must not run.
        if os.path.isabs(folder) and os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    raise _missing(name)


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
    with Child(
        argv, cwd=cwd, env=env, stdin=stdin is not None, descriptors=descriptors, largest_file=largest_file
    ) as child:
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
    with Child(argv, cwd=cwd, env=env) as child:
        out, err = _Lines(on_line), _Lines(on_line)
        code = child.finish({child.stdout: out.feed, child.stderr: err.feed}, None, timeout, limit)
        out.end()
        err.end()
    return code


class Child:
    """One running program with its pipes: a session of its own that does not outlive the `with` block."""

    def __init__(
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
        self.argv = list(argv)
        self.stdin = self.stdout = self.stderr = -1
        self._code: int | None = None
        given = environment() if env is None else dict(env)
        with _file_limit(largest_file):
            self.pid = self._spawn(_command(self.argv, cwd, given), given, stdin, stderr, descriptors or {})

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _spawn(
        self, command: list[str], env: dict[str, str], stdin: bool, stderr: bool, descriptors: Mapping[int, int]
    ) -> int:
        theirs: list[int] = []
        try:
            child_in = child_err = -1
            if stdin:
                child_in, self.stdin = _pipe()
                theirs.append(child_in)
            self.stdout, child_out = _pipe()
            theirs.append(child_out)
            if stderr:
                self.stderr, child_err = _pipe()
                theirs.append(child_err)
            return _posix_spawn(command, env, _wiring(child_in, child_out, child_err, descriptors))
        except FileNotFoundError:
            self._close()
            raise _missing(self.argv[0]) from None
        except OSError as error:
            self._close()
            raise _world(self.argv[0], error) from error
        finally:
            for descriptor in theirs:
                os.close(descriptor)

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
        try:
            if self._code is None:
                self._stop()
        finally:
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


def _command(argv: list[str], cwd: str | None, env: Mapping[str, str]) -> list[str]:
    """The command with its program's full path; posix_spawn cannot change the folder, so a shell does it."""
    if any("\0" in word for word in argv):
        raise InputError("a NUL character cannot be passed to a program", id="bad-path", where=argv[0])
    program = find_program(argv[0], env.get("PATH"))
    if cwd is None:
        return [program, *argv[1:]]
    folder = os.path.abspath(cwd)
    if not os.path.isdir(folder):
        raise InputError("no such folder", id="bad-path", where=cwd)
    # Nothing is spliced into the script: folder and words are its positional parameters.
    return ["/bin/sh", "-c", 'cd -P -- "$1" && shift && exec "$@"', "sh", folder, os.path.abspath(program), *argv[1:]]


def _pipe() -> tuple[int, int]:
    """A pipe above the standard descriptors, which may be closed when we are started (cron, some CI runners)."""
    reader, writer = os.pipe()
    return _above_standard(reader), _above_standard(writer)


def _above_standard(descriptor: int) -> int:
    low = []
    while descriptor <= 2:
        low.append(descriptor)
        descriptor = os.dup(descriptor)
    for number in low:
        os.close(number)
    return descriptor


def _wiring(child_in: int, child_out: int, child_err: int, descriptors: Mapping[int, int]) -> list[Any]:
    """What posix_spawn does with the descriptors of the child; all others of ours close by themselves (PEP 446)."""
    actions: list[Any] = [(os.POSIX_SPAWN_DUP2, child_out, 1)]
    if child_in >= 0:
        actions.append((os.POSIX_SPAWN_DUP2, child_in, 0))
    else:
        actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    if child_err >= 0:
        actions.append((os.POSIX_SPAWN_DUP2, child_err, 2))
    else:
        actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0))
    # dup2 onto itself clears close-on-exec (POSIX.1-2024; glibc 2.29, musl, macOS).
    return actions + [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in descriptors.items()]


@contextlib.contextmanager
def _file_limit(largest: int | None) -> Iterator[None]:
    """A child inherits this limit; ours is lowered for the moment of the start only, in which we write no file."""
    if largest is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    allowed = [number for number in (soft, hard, largest) if number != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(allowed), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _posix_spawn(command: list[str], env: dict[str, str], actions: list[Any]) -> int:
    # Python ignores SIGPIPE and would hand that on; a program that expects it would write into nothing for ever.
    defaults = [signal.SIGPIPE, signal.SIGINT, signal.SIGTERM]
    try:
        return os.posix_spawn(command[0], command, env, file_actions=actions, setsid=True, setsigdef=defaults)
    except NotImplementedError:
        # A C library without POSIX_SPAWN_SETSID: a process group of its own is the next best.
        return os.posix_spawn(command[0], command, env, file_actions=actions, setpgroup=0, setsigdef=defaults)


def _missing(name: str) -> WorldError:
    base = os.path.basename(name)
    return WorldError(
        f"the program {base!r} is not installed or not on PATH",
        id="git-missing" if base == "git" else "program-missing",
        next=f"install {base} and run the command again",
    )


def _timed_out(argv: Sequence[str]) -> WorldError:
    return WorldError(
        f"{os.path.basename(argv[0])} did not finish in time and was ended", id="timeout", where=shown(argv)
    )


def _world(name: str, error: OSError) -> WorldError:
    import errno

    full = error.errno in {errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}
    return WorldError(
        f"{os.path.basename(name)} could not be started: {os.strerror(error.errno or 0)}",
        id="disk" if error.errno == errno.ENOSPC else "program-missing" if not full else "no-resources",
        next="free the resource and run the command again" if full else None,
    )
