"""How long to wait before the next try, and when to give up: lost races, the network, one deadline over all of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from pipelinegen.errors import PipelinegenError, WorldError

TRIES = 4
NETWORK_WAITS = (1.0, 2.0, 4.0)
# git does not show a Retry-After; GitHub asks for a minute where it gives none.
RATE_LIMIT_WAIT = 60.0
MOST_DOUBLINGS = 5
TRANSIENT = frozenset({"net", "timeout", "rate-limited"})

Value = TypeVar("Value")
Tell = Callable[[str], None]


def uniform(low: float, high: float) -> float:
    """A random number between two; `random` itself takes longer to import than most waits are."""
    return low + (high - low) * int.from_bytes(os.urandom(7), "big") / 2**56


def silence(_: str) -> None:
    """Tell nobody."""


class Timing(NamedTuple):
    """Clock, sleep and chance, so that tests can have their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = uniform


class Deadline:
    """The moment at which everything must have ended."""

    __slots__ = ("_end", "timing")

    def __init__(self, seconds: float, timing: Timing | None = None) -> None:
        self.timing = timing or Timing()
        self._end = self.timing.now() + seconds

    def left(self) -> float:
        return max(0.0, self._end - self.timing.now())

    def wait(self, seconds: float) -> bool:
        """Sleep, unless the deadline would pass meanwhile; False then."""
        if seconds >= self.left():
            return False
        self.timing.sleep(seconds)
        return True


def race_wait(timing: Timing, attempt_seconds: float, losses: int) -> float:
    """The wait after the `losses`th lost race: by chance, over the length of our own last attempt.

    Who comes back at once mostly loses again, so the lower half is left out: with 50 writers of one file that takes the
    unluckiest from 10 attempts to 8 (in a simulation with slow machines; 60 races each), for a sixth of the time more.
    """
    longest = attempt_seconds * 2 ** min(losses, MOST_DOUBLINGS)
    return timing.uniform(longest / 2, longest)


def with_retries(
    operation: Callable[[], Value], deadline: Deadline, tell: Tell = silence, *, tries: int = TRIES
) -> Value:
    """The result of an operation that has no effect, or may be repeated: transient failures are tried again."""
    for number in range(1, tries):
        try:
            return operation()
        except WorldError as error:  # noqa: PERF203 - the wait is longer than the set-up of a try
            if not pause(error, deadline, tell, number, tries):
                raise
    return operation()


def pause(error: PipelinegenError, deadline: Deadline, tell: Tell, number: int, tries: int = TRIES) -> bool:
    """Wait before the next try, if the failure is worth one and the deadline leaves time for it."""
    if number >= tries or error.id not in TRANSIENT:
        return False
    if error.id == "rate-limited":
        seconds = RATE_LIMIT_WAIT
    else:
        longest = NETWORK_WAITS[min(number, len(NETWORK_WAITS)) - 1]
        seconds = deadline.timing.uniform(longest / 2, longest)
    if seconds < deadline.left():
        tell(f"{error.what}, trying again in {seconds:.0f} s, {number + 1} of {tries}")
    return deadline.wait(seconds)
