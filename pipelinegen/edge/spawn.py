"""Start one program: where it is found, what it inherits of ours, and the pipes to it.

Built on `os.posix_spawn`: importing `subprocess` costs as much as a whole bare interpreter, and the quick path of
`bump` cannot afford it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pipelinegen.errors import InputError, WorldError

BASE_VARIABLES = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TERM", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"),
    *("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"),
)
NETWORK_VARIABLES = (
    *("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK"),
)


class Started(NamedTuple):
    """A running program and our ends of its pipes; -1 where there is none."""

    pid: int
    stdin: int
    stdout: int
    stderr: int


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


def spawn(
    argv: Sequence[str],
    *,
    cwd: str | None,
    env: Mapping[str, str] | None,
    stdin: bool,
    stderr: bool,
    descriptors: Mapping[int, int],
    largest_file: int | None,
) -> Started:
    """Start a program in a session of its own. Without `stdin` or `stderr` it has nothing there."""
    given = environment() if env is None else dict(env)
    command = _command(list(argv), cwd, given)
    ours, theirs = [-1, -1, -1], [-1, -1, -1]
    try:
        if stdin:
            theirs[0], ours[0] = _pipe()
        ours[1], theirs[1] = _pipe()
        if stderr:
            ours[2], theirs[2] = _pipe()
        with _file_limit(largest_file):
            return Started(_posix_spawn(command, given, _wiring(theirs, descriptors)), *ours)
    except FileNotFoundError:
        _close(ours)
        raise _missing(argv[0]) from None
    except OSError as error:
        _close(ours)
        raise _world(argv[0], error) from error
    finally:
        _close(theirs)


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)


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


def _wiring(pipes: Sequence[int], descriptors: Mapping[int, int]) -> list[Any]:
    """What posix_spawn does with the descriptors of the child; all others of ours close by themselves (PEP 446)."""
    child_in, child_out, child_err = pipes
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


def _world(name: str, error: OSError) -> WorldError:
    import errno

    full = error.errno in {errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}
    return WorldError(
        f"{os.path.basename(name)} could not be started: {os.strerror(error.errno or 0)}",
        id="disk" if error.errno == errno.ENOSPC else "program-missing" if not full else "no-resources",
        next="free the resource and run the command again" if full else None,
    )
