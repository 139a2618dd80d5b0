"""Checks of the manifest repository and its forge: reached, token, rights, protection, clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from pipelinegen.commands.checking.finding import Finding, failed
from pipelinegen.commands.connect import Connection, Place, connect
from pipelinegen.edge.ci import forge_token, read_ci
from pipelinegen.errors import NotPermitted, PipelinegenError

if TYPE_CHECKING:
    from pipelinegen.config import Config
    from pipelinegen.edge.forge.address import Address
    from pipelinegen.edge.forge.port import Forge, TokenCheck
    from pipelinegen.report import Report

SECONDS = 30.0
# GitHub takes the signed requests of an App for a minute around its own time, registries their tokens about as long.
MOST_SKEW = 60.0
_SCOPES = {
    "github": "give the token Contents: write and Pull requests: write on the repository (classic: the scope repo)",
    "gitlab": "make a token with the scope api and the role Developer: Settings → Access tokens of the project",
}


def findings(config: Config | None, named: str | None, report: Report) -> Iterator[Finding]:
    """All that can be asked of the manifest repository; what follows from a failure is left out."""
    from pipelinegen.edge.forge.address import locate
    from pipelinegen.edge.git.address import is_url

    url = named or (config.manifests.repository if config is not None else None)
    if url is None:
        yield Finding("manifest repository", "unsure", "none is configured", "manifests: {repository: URL}, or --repo")
        return
    if not is_url(url):
        yield _folder(url, config)
        return
    kind, api = (config.manifests.forge, config.manifests.forge_url) if config is not None else (None, None)
    try:
        address = locate(url, kind, api, read_ci(os.environ))
    except PipelinegenError as error:
        yield _failed("manifest repository", error)
        return
    token = forge_token(address.kind, os.environ)
    yield from _token_source(address, token is not None, os.environ)
    place = Place(url, kind, api, config.manifests.base if config is not None else None)
    try:
        with connect(place, report, with_forge=token is not None and address.kind != "none", seconds=SECONDS) as open_:
            yield from _asked(open_, address, config)
    except PipelinegenError as error:
        yield _failed("forge", error)


def _folder(url: str, config: Config | None) -> Finding:
    place = os.path.join(config.folder, url) if config is not None else url
    if os.path.isdir(place):
        return Finding("manifest repository", "ok", f"{url}: a folder")
    return Finding("manifest repository", "bad", f"{url}: no such folder", f"git clone it to {url}")


def _token_source(address: Address, there: bool, environ: Mapping[str, str]) -> Iterator[Finding]:
    if address.kind == "none":
        return
    variable = "GH_TOKEN" if address.kind == "github" else "GITLAB_TOKEN"
    if not there:
        why = f"none for {address.server}: nothing can be pushed there, and no pull request opened"
        yield Finding("token", "bad", why, f"set PIPELINEGEN_TOKEN or {variable}")
    elif _is_default(environ):
        why = "it is the token that GitHub Actions gives to every job: pull requests that it opens start no checks"
        mend = "use the token of a GitHub App (actions/create-github-app-token); docs/github.md says how"
        yield Finding("checks of pull requests", "bad", why, mend)


def _is_default(environ: Mapping[str, str]) -> bool:
    """Whether the token is the one of the job: ghs_ is also how those of Apps begin, so it is compared."""
    token = forge_token("github", environ)
    return environ.get("GITHUB_ACTIONS") == "true" and token is not None and token.name == "GITHUB_TOKEN"


def _asked(connection: Connection, address: Address, config: Config | None) -> Iterator[Finding]:
    reached = _try("manifest repository", lambda: _reached(connection))
    yield reached
    forge = connection.forge
    if forge is None:
        return
    try:
        check = forge.check_token()
    except PipelinegenError as error:
        yield _failed("token", error)
        return
    yield _rights(check, address)
    yield from _protection(forge, config)
    if (skew := forge.clock_skew()) is not None:
        yield _clock(skew)


def _reached(connection: Connection) -> Finding:
    names = connection.remote.refs("HEAD")
    what = "reached" if names else "reached; it has no commit yet"
    return Finding("manifest repository", "ok", f"{connection.remote.address.url}: {what}")


def _rights(check: TokenCheck, address: Address) -> Finding:
    who = f"{check.login or 'the token'}"
    scopes = f", scopes {', '.join(check.scopes) or 'none'}" if check.scopes is not None else ""
    expires = f", until {check.expires}" if check.expires else ""
    if check.missing:
        why = f"{who} lacks {', '.join(check.missing)}{scopes}{expires}"
        return Finding("token", "bad", why, _SCOPES[address.kind])
    return Finding("token", "ok", f"{who} may push{scopes}{expires}")


def _protection(forge: Forge, config: Config | None) -> Iterator[Finding]:
    """Branches that are pushed to without a pull request."""
    if config is None:
        return
    deliveries = {name: config.manifests.delivery(name) for name in config.manifests.environments}
    pushed = {name: each for name, each in deliveries.items() if each.deliver == "push"}
    default = forge.default_branch() if pushed else ""
    for branch in sorted({each.base or default for each in pushed.values()}):
        names = ", ".join(name for name, each in pushed.items() if (each.base or default) == branch)
        yield _try(f"branch {branch}", partial(_guarded, forge, branch, names))


def _guarded(forge: Forge, branch: str, names: str) -> Finding:
    guards = forge.guards(branch)
    if not guards:
        return Finding(f"branch {branch}", "ok", f"nothing forbids the push for {names}")
    mend = "let the App or user of the token pass by the rule, or write deliver: pull-request"
    return Finding(f"branch {branch}", "bad", f"the push for {names} would be refused: {'; '.join(guards)}", mend)


def _clock(skew: float) -> Finding:
    if abs(skew) <= MOST_SKEW:
        return Finding("clock", "ok", f"within {MOST_SKEW:.0f} s of the forge's")
    why = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the forge's: tokens are refused, ages are wrong"
    return Finding("clock", "bad", why, "set the clock: timedatectl set-ntp true")


def _try(subject: str, ask: Callable[[], Finding]) -> Finding:
    try:
        return ask()
    except PipelinegenError as error:
        return _failed(subject, error)


def _failed(subject: str, error: PipelinegenError) -> Finding:
    """As `failed`; what the token may not do is about the token, whatever was asked."""
    return failed("token" if isinstance(error, NotPermitted) else subject, error)
