"""Forges: one port, one member for each kind, chosen by address; their libraries are imported when one is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pipelinegen.edge.ci import CiContext, forge_token
from pipelinegen.edge.forge.address import Address, locate
from pipelinegen.edge.forge.port import Forge
from pipelinegen.errors import NotPermitted
from pipelinegen.redact import Secret

if TYPE_CHECKING:
    from pipelinegen.edge.http import Clock, Session


def _github(address: Address, token: Secret, session: Session) -> Forge:
    from pipelinegen.edge.forge.github import GitHub

    return GitHub(address, token, session)


def _gitlab(address: Address, token: Secret, session: Session) -> Forge:
    from pipelinegen.edge.forge.gitlab import GitLab

    return GitLab(address, token, session)


FORGES: dict[str, Callable[[Address, Secret, Session], Forge]] = {"github": _github, "gitlab": _gitlab}
VARIABLES = {"github": "PIPELINEGEN_TOKEN or GH_TOKEN", "gitlab": "PIPELINEGEN_TOKEN or GITLAB_TOKEN"}


def forge_for(
    url: str,
    kind: str | None,
    api_url: str | None,
    token: Secret | None,
    ci: CiContext,
    *,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    deadline_seconds: float = 300.0,
    tell: Callable[[str], None] = lambda _: None,
) -> Forge:
    """The forge of a manifest repository: by --forge, else by its host, the CI or the API's address.

    Without a token given, the one that the environment has for this kind of forge is used.
    """
    address = locate(url, kind, api_url, ci)
    if address.kind == "none":
        from pipelinegen.edge.forge.none import NoForge

        return NoForge(address)
    environ = os.environ if environ is None else environ
    token = token or forge_token(address.kind, environ)
    if token is None:
        raise NotPermitted(
            f"no token for {address.server}",
            id="no-token",
            where=address.web,
            next=f"set {VARIABLES[address.kind]} (or --forge none to push the branch only)",
        )
    return FORGES[address.kind](address, token, _session(address, environ, clock, deadline_seconds, tell))


def _session(
    address: Address,
    environ: Mapping[str, str],
    clock: Clock | None,
    deadline_seconds: float,
    tell: Callable[[str], None],
) -> Session:
    from pipelinegen.edge.http import IDEMPOTENT, Session
    from pipelinegen.edge.http_rules import origin_of

    # Every PATCH of ours sets whole values, so that a second one does what the first did.
    repeatable = IDEMPOTENT | {"PATCH"}
    return Session(
        origin_of(address.api),
        environ=environ,
        clock=clock,
        deadline_seconds=deadline_seconds,
        repeatable=repeatable,
        tell=tell,
    )
