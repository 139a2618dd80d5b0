"""Requests to one registry: its address, its login, and the redirects of reads, which never carry a credential away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from pipelinegen.edge.http import IDEMPOTENT, Clock, Session
from pipelinegen.edge.http_rules import is_loopback, origin_of
from pipelinegen.edge.registry.credentials import Keyring
from pipelinegen.edge.registry.login import Login
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.reference import DOCKER_HUB

if TYPE_CHECKING:
    import requests

HUB_ADDRESS = "https://registry-1.docker.io"
LONGEST_CHAIN = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def address(registry: str) -> str:
    """Where a registry answers: https, and http where it is on a loopback address."""
    if registry == DOCKER_HUB:
        return HUB_ADDRESS
    host = urlsplit(f"//{registry}").hostname or registry
    return origin_of(f"{'http' if is_loopback(host) else 'https'}://{registry}")


class Line(Session):
    """A session in which a redirect is an answer, each request has its own time, and a dead server stays dead."""

    def __init__(
        self, origin: str, *, patience: float, environ: Mapping[str, str], clock: Clock, tell: Callable[[str], None]
    ) -> None:
        # Asking for a token by POST changes nothing that a second try would do twice.
        super().__init__(origin, environ=environ, clock=clock, tell=tell, repeatable=IDEMPOTENT | {"POST"})
        self._patience = patience
        self._down: WorldError | None = None

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> requests.Response:
        """The answer to a request. Once a server has not answered at all, the next images do not wait for it again."""
        if self._down is not None:
            raise self._down
        self.deadline = self.clock.monotonic() + self._patience
        try:
            return self.request(method, url, headers={"Accept-Encoding": "identity", **headers}, data=form)
        except WorldError as error:
            self._down = error
            raise

    def _judged(self, method: str, answer: requests.Response, body: bytes) -> Any:
        return answer if answer.status_code in _REDIRECTS else super()._judged(method, answer, body)


class Connections:
    """The open sessions, one for each origin."""

    def __init__(self, environ: Mapping[str, str], clock: Clock, patience: float, tell: Callable[[str], None]) -> None:
        self._environ = environ
        self._clock = clock
        self._patience = patience
        self._tell = tell
        self._lines: dict[str, Line] = {}

    def open(self, origin: str) -> Line:
        if origin not in self._lines:
            self._lines[origin] = Line(
                origin, patience=self._patience, environ=self._environ, clock=self._clock, tell=self._tell
            )
        return self._lines[origin]

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        while self._lines:
            self._lines.popitem()[1].close()


class Connection:
    """One registry: every request authenticated as it asks, redirects followed for reads."""

    def __init__(
        self,
        registry: str,
        connections: Connections,
        keyring: Keyring,
        clock: Clock,
        on_secret: Callable[[str, str], object],
    ) -> None:
        self.registry = registry
        self.origin = address(registry)
        self._connections = connections
        self.login = Login(registry, self.origin, keyring, connections.open, on_secret, clock.monotonic)

    def read(self, method: str, path: str, url: str, accept: str = "*/*") -> requests.Response:
        """HEAD or GET for the repository at `path`: whatever is answered in the end, redirects followed."""
        answer = self._authenticated(method, path, url, {"Accept": accept})
        for _ in range(LONGEST_CHAIN):
            if answer.status_code not in _REDIRECTS:
                return answer
            target = self._target(answer)
            if origin_of(target) == self.origin:
                answer = self._authenticated(method, path, target, {"Accept": accept})
            else:
                # Blobs of most registries are elsewhere, and manifests of some (registry.k8s.io): open to everyone
                # who has the address, and no business of the credential.
                answer = self._connections.open(origin_of(target)).ask(method, target, {"Accept": accept})
        raise WorldError(f"more than {LONGEST_CHAIN} redirects", id="redirected", where=self.registry)

    def _authenticated(self, method: str, path: str, url: str, headers: Mapping[str, str]) -> requests.Response:
        line = self._connections.open(self.origin)
        answer = line.ask(method, url, {**headers, **_authorization(self.login.header(path))})
        if answer.status_code == 401:
            header = self.login.answer(answer.headers, path)
            if header is not None:
                answer = line.ask(method, url, {**headers, **_authorization(header)})
        return answer

    def _target(self, answer: requests.Response) -> str:
        target = urljoin(answer.url, answer.headers.get("location", ""))
        try:
            origin = origin_of(target)
        except InputError:
            origin = ""
        if not origin or (origin.startswith("http:") and not self.origin.startswith("http:")):
            host = urlsplit(target).hostname or "nowhere"
            raise WorldError(
                f"the registry answered {answer.status_code} and pointed to {host} without https; nothing was sent",
                id="redirected",
                where=self.registry,
            )
        return target


def _authorization(header: str | None) -> dict[str, str]:
    return {} if header is None else {"Authorization": header}
