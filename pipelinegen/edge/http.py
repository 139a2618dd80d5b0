"""The one pinned HTTP session of forges and registries: one origin, no redirects, bounded answers, our own retries."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipelinegen.edge.http_rules import CA_VARIABLES, ca_bundle, limit_wait, origin_of, proxies, retry_after
from pipelinegen.errors import WorldError

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
DEADLINE_SECONDS = 300.0
LONGEST_ANSWER = 5 * 1024 * 1024
TRIES = 4
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

_CHUNK = 1024  # small, so that a server that drips is noticed at the deadline


class AnswerLost(WorldError):
    """A request that changes something may have been carried out, and its answer did not arrive: read, then decide."""


class RateLimited(WorldError):
    """The service asks us to come back at a time that is past this run's deadline."""

    def __init__(self, what: str, *, where: str, retry_at: str, details: Sequence[str] = ()) -> None:
        super().__init__(what, id="rate-limited", where=where, next=f"try again after {retry_at}", details=details)
        self.retry_at = retry_at

    def data(self) -> dict[str, object]:
        return {**super().data(), "retry_at": self.retry_at}


def _jitter() -> float:
    import random

    return random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the session sees it; a test gives its own."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = _jitter


class Session:
    """HTTP to one origin. Answers are whole, small and not redirects; what is worth a retry has been retried.

    A 4xx that is not about a rate limit is an answer like any other: the caller knows what it means.
    """

    read_seconds = READ_SECONDS

    def __init__(
        self,
        origin: str,
        *,
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        repeatable: frozenset[str] = IDEMPOTENT,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.origin = origin_of(origin)
        self.clock = clock or Clock()
        self.deadline = self.clock.monotonic() + deadline_seconds
        self.skew: float | None = None  # seconds by which the server's clock was after ours, if it told
        self._repeatable = repeatable
        self._tell = tell
        self._requests = _pinned(self.origin, environ)
        self._requests.headers.update({"User-Agent": "pipelinegen", **(headers or {})})

    def close(self) -> None:
        self._requests.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        json: Any = None,
        auth: AuthBase | None = None,
    ) -> requests.Response:
        """Send, retry what may be retried, and return an answer below 300 or between 400 and 499."""
        method = method.upper()
        if url.startswith("/"):
            url = self.origin + url
        if origin_of(url) != self.origin:
            raise WorldError(
                f"the server pointed to another host, {origin_of(url)}; nothing was sent there",
                id="redirected",
                where=self.origin,
                next="give the address under which the server calls itself (--forge-url)",
            )
        sent = {"params": params, "headers": headers, "data": data, "json": json, "auth": auth}
        for attempt in range(1, TRIES + 1):
            outcome = self._once(method, url, sent)
            if not isinstance(outcome, _Trouble):
                return outcome
            if attempt == TRIES or not (outcome.untouched or method in self._repeatable):
                raise outcome.error
            self._pause(attempt, outcome)
        raise WorldError("no try was made", id="net", where=self.origin)

    def back_off(self, attempt: int, why: WorldError, tries: int = TRIES, wait: float | None = None) -> None:
        """Wait before a try that the caller makes on its own, within the deadline; `wait`: as the server asked."""
        self._pause(attempt, _Trouble(why, untouched=True, wait=wait), tries)

    def _once(self, method: str, url: str, sent: dict[str, Any]) -> requests.Response | _Trouble:
        import requests

        left = self.deadline - self.clock.monotonic()
        if left <= 0:
            raise self._out_of_time(WorldError)
        try:
            answer = self._requests.request(
                method,
                url,
                **sent,
                stream=True,
                allow_redirects=False,
                timeout=(min(CONNECT_SECONDS, left), min(self.read_seconds, left)),
            )
            answer.raw = _Bounded(answer.raw, lambda received: self._check(received, self._kind(method)))
            with answer:
                body = answer.content
        except requests.exceptions.RequestException as error:
            return self._failed(method, error)
        answer.encoding = "utf-8"
        self.skew = _skew(answer.headers.get("Date"), self.clock.now())
        return self._judged(method, answer, body)

    def _judged(self, method: str, answer: requests.Response, body: bytes) -> requests.Response | _Trouble:
        status = answer.status_code
        if 300 <= status < 400:
            raise WorldError(
                f"the server answered {status} and pointed to {_target(answer)}; redirects are not followed",
                id="redirected",
                where=self.origin,
                next="if the repository was renamed or moved, give its new address",
            )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        now = self.clock.now()
        wait = limit_wait(status, headers, body[:2000].decode("utf-8", "replace"), now)
        if wait is not None:
            at = moment(now + wait)
            limited = RateLimited(
                f"rate limit reached ({status})", where=self.origin, retry_at=at, details=_words(body)
            )
            return _Trouble(limited, untouched=True, wait=wait)
        if status >= 500:
            error = self._kind(method)(
                f"the server answered {status}", id="server-refused", where=self.origin, details=_words(body)
            )
            return _Trouble(error, wait=retry_after(headers.get("retry-after"), now))
        return answer

    def _failed(self, method: str, error: requests.exceptions.RequestException) -> _Trouble:
        import requests

        cause = _root(error)
        if isinstance(error, requests.exceptions.SSLError) and "certificate" in cause.lower():
            raise WorldError(
                "the server's certificate was not accepted",
                id="tls",
                where=self.origin,
                details=[cause],
                next=f"name your certificate authority's file in {' or '.join(CA_VARIABLES)}",
            ) from error
        untouched = not _was_sent(error)
        kind = WorldError if untouched else self._kind(method)
        if isinstance(error, requests.exceptions.ProxyError):
            return _Trouble(
                kind("the proxy did not let us through", id="net", where=self.origin, details=[cause],
                     next="check HTTPS_PROXY and NO_PROXY"),
                untouched=True,
            )  # fmt: skip
        if isinstance(error, requests.exceptions.Timeout):
            return _Trouble(kind("the server did not answer in time", id="timeout", where=self.origin), untouched)
        return _Trouble(kind("the connection failed", id="net", where=self.origin, details=[cause]), untouched)

    def _pause(self, attempt: int, trouble: _Trouble, tries: int = TRIES) -> None:
        wait = trouble.wait
        if wait is None:
            wait = min(30.0, 0.5 * 2**attempt) * self.clock.jitter()
        if self.clock.monotonic() + wait > self.deadline:
            raise trouble.error
        self._tell(f"{trouble.error.what}, trying again in {wait:.0f} s, {attempt + 1} of {tries}")
        self.clock.sleep(wait)

    def _check(self, received: int, kind: type[WorldError]) -> None:
        if received > LONGEST_ANSWER:
            raise kind(f"the answer is longer than {LONGEST_ANSWER} bytes", id="server-refused", where=self.origin)
        if self.clock.monotonic() > self.deadline:
            raise self._out_of_time(kind)

    def _kind(self, method: str) -> type[WorldError]:
        return WorldError if method in self._repeatable else AnswerLost

    def _out_of_time(self, kind: type[WorldError]) -> WorldError:
        return kind("the time for this run is used up", id="timeout", where=self.origin)


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A failed try: the error it becomes, whether the server surely did nothing, and the wait it asked for."""

    error: WorldError
    untouched: bool = False
    wait: float | None = None


class _Bounded:
    """The raw answer of urllib3, with a check between chunks."""

    def __init__(self, raw: Any, check: Callable[[int], None]) -> None:
        self._raw = raw
        self._check = check

    def stream(self, _: int, decode_content: bool = True) -> Iterator[bytes]:
        received = 0
        for chunk in self._raw.stream(_CHUNK, decode_content=decode_content):
            received += len(chunk)
            self._check(received)
            yield chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


def _pinned(origin: str, environ: Mapping[str, str]) -> requests.Session:
    import requests
    from requests.adapters import HTTPAdapter

    class Unmoved(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """No answer is a redirect. (With one, requests reads its whole body first, of any length.)"""

    session = Unmoved()
    # trust_env would read ~/.netrc, and with it send someone else's credentials; what we want of the environment
    # (proxies, certificates) is read here by name.
    session.trust_env = False
    session.max_redirects = 0
    session.verify = ca_bundle(environ)
    session.proxies = proxies(origin, environ)
    session.adapters.clear()
    session.mount(f"{origin}/", HTTPAdapter(max_retries=0))
    return session


def _was_sent(error: BaseException) -> bool:
    """Whether the request may have reached the server: not when the connection was never made."""
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return False
    return not any(isinstance(link, NewConnectionError | ConnectTimeoutError | ProxyError) for link in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    pending = [error]
    while pending and len(seen) < 20:
        link = pending.pop()
        if link in seen:
            continue
        seen.append(link)
        yield link
        following = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        pending += [other for other in following if isinstance(other, BaseException)]


def _root(error: BaseException) -> str:
    """The innermost cause, in one line. The outer ones repeat the URL and the proxy, with its password."""
    links = list(_chain(error))
    system = [link.strerror for link in links if isinstance(link, OSError) and link.strerror]
    named = [str(link) for link in links if str(link) and "://" not in str(link) and "HTTP" not in str(link)]
    return (system or named or [type(error).__name__])[-1][:300]


def _target(answer: requests.Response) -> str:
    parts = urlsplit(answer.headers.get("location", ""))
    return f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path or "nowhere"


def _skew(date: str | None, now: float) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() - now if date else None
    except ValueError:
        return None


def _words(body: bytes) -> list[str]:
    text = body[:4000].decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        return []  # a proxy's or load balancer's page says nothing that the status did not
    return [line[:300] for line in text.splitlines() if line.strip()][:10]


def moment(seconds: float) -> str:
    """A time as it is told: in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(max(seconds, 0.0), 253402300799.0)))
