"""SIGINT and SIGTERM as one exception that unwinds the stack, and the moments in which it has to wait."""

from __future__ import annotations

import _thread
import contextlib
import signal
from collections.abc import Iterator


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM arrived. `state` says what was left behind, where that is known."""

    def __init__(self, signum: int = signal.SIGINT, state: str | None = None) -> None:
        super().__init__(f"interrupted by signal {int(signum)}")
        self.signum = int(signum)
        self.state = state

    @property
    def exit_code(self) -> int:
        return 128 + self.signum


class _Held:
    """How many blocks of the first thread hold signals now, and which signal is waiting for them."""

    thread = 0
    depth = 0
    waiting: int | None = None


def raise_on_signals() -> None:
    """Make SIGINT and SIGTERM unwind the stack, so that children are ended and temporary folders removed.

    Only the first one: CI systems send both, and the way out is bounded and must not be cut short.
    """

    def handle(signum: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        if not _Held.depth:
            raise Interrupted(signum)
        _Held.waiting = signum

    _Held.thread = _thread.get_ident()
    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let signals wait for a moment in which an exception would lose a child, a folder or half of a change.

    Not by the signal mask: with a second thread the system hands the signal to that one, and Python still runs the
    handler in the first.
    """
    if _thread.get_ident() != _Held.thread:
        yield  # no handler ever runs in another thread
        return
    _Held.depth += 1
    try:
        yield
    finally:
        _Held.depth -= 1
        if not _Held.depth and _Held.waiting is not None:
            signum, _Held.waiting = _Held.waiting, None
            raise Interrupted(signum)
