"""What every forge can do, in values that are the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from pipelinegen.edge.forge.address import Address
from pipelinegen.errors import WorldError

State = Literal["open", "closed", "merged"]
Health = Literal["pending", "success", "failure"]
Method = Literal["merge", "squash", "rebase"]

TRIES = 4
PATIENT_TRIES = 7
PAGES = 20

T = TypeVar("T")
BackOff = Callable[[int, WorldError, int], None]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request (on GitLab, a merge request) as the forge has it now."""

    number: int
    url: str
    state: State
    head_branch: str
    head_sha: str
    base_branch: str
    title: str
    body: str
    draft: bool = False
    merged_sha: str | None = None
    author: str = ""
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    milestone: str | None = None
    auto_merge: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for beside the pull request itself. A forge may refuse each; it stays a pull request."""

    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    milestone: str | None = None

    def missing(self, pull: PullRequest) -> Wishes:
        """The wishes that this pull request does not have yet."""
        return Wishes(
            _without(self.labels, pull.labels),
            _without(self.reviewers, pull.reviewers),
            _without(self.teams, pull.teams),
            _without(self.assignees, pull.assignees),
            self.milestone if self.milestone != pull.milestone else None,
        )

    def __bool__(self) -> bool:
        return bool(self.labels or self.reviewers or self.teams or self.assignees or self.milestone)

    def each(self) -> list[tuple[str, tuple[str, ...]]]:
        """(field, what is asked for) of every wish that is not empty."""
        named = [
            ("labels", self.labels),
            ("reviewers", self.reviewers),
            ("teams", self.teams),
            ("assignees", self.assignees),
            ("milestone", (self.milestone,) if self.milestone else ()),
        ]
        return [(name, values) for name, values in named if values]


def _without(wanted: Sequence[str], had: Sequence[str]) -> tuple[str, ...]:
    held = {name.lower() for name in had}
    return tuple(name for name in wanted if name.lower() not in held)


@dataclass(frozen=True, slots=True)
class Unmet:
    """A wish that the forge did not grant, in its own words: a warning."""

    wish: str
    why: str

    def __str__(self) -> str:
        return f"{self.wish}: {self.why}"


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """What some system (an agent, a CI) reports on a commit."""

    context: str
    state: Health
    description: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """What a token is and may do, as far as the forge tells. `missing` names scopes or rights."""

    login: str | None
    scopes: tuple[str, ...] | None
    can_push: bool | None
    expires: str | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiCommit:
    """A commit that the forge made for us, and so signed."""

    sha: str
    url: str


class Rejected(WorldError):
    """The forge understood the request and said no, in `status` and words of its own."""

    def __init__(
        self, what: str, *, status: int, where: str, details: Sequence[str] = (), next: str | None = None
    ) -> None:
        super().__init__(what, id="server-refused", where=where, details=details, next=next)
        self.status = status


class NotYet(WorldError):
    """The forge does not see yet what was pushed just now, or holds a lock: the same request works later."""


class Forge(Protocol):
    """One repository on one forge. Every operation may raise WorldError or NotPermitted; none is done twice.

    `find_any` gives the latest pull request of a branch in any state. `tip` is the commit of a branch, None if it is
    not there. `grant` and `merge_when_ready` return what was refused. `guards` says, each in a few words, what would
    refuse a push of ours to a branch, as far as the token may know. `clock_skew` is by how many seconds the forge's
    clock was after ours when it answered last.
    """

    address: Address
    noun: str
    makes_commits: bool

    def default_branch(self) -> str: ...
    def tip(self, branch: str) -> str | None: ...
    def find_open(self, branch: str, base: str) -> PullRequest | None: ...
    def find_any(self, branch: str) -> PullRequest | None: ...
    def get(self, number: int) -> PullRequest: ...
    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool = False) -> PullRequest: ...
    def update(self, number: int, *, title: str, body: str) -> PullRequest: ...
    def comment(self, number: int, text: str) -> None: ...
    def close(self, number: int, comment: str, reason: str) -> PullRequest: ...
    def grant(self, pull: PullRequest, wishes: Wishes) -> tuple[Unmet, ...]: ...
    def merge_when_ready(self, pull: PullRequest, method: Method | None) -> tuple[Unmet, ...]: ...
    def statuses(self, sha: str) -> tuple[CommitStatus, ...]: ...
    def login(self) -> str | None: ...
    def check_token(self) -> TokenCheck: ...
    def guards(self, branch: str) -> tuple[str, ...]: ...
    def clock_skew(self) -> float | None: ...
    def commit(
        self, branch: str, expected: str | None, base_sha: str, message: str, contents: Mapping[str, bytes]
    ) -> ApiCommit: ...
    def shutdown(self) -> None: ...


def do_once(act: Callable[[], T], find: Callable[[], T | None], back_off: BackOff) -> T:
    """Do what must not happen twice: when the answer is lost, look whether it happened, and only else do it again."""
    from pipelinegen.edge.http import AnswerLost

    attempt = 1
    while True:
        try:
            return act()
        except (AnswerLost, NotYet) as trouble:
            if (found := find()) is not None:
                return found
            # A branch just pushed to GitLab was seen to be invisible for 37 s (srtab/daiv#1436).
            tries = PATIENT_TRIES if isinstance(trouble, NotYet) else TRIES
            if attempt == tries:
                raise
            back_off(attempt, trouble, tries)
        attempt += 1
