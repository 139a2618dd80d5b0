"""Tests of a running container from outside: requests by HTTP, lines of its log. One container serves all of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pipelinegen.config.images import HttpTest, LogTest
from pipelinegen.edge.engines.port import Container, Engine, State
from pipelinegen.edge.image_tests.spec import Case, Found, judge, last, matches, shortened
from pipelinegen.edge.image_tests.subject import Subject

if TYPE_CHECKING:
    from http.client import HTTPResponse

POLL_SECONDS = 0.1
REQUEST_SECONDS = 5.0
BODY_LIMIT = 4 * 1024 * 1024
# In what has several lines, ^ and $ are those of a line.
LINES = "(?m)"


@dataclass(frozen=True, slots=True)
class Probe:
    """One request and what its answer must be. `headers` and `body` are patterns that are found in the answer's."""

    path: str
    port: int
    status: int = 200
    timeout: float = 30.0
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: tuple[str, ...] = ()


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: str


def served_cases(http: Sequence[HttpTest], logs: Sequence[LogTest], subject: Subject) -> list[Case]:
    """All of them, on one container that is started for them and removed in any case."""
    with _Served(subject, tuple(sorted({test.port for test in http}))) as served:
        return [
            *(judge(test.name, "http", partial(served.probe, test)) for test in http),
            *(judge(test.name, "log", partial(served.log, test)) for test in logs),
        ]


class _Served:
    """A container that is started by the first test that needs it; where it cannot start, each of them says so."""

    def __init__(self, subject: Subject, ports: Sequence[int]) -> None:
        self._subject = subject
        self._ports = ports
        self._container: Container | None = None

    def __enter__(self) -> _Served:
        return self

    def __exit__(self, *_: object) -> None:
        if self._container is not None:
            self._subject.engine().remove(self._container)

    def probe(self, test: HttpTest) -> Found:
        probe = Probe(test.path, test.port, test.status, test.timeout.total_seconds(), test.headers, test.body)
        return probe_container(probe, self._subject.engine(), self._start())

    def log(self, test: LogTest) -> Found:
        return _log(test, self._subject.engine(), self._start())

    def _start(self) -> Container:
        if self._container is None:
            self._container = self._subject.engine().start(self._subject.local(), ports=self._ports)
        return self._container


def probe_container(probe: Probe, engine: Engine, container: Container) -> Found:
    """Ask until the answer is right, the time is over, or the container has ended, which is seen at once."""
    until = time.monotonic() + probe.timeout
    problems = [f"port {probe.port} was not reached"]
    while True:
        state = engine.state(container)
        for address in engine.addresses(container, probe.port) if state.running else ():
            asked = _ask(probe, address, until)
            if isinstance(asked, str):
                problems = [f"port {probe.port} does not answer: {asked}"]
                continue
            problems = compare(probe, asked)
            if not problems:
                return Found((), last(engine.logs(container)))
            break
        if not state.running:
            return Found([_ended(state), *problems], last(engine.logs(container)))
        if time.monotonic() >= until:
            over = f"the time of {probe.timeout:g} s is over"
            return Found([*problems, over], last(engine.logs(container)))
        time.sleep(POLL_SECONDS)


def compare(probe: Probe, answer: Answer) -> list[str]:
    """What of an answer is not as it must be."""
    problems = []
    if answer.status != probe.status:
        problems.append(
            f"{probe.path} answers with the status {answer.status}, not {probe.status}: {shortened(answer.body)!r}"
        )
    for name, pattern in probe.headers.items():
        value = answer.headers.get(name.lower())
        if value is None:
            problems.append(f"the answer has no header {name}")
        elif not matches(pattern, value):
            problems.append(f"the header {name} is {value!r}, in which {pattern!r} is not found")
    problems += [
        f"{pattern!r} is not found in the answer, which is {shortened(answer.body)!r}"
        for pattern in probe.body
        if not matches(LINES + pattern, answer.body)
    ]
    return problems


def _ask(probe: Probe, address: tuple[str, int], until: float) -> Answer | str:
    """One request; what went wrong, in words, where there is no answer. No redirect is followed."""
    from http.client import HTTPConnection, HTTPException

    host, port = address
    seconds = max(0.1, min(REQUEST_SECONDS, until - time.monotonic()))
    connection = HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", probe.path, headers={"Host": f"localhost:{probe.port}", "User-Agent": "pipelinegen"})
        return _answer(connection.getresponse())
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def _answer(response: HTTPResponse) -> Answer:
    body = response.read(BODY_LIMIT).decode("utf-8", "replace")
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def _log(test: LogTest, engine: Engine, container: Container) -> Found:
    """Read the log until the pattern is in it; a line that is there when the container has ended counts."""
    until = time.monotonic() + test.timeout.total_seconds()
    while True:
        state = engine.state(container)
        written = engine.logs(container)
        if matches(LINES + test.pattern, written.decode("utf-8", "replace")):
            return Found((), last(written))
        missing = f"{test.pattern!r} is not found in the log"
        if not state.running:
            return Found([_ended(state), missing], last(written))
        if time.monotonic() >= until:
            return Found([missing, f"the time of {test.timeout.total_seconds():g} s is over"], last(written))
        time.sleep(POLL_SECONDS)


def _ended(state: State) -> str:
    code = state.exit_code if state.exit_code is not None else -1
    return f"the container has ended with the exit code {code}" if code >= 0 else "the container has ended"
