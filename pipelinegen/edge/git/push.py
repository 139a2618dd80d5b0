"""Push one branch by compare-and-swap, and find out by reading the ref what has become of it.

A push whose answer is lost is reported as rejected and has landed; wordings differ from server to server, refs do not.
So words only choose the message of a refusal, after the ref has shown that nothing was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipelinegen.edge.backoff import pause
from pipelinegen.edge.git.failures import failure, is_race, refusal_in, words
from pipelinegen.edge.git.remote import RemoteRepository, head
from pipelinegen.edge.git.run import PUSH_GRACE, PUSH_STALL_SECONDS
from pipelinegen.edge.process import Completed, Interrupted
from pipelinegen.errors import PipelinegenError, WorldError

# Reading the ref after a push may go this far past the deadline: what happened must be known.
LAST_LOOK_SECONDS = 10.0
SIGNAL_LOOK_SECONDS = 2.5


class Landed(NamedTuple):
    """The branch is where we pushed it (None: it is deleted)."""

    commit: str | None


class Lost(NamedTuple):
    """Somebody else moved the branch to `current` (None: deleted it). Whether over our commit, its history says."""

    current: str | None
    lines: Sequence[str] = ()


class Refused(NamedTuple):
    """The branch is as it was, and trying again now will not help."""

    kind: str
    lines: Sequence[str]
    error: PipelinegenError


Outcome = Landed | Lost | Refused


def push(remote: RemoteRepository, branch: str, commit: str | None, expected: str | None) -> Outcome:
    """Move a branch of the remote from `expected` (None: it is not there) to a commit of ours (None: delete it)."""
    number = 1
    while True:
        done = _push_once(remote, branch, commit, expected)
        current = _look(remote, branch, commit)
        lines = words(done, remote.credentials)
        if current == commit:
            return Landed(commit)
        if current != expected or done.returncode == 0 or _is_lock(remote, lines) or lacks_objects(lines):
            return Lost(current, lines)
        error = _refusal(remote, branch, done)
        if not pause(error, remote.deadline, remote.tell, number):
            return Refused(error.id, lines, error)
        number += 1


def _push_once(remote: RemoteRepository, branch: str, commit: str | None, expected: str | None) -> Completed:
    ref = head(branch)
    options = ["--porcelain", "--no-verify", "--no-recurse-submodules", f"--force-with-lease={ref}:{expected or ''}"]
    try:
        return remote.git.remote(
            remote.repository,
            *("push", *options, "--", remote.address.url, f"{commit or ''}:{ref}"),
            settings=_settings(remote, branch),
            stall_seconds=PUSH_STALL_SECONDS,
            grace=PUSH_GRACE,
            may_fail=True,
        )
    except KeyboardInterrupt as stop:
        raise _interrupted(remote, branch, commit, stop) from None
    except WorldError as error:
        if error.id != "timeout":
            raise
        return Completed(128, b"", b"fatal: Operation too slow: the push was ended at the deadline")


def _settings(remote: RemoteRepository, branch: str) -> list[str]:
    """Beside a base branch that has moved on, no ref of the server's is known to us, and git would send all files."""
    return [] if branch == remote.base else ["push.negotiate=true"]


def lacks_objects(lines: Sequence[str]) -> bool:
    """Did git need a file that was not fetched? It does when the server has a commit of ours that we made anew."""
    return any("promisor remote" in line for line in lines)


def _look(remote: RemoteRepository, branch: str, commit: str | None) -> str | None:
    """Where the branch stands after a push, whatever git said."""
    try:
        if remote.deadline.left() > LAST_LOOK_SECONDS:
            return remote.branch(branch)
        return remote.branch(branch, seconds=LAST_LOOK_SECONDS)
    except PipelinegenError as error:
        state = f"{branch} may or may not be at {commit}: it could not be read after the push" if commit else None
        kind = type(error)
        raise kind(
            error.what, id=error.id, where=error.where, state=state, next=error.next, details=error.details
        ) from None


def _interrupted(remote: RemoteRepository, branch: str, commit: str | None, stop: KeyboardInterrupt) -> Interrupted:
    """The same interruption, with the state that one last look at the ref shows."""
    signum = stop.signum if isinstance(stop, Interrupted) else Interrupted().signum
    try:
        current = remote.branch(branch, seconds=SIGNAL_LOOK_SECONDS)
    except PipelinegenError:
        return Interrupted(signum, f"whether {branch} was pushed could not be read")
    if current == commit:
        return Interrupted(signum, f"{branch} was pushed at {commit}" if commit else f"{branch} was deleted")
    return Interrupted(signum, f"{branch} was not pushed")


def _is_lock(remote: RemoteRepository, lines: Sequence[str]) -> bool:
    """Was the ref unchanged only because another push held its lock, and did not finish?"""
    return refusal_in(lines, remote.address) is None and is_race(lines)


def _refusal(remote: RemoteRepository, branch: str, done: Completed) -> PipelinegenError:
    error = failure("push", done, remote.address, remote.credentials)
    error.state = f"{branch} is as it was"
    return error
