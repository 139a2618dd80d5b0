"""Everything that ends a command: one base, one child for each exit code, a message of what, where and what next.

The codes are the contract's; the ids below a code are stable words that scripts may match (`error.id` in the JSON).
"""

from __future__ import annotations

from collections.abc import Sequence

OK = 0
INTERRUPTED = 130
TERMINATED = 143


class PipelinegenError(Exception):
    """A failure that is told to the user.

    what: one line, what failed.  id: the stable word.  where: "file:line:column", a URL or a command.
    state: what was left behind ("branch pushed at 1a2b3c4, no pull request").  next: what to do now.
    details: further lines, in order (a snippet with carets, the server's own words, the other problems of the file).
    """

    exit_code = 70

    def __init__(
        self,
        what: str,
        *,
        id: str,
        where: str | None = None,
        state: str | None = None,
        next: str | None = None,
        details: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.id = id
        self.where = where
        self.state = state
        self.next = next
        self.details = tuple(details)

    def lines(self) -> list[str]:
        """The message as it is shown, without the leading "error: "."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        body = [f"  | {line}" for line in self.details]
        tail = [f"  state: {self.state}"] if self.state else []
        tail += [f"  next: {self.next}"] if self.next else []
        return [head, *body, *tail]

    def data(self) -> dict[str, object]:
        """The message as the `error` object of `--json`."""
        return {
            "id": self.id,
            "exit": self.exit_code,
            "what": self.what,
            "where": self.where,
            "state": self.state,
            "next": self.next,
            "details": list(self.details),
        }


class Refused(PipelinegenError):
    """The answer is no: a rule forbids it, a check found a difference, the agent reported a failure."""

    exit_code = 1


class InputError(PipelinegenError):
    """The user's input: options, configuration, an invalid reference, an image that occurs nowhere."""

    exit_code = 2


class WorldError(PipelinegenError):
    """Network, forge, registry, engine, disk, a race that was not won. The same command again finishes it."""

    exit_code = 3


class NotPermitted(PipelinegenError):
    """Not authenticated or not permitted; the message names the scope or right that is missing."""

    exit_code = 4


class Defect(PipelinegenError):
    """A defect of ours; the traceback was saved, masked, to a file."""

    exit_code = 70
