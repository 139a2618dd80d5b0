"""The loop that delivers: plan on the tip, push, and where the race was lost plan again on the new tip."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from pipelinegen.edge.backoff import race_wait
from pipelinegen.edge.git.commit import Made
from pipelinegen.edge.git.history import read_log
from pipelinegen.edge.git.push import Landed, Outcome, Refused, lacks_objects, push
from pipelinegen.edge.git.remote import REFRESH_DEPTH, RemoteRepository, open_tree
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.errors import WorldError

MAX_ATTEMPTS = 10
# How far back we look for our own commit when many others came after it.
LANDED_DEPTH = 500

# From the files of the base branch and where the target branch stands now (None: it is not there), the commit to push,
# or None where there is nothing to do.
Attempt = Callable[[GitTree, "str | None"], "Made | None"]

# How a commit gets to the server: pushed by git, or made once more by the forge, which signs what it makes.
Send = Callable[[RemoteRepository, str, Made, "str | None"], Outcome]


class Delivered(NamedTuple):
    """What stands on the server now. `commit` is ours where there was one to make (`made`), else the branch's head."""

    result: Literal["pushed", "nothing"]
    commit: str | None
    base: str
    made: Made | None
    attempts: int


def plan_and_push(
    remote: RemoteRepository,
    attempt: Attempt,
    *,
    branch: str | None = None,
    known_paths: Iterable[str] | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    send: Send | None = None,
) -> Delivered:
    """Push what `attempt` makes of the base branch, to the base branch itself or to another one.

    A lost race is never rebased: two rewrites of the same line conflict for ever. The plan is made again.
    """
    known = None if known_paths is None else list(known_paths)
    made: Made | None = None
    for number in range(1, max_attempts + 1):
        started = remote.timing.now()
        tree = open_tree(remote, known)
        target = branch or remote.base
        # With an answer that was lost, our commit may be below the newer ones.
        if made is not None and target == remote.base and _has_landed(remote, made):
            return Delivered("pushed", made.commit, made.parent, made, number - 1)
        current = remote.tip if target == remote.base else remote.branch(target)
        made = attempt(tree, current)
        if made is None:
            return Delivered("nothing", current, remote.tip, None, number)
        outcome = (send or _push)(remote, target, made, current)
        if isinstance(outcome, Landed):
            return Delivered("pushed", outcome.commit, made.parent, made, number)
        if isinstance(outcome, Refused):
            raise outcome.error
        if remote.filtered and lacks_objects(outcome.lines):
            remote.open_whole()
        else:
            _give_way(remote, target, number, max_attempts, remote.timing.now() - started)
    raise _lost(remote, branch or remote.base, max_attempts)


def _push(remote: RemoteRepository, branch: str, made: Made, expected: str | None) -> Outcome:
    return push(remote, branch, made.commit, expected)


def _give_way(remote: RemoteRepository, branch: str, number: int, max_attempts: int, seconds: float) -> None:
    """Wait for the others, and fetch what they have done."""
    if number == max_attempts:
        return
    wait = race_wait(remote.timing, seconds, number)
    remote.tell(f"{branch} was moved by somebody else, planning again, {number + 1} of {max_attempts}")
    if not remote.deadline.wait(wait):
        raise _lost(remote, branch, number)
    remote.refresh()


def _has_landed(remote: RemoteRepository, made: Made) -> bool:
    """Is our commit on the base branch as it is now, although the push was not seen to succeed?"""
    recent = remote.local("rev-list", f"--max-count={REFRESH_DEPTH}", remote.tip).stdout.decode("ascii").split()
    if made.commit in recent or made.parent in recent:
        return made.commit in recent
    return any(commit.id == made.commit for commit in read_log(remote, remote.base, LANDED_DEPTH))


def _lost(remote: RemoteRepository, branch: str, attempts: int) -> WorldError:
    return WorldError(
        f"{branch} was moved by others during each of {attempts} attempts",
        id="push-race",
        where=remote.address.url,
        state="nothing of ours was pushed",
        next="run the same command again, or allow more with --max-attempts",
    )
