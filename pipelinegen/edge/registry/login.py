"""How requests to one registry are authenticated: Basic, or Bearer with tokens that are fetched where it says."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pipelinegen.edge.http_rules import is_loopback, origin_of
from pipelinegen.edge.registry.answers import not_permitted, refused, words
from pipelinegen.edge.registry.authfile import Credential
from pipelinegen.edge.registry.challenge import Challenge, parse_challenges
from pipelinegen.edge.registry.credentials import Keyring
from pipelinegen.errors import InputError, WorldError

if TYPE_CHECKING:
    from pipelinegen.edge.registry.line import Line

# "When omitted, this defaults to 60 seconds" (distribution, docs/spec/auth/token.md).
TOKEN_SECONDS = 60.0
CLIENT_ID = "pipelinegen"


class Rights(NamedTuple):
    """What requests are to be allowed to do with a repository, and scopes beside it (one to mount blobs from)."""

    actions: str = "pull"
    also: tuple[str, ...] = ()

    def scope(self, path: str, asked: str = "") -> str:
        """The scope to ask a token for, where the registry's own challenge asked for `asked`."""
        if self == PULL:
            return asked or f"repository:{path}:pull"
        # What a registry names differs from the path of the request on some of them (Artifactory), so it is kept.
        named = [scope.split(":") for scope in asked.split()] or [["repository", path, ""]]
        widened = [":".join([*each[:-1], _union(each[-1], self.actions)]) for each in named if len(each) > 2]
        return " ".join(dict.fromkeys([*widened, *self.also]))


PULL = Rights()


class _Token(NamedTuple):
    value: str
    expires: float


class Login:
    """What one registry asks for, and what it was shown: remembered, so that only the first request is asked twice.

    open_line: gives the session pinned to an origin. on_secret: told of each token before it is used.
    """

    def __init__(
        self,
        registry: str,
        origin: str,
        keyring: Keyring,
        open_line: Callable[[str], Line],
        on_secret: Callable[[str, str], object],
        monotonic: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._loopback = is_loopback(urlsplit(origin).hostname or "")
        self._keyring = keyring
        self._open_line = open_line
        self._on_secret = on_secret
        self._monotonic = monotonic
        self._challenge: Challenge | None = None
        self._tokens: dict[tuple[str, Credential | None], _Token] = {}
        self._scopes: dict[tuple[str, Rights], str] = {}

    def source(self, path: str) -> str | None:
        """Where the credential for a repository is from, for messages."""
        credential = self._keyring.find(self._registry, path)
        return credential.source if credential is not None else None

    def header(self, path: str, rights: Rights = PULL) -> str | None:
        """The Authorization of a request, as far as it is known before the registry has asked for one."""
        if self._challenge is None:
            return None
        credential = self._keyring.find(self._registry, path)
        if self._challenge.scheme == "basic":
            return _basic(credential)
        scope = self._scopes.get((path, rights)) or rights.scope(path)
        return self._bearer(self._challenge, scope, path, credential)

    def answer(self, headers: Mapping[str, str], path: str, rights: Rights = PULL) -> str | None:
        """The Authorization that a 401 asks for, freshly made; None when there is nothing to show."""
        challenge = _preferred(parse_challenges(headers.get("www-authenticate", "")))
        if challenge is None:
            return None
        self._challenge = challenge
        credential = self._keyring.find(self._registry, path)
        if challenge.scheme == "basic":
            return _basic(credential)
        scope = rights.scope(path, challenge.parameters.get("scope", ""))
        if rights != PULL:
            self._scopes[path, rights] = scope
        self._tokens.pop((scope, credential), None)
        return self._bearer(challenge, scope, path, credential)

    def _bearer(self, challenge: Challenge, scope: str, path: str, credential: Credential | None) -> str:
        if credential is not None and credential.registry_token:
            return f"Bearer {credential.registry_token}"
        token = self._tokens.get((scope, credential))
        if token is None or token.expires <= self._monotonic():
            token = self._tokens[scope, credential] = self._fetch(challenge, scope, path, credential)
        return f"Bearer {token.value}"

    def _fetch(self, challenge: Challenge, scope: str, path: str, credential: Credential | None) -> _Token:
        realm = challenge.parameters.get("realm", "")
        line = self._open_line(self._realm_origin(realm))
        asked = {"service": challenge.parameters.get("service", ""), "scope": scope}
        if credential is not None and credential.identity_token:
            form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": credential.identity_token}
            answer = line.ask("POST", realm, {"Accept": "application/json"}, {**asked, **form})
        else:
            answer = line.ask("GET", _with_query(realm, asked, credential), _headers(credential))
        if answer.status_code in (401, 403):
            source = credential.source if credential is not None else None
            raise not_permitted(self._registry, path, source, words(answer.content))
        if answer.status_code != 200:
            raise refused(line.origin, answer.status_code, "a token", words(answer.content))
        token = _read_token(answer.content, self._registry, self._monotonic())
        self._on_secret(f"token of {self._registry}", token.value)
        return token

    def _realm_origin(self, realm: str) -> str:
        """The registry names the host that gets its credential: https, or loopback where it is loopback itself."""
        try:
            origin = origin_of(realm)
        except InputError:
            origin = ""
        if not origin or (origin.startswith("http:") and not self._loopback):
            raise WorldError(
                "the registry says that tokens are given at an address that is not https; nothing was sent there",
                id="server-refused",
                where=self._registry,
            )
        return origin


def _union(one: str, other: str) -> str:
    return ",".join(dict.fromkeys([*filter(None, one.split(",")), *other.split(",")]))


def _preferred(challenges: list[Challenge]) -> Challenge | None:
    """Bearer before Basic: what it sends to the registry is short-lived and for one repository."""
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme and (scheme == "basic" or challenge.parameters.get("realm")):
                return challenge
    return None


def _basic(credential: Credential | None) -> str | None:
    if credential is None or not credential.password:
        return None
    return "Basic " + base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def _headers(credential: Credential | None) -> dict[str, str]:
    basic = _basic(credential)
    return {"Accept": "application/json", **({"Authorization": basic} if basic else {})}


def _with_query(realm: str, asked: Mapping[str, str], credential: Credential | None) -> str:
    parts = urlsplit(realm)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [("account", credential.username)] if credential is not None and credential.username else []
    query += [("service", asked["service"])] if asked["service"] else []
    # One parameter for each scope, as Docker's own client sends them.
    query += [("scope", scope) for scope in asked["scope"].split()]
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def _read_token(body: bytes, registry: str, now: float) -> _Token:
    try:
        content = json.loads(body)
        value = content.get("token") or content.get("access_token")
        seconds = content.get("expires_in")
    except (ValueError, AttributeError, RecursionError):
        value = seconds = None
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise WorldError("the token server's answer holds no token", id="server-refused", where=registry)
    lasts = float(seconds) if isinstance(seconds, int | float) and 0 < seconds < 1e9 else TOKEN_SECONDS
    return _Token(value, now + lasts)
