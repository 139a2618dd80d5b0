"""Requests to the git server of the tests, and what may go wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; `authorization` is the raw header, `sent` the body bytes of the answer."""

    method: str
    path: str
    query: str
    user: str | None
    authorization: str | None
    protocol: str | None
    received: int
    status: int = 0
    sent: int = 0


Matches: TypeAlias = Callable[[Request], bool]


def anything(_: Request) -> bool:
    return True


def fetch(request: Request) -> bool:
    """The request that carries refs or objects to the client."""
    return request.path.endswith("/git-upload-pack")


def push(request: Request) -> bool:
    """The request that carries objects to the server."""
    return request.path.endswith("/git-receive-pack")


def discovery(request: Request) -> bool:
    return request.path.endswith("/info/refs")


def push_discovery(request: Request) -> bool:
    return discovery(request) and "git-receive-pack" in request.query


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status and do nothing."""

    code: int
    body: bytes = b"fault\n"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client elsewhere: the same path and query below `to`."""

    to: str
    code: int = 302


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing until the client or the server gives up."""


@dataclass(frozen=True, slots=True)
class ResetBefore:
    """Reset the connection; nothing was done."""


@dataclass(frozen=True, slots=True)
class ResetAfter:
    """Do it, then reset the connection without an answer."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """Do it, send so many bytes of the answer, then close."""

    after: int


@dataclass(frozen=True, slots=True)
class Slow:
    """Do it, send the answer drop by drop."""

    bytes_per_second: int


Fault: TypeAlias = "Status | Redirect | Hang | ResetBefore | ResetAfter | Truncate | Slow"
