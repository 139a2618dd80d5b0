"""From an address and the environment to a manifest repository and its forge, ready to be asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pipelinegen.edge.backoff import Deadline, Timing
from pipelinegen.edge.ci import CiContext, forge_token, forge_user, read_ci
from pipelinegen.edge.git.address import parse_address
from pipelinegen.edge.git.askpass import Credentials
from pipelinegen.edge.git.remote import RemoteRepository
from pipelinegen.errors import InputError
from pipelinegen.redact import Redactor, Secret
from pipelinegen.report import Report

if TYPE_CHECKING:
    from pipelinegen.edge.forge.address import Address
    from pipelinegen.edge.forge.port import Forge
    from pipelinegen.edge.http import Clock


class Patience(NamedTuple):
    """By which clocks is waited, and how long for a git server that stands still; None: as the edge has it."""

    timing: Timing = Timing()
    stall_seconds: int | None = None
    clock: Clock | None = None


APP_TOKEN = "ghs_"  # noqa: S105 - how the tokens of GitHub Apps begin, and no token

# A run that must not wait replaces this one value.
PATIENCE = Patience()


class Place(NamedTuple):
    """Where the manifest repository is: its address, who keeps its pull requests, and its branch to change."""

    repository: str
    forge: str | None = None
    forge_url: str | None = None
    base: str | None = None


class Connection(NamedTuple):
    """An open manifest repository, its forge (None: not asked for) and the CI that we run in.

    by_app: the token is one of a GitHub App, whose commits GitHub signs when it makes them.
    """

    remote: RemoteRepository
    forge: Forge | None
    ci: CiContext
    by_app: bool = False


@contextmanager
def connect(place: Place, report: Report, *, with_forge: bool, seconds: float | None = None) -> Iterator[Connection]:
    """Open what a delivery talks to. Tokens come from the environment, and are masked in all that is printed.

    seconds: how long all of it may take, where that is longer than a delivery.
    """
    ci = read_ci(os.environ)
    address = parse_address(place.repository)
    home = _home(place, ci, with_forge=with_forge)
    token = forge_token(home.kind, os.environ)
    mask(report, token)
    credentials = Credentials(forge_user(home.kind, os.environ), token) if token and address.kind != "file" else None
    with RemoteRepository(
        address,
        credentials,
        base=place.base,
        deadline=Deadline(seconds, PATIENCE.timing) if seconds else None,
        timing=PATIENCE.timing,
        tell=report.detail,
        stall_seconds=PATIENCE.stall_seconds,
    ) as remote:
        if not with_forge:
            yield Connection(remote, None, ci)
            return
        from pipelinegen.edge.forge import forge_for
        from pipelinegen.edge.http import DEADLINE_SECONDS

        forge = forge_for(
            place.repository,
            place.forge,
            place.forge_url,
            token,
            ci,
            clock=PATIENCE.clock,
            tell=report.detail,
            deadline_seconds=seconds or DEADLINE_SECONDS,
        )
        try:
            yield Connection(remote, forge, ci, by_app=token is not None and token.value.startswith(APP_TOKEN))
        finally:
            forge.shutdown()


def _home(place: Place, ci: CiContext, *, with_forge: bool) -> Address:
    """Where the repository lives. A forge that is not asked for anything need not be known."""
    from pipelinegen.edge.forge.address import locate

    try:
        return locate(place.repository, place.forge, place.forge_url, ci)
    except InputError:
        if with_forge or place.forge is not None or place.forge_url is not None:
            raise
        return locate(place.repository, "none", None, ci)


def mask(report: Report, secret: Secret | None) -> None:
    """Never print this secret, in any form."""
    if secret is not None:
        before = report.mask
        redact = Redactor((secret,)).mask
        report.mask = lambda text: redact(before(text))
