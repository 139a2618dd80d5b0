"""Requests to one registry: its address, its login, and redirects, which never carry a credential away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from pipelinegen.edge.http import Clock
from pipelinegen.edge.http_rules import is_loopback, origin_of
from pipelinegen.edge.registry.credentials import Keyring
from pipelinegen.edge.registry.line import REDIRECTS, Carrier, Line, Part, Sink
from pipelinegen.edge.registry.login import PULL, Login, Rights
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.reference import DOCKER_HUB

if TYPE_CHECKING:
    import requests

HUB_ADDRESS = "https://registry-1.docker.io"
LONGEST_CHAIN = 5


def address(registry: str) -> str:
    """Where a registry answers: https, and http where it is on a loopback address."""
    if registry == DOCKER_HUB:
        return HUB_ADDRESS
    host = urlsplit(f"//{registry}").hostname or registry
    return origin_of(f"{'http' if is_loopback(host) else 'https'}://{registry}")


class Connections:
    """The open sessions, two at most for each origin."""

    def __init__(self, environ: Mapping[str, str], clock: Clock, patience: float, tell: Callable[[str], None]) -> None:
        self._environ = environ
        self._clock = clock
        self._patience = patience
        self._tell = tell
        self._lines: dict[str, Line] = {}
        self._carriers: dict[str, Carrier] = {}

    def open(self, origin: str) -> Line:
        if origin not in self._lines:
            self._lines[origin] = Line(
                origin, patience=self._patience, environ=self._environ, clock=self._clock, tell=self._tell
            )
        return self._lines[origin]

    def carrier(self, origin: str) -> Carrier:
        if origin not in self._carriers:
            self._carriers[origin] = Carrier(origin, environ=self._environ, clock=self._clock, tell=self._tell)
        return self._carriers[origin]

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        while self._lines:
            self._lines.popitem()[1].close()
        while self._carriers:
            self._carriers.popitem()[1].close()


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

    def read(self, method: str, path: str, url: str, accept: str = "*/*", rights: Rights = PULL) -> requests.Response:
        """HEAD or GET for the repository at `path`: whatever is answered in the end, redirects followed."""
        headers = {"Accept": accept}
        answer = self.ask(method, path, url, headers, rights=rights)
        for _ in range(LONGEST_CHAIN):
            if answer.status_code not in REDIRECTS:
                return answer
            target = self.target(answer)
            if origin_of(target) == self.origin:
                answer = self.ask(method, path, target, headers, rights=rights)
            else:
                # Blobs of most registries are elsewhere, and manifests of some (registry.k8s.io): open to everyone
                # who has the address, and no business of the credential.
                answer = self._connections.open(origin_of(target)).ask(method, target, headers)
        raise self._too_many()

    def ask(
        self,
        method: str,
        path: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        rights: Rights = PULL,
    ) -> requests.Response:
        """One request that may be asked again, to the registry itself; a redirect is an answer."""
        line = self._connections.open(self.origin)
        answer = line.ask(method, url, {**headers, **self._shown(path, rights)}, body)
        if shown := self._answer(answer, path, rights):
            answer = line.ask(method, url, {**headers, **shown}, body)
        return answer

    def send(
        self, method: str, path: str, url: str, headers: Mapping[str, str], part: Part | bytes, rights: Rights
    ) -> requests.Response:
        """Content, sent once, for the repository at `path`; to another origin without the credential."""
        origin = origin_of(url)
        carrier = self._connections.carrier(origin)
        if origin != self.origin:
            return carrier.send(method, url, headers, part)
        answer = carrier.send(method, url, {**headers, **self._shown(path, rights)}, part)
        if shown := self._answer(answer, path, rights):
            answer = carrier.send(method, url, {**headers, **shown}, part)
        return answer

    def pour(self, path: str, url: str, headers: Mapping[str, str], size: int, sink: Sink) -> requests.Response:
        """GET of content for the repository at `path`, into `sink`, redirects followed. Raises for a failed try."""
        for _ in range(LONGEST_CHAIN):
            origin = origin_of(url)
            carrier = self._connections.carrier(origin)
            shown = self._shown(path, PULL) if origin == self.origin else {}
            answer = carrier.pour(url, {**headers, **shown}, size, sink)
            if origin == self.origin and (shown := self._answer(answer, path, PULL)):
                answer = carrier.pour(url, {**headers, **shown}, size, sink)
            if answer.status_code not in REDIRECTS:
                return answer
            url = self.target(answer)
        raise self._too_many()

    def wait(self, attempt: int, why: WorldError, tries: int) -> None:
        """Wait before the next try of a request that carries content."""
        self._connections.carrier(self.origin).wait(attempt, why, tries)

    def target(self, answer: requests.Response) -> str:
        """Where a redirect, or an upload that was begun, goes on."""
        target = urljoin(answer.url, answer.headers.get("location", ""))
        parts = urlsplit(target)
        try:
            origin = origin_of(target)
        except InputError:
            origin = ""
        if not origin or (origin.startswith("http:") and not self.origin.startswith("http:")):
            host = parts.hostname or "nowhere"
            raise WorldError(
                f"the registry answered {answer.status_code} and pointed to {host} without https; nothing was sent",
                id="redirected",
                where=self.registry,
            )
        return target

    def _shown(self, path: str, rights: Rights) -> dict[str, str]:
        header = self.login.header(path, rights)
        return {} if header is None else {"Authorization": header}

    def _answer(self, answer: requests.Response, path: str, rights: Rights) -> dict[str, str]:
        """What a 401 asks to be shown; nothing where it is none, or there is nothing to show."""
        header = self.login.answer(answer.headers, path, rights) if answer.status_code == 401 else None
        return {} if header is None else {"Authorization": header}

    def _too_many(self) -> WorldError:
        return WorldError(f"more than {LONGEST_CHAIN} redirects", id="redirected", where=self.registry)
