"""No forge: the branch is all there is, and the pull request is a text for a person to use."""

# ruff: noqa: ARG002 - the port's signatures, and nothing to do with their arguments

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from pipelinegen.edge.forge.address import Address
from pipelinegen.edge.forge.port import ApiCommit, CommitStatus, Method, PullRequest, TokenCheck, Unmet, Wishes
from pipelinegen.errors import InputError


class NoForge:
    """The port of a git server that has no pull requests: there are none, and none can be opened."""

    noun = "pull request"
    makes_commits = False

    def __init__(self, address: Address) -> None:
        self.address = address

    def shutdown(self) -> None:
        """Nothing was opened."""

    def find_open(self, branch: str, base: str) -> PullRequest | None:
        return None

    def find_any(self, branch: str) -> PullRequest | None:
        return None

    def grant(self, pull: PullRequest, wishes: Wishes) -> tuple[Unmet, ...]:
        return ()

    def merge_when_ready(self, pull: PullRequest, method: Method | None) -> tuple[Unmet, ...]:
        return ()

    def statuses(self, sha: str) -> tuple[CommitStatus, ...]:
        return ()

    def login(self) -> str | None:
        return None

    def check_token(self) -> TokenCheck:
        return TokenCheck(None, None, None, None)

    def guards(self, branch: str) -> tuple[str, ...]:
        del branch
        return ()

    def clock_skew(self) -> float | None:
        return None

    def tip(self, branch: str) -> str | None:
        self._no()

    def default_branch(self) -> str:
        self._no()

    def get(self, number: int) -> PullRequest:
        self._no()

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool = False) -> PullRequest:
        self._no()

    def update(self, number: int, *, title: str, body: str) -> PullRequest:
        self._no()

    def comment(self, number: int, text: str) -> None:
        self._no()

    def close(self, number: int, comment: str, reason: str) -> PullRequest:
        self._no()

    def commit(
        self, branch: str, expected: str | None, base_sha: str, message: str, contents: Mapping[str, bytes]
    ) -> ApiCommit:
        self._no()

    def _no(self) -> NoReturn:
        raise InputError("there is no forge to ask", id="bad-config", where="--forge none", next="name the forge")


def by_hand(branch: str, base: str, title: str, body: str) -> str:
    """The text to show in place of a pull request, and how to look at the change."""
    look = f"git fetch origin {base} {branch} && git diff origin/{base}...origin/{branch}"
    return f"{title}\n\n{body}\n\nTo look at it: {look}\n"
