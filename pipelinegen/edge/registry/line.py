"""Sessions to one origin of a registry: for questions, which are asked again, and for content, which is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelinegen.edge.http import CONNECT_SECONDS, IDEMPOTENT, READ_SECONDS, Clock, Session
from pipelinegen.errors import WorldError

if TYPE_CHECKING:
    import requests

# Gets the status of the answer (206 for the rest of something, else 200) and a piece of it.
Sink = Callable[[int, bytes], object]
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What is slower than this is taken for a connection that stands.
SLOWEST_BYTES_A_SECOND = 16 * 1024
# Storage behind registries copies a finished upload before it answers: minutes for gigabytes on S3.
ANSWER_SECONDS = 300.0
_PIECE = 64 * 1024


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
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: Mapping[str, str] | bytes | None = None,
    ) -> requests.Response:
        """The answer to a request. Once a server has not answered at all, the next images do not wait for it again."""
        if self._down is not None:
            raise self._down
        self.deadline = self.clock.monotonic() + self._patience
        try:
            return self.request(method, url, headers={"Accept-Encoding": "identity", **headers}, data=data)
        except WorldError as error:
            self._down = error
            raise

    def _judged(self, method: str, answer: requests.Response, body: bytes) -> Any:
        return answer if answer.status_code in REDIRECTS else super()._judged(method, answer, body)


class Carrier(Session):
    """A session for content: a request that may have had an effect is not repeated, for the caller knows how to go on.

    Its time is by the size of what is carried.
    """

    read_seconds = ANSWER_SECONDS

    def __init__(self, origin: str, *, environ: Mapping[str, str], clock: Clock, tell: Callable[[str], None]) -> None:
        super().__init__(origin, environ=environ, clock=clock, tell=tell, repeatable=frozenset())
        self._asked: float | None = None

    def send(self, method: str, url: str, headers: Mapping[str, str], data: Part | bytes) -> requests.Response:
        """Send a part of a file, or what is in memory."""
        self._allow(len(data))
        return self._settled(self._once(method, url, {"headers": headers, "data": data}))

    def pour(self, url: str, headers: Mapping[str, str], size: int, sink: Sink) -> requests.Response:
        """GET; the bytes of a good answer go to `sink` as they come. Raises where the try failed."""
        import requests

        self._allow(size)
        outcome: Any
        try:
            with self._requests.get(
                url,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            ) as answer:
                if answer.status_code in (200, 206):
                    for piece in answer.iter_content(_PIECE):
                        self._check(0, WorldError)
                        sink(answer.status_code, piece)
                    return answer
                outcome = self._judged("GET", answer, answer.raw.read(_PIECE))
        except requests.exceptions.RequestException as error:
            outcome = self._failed("GET", error)
        return self._settled(outcome)

    def _settled(self, outcome: Any) -> requests.Response:
        """The answer, or the error of a try that failed; how long the server wants us to wait is kept for `wait`."""
        import requests

        if isinstance(outcome, requests.Response):
            return outcome
        self._asked = outcome.wait
        raise outcome.error

    def wait(self, attempt: int, why: WorldError, tries: int) -> None:
        """Wait before the caller's next try."""
        self._allow(0)
        asked, self._asked = self._asked, None
        self.back_off(attempt, why, tries, asked)

    def _allow(self, size: int) -> None:
        self.deadline = self.clock.monotonic() + ANSWER_SECONDS + size / SLOWEST_BYTES_A_SECOND

    def _judged(self, method: str, answer: requests.Response, body: bytes) -> Any:
        return answer if answer.status_code in REDIRECTS else super()._judged(method, answer, body)


class Part:
    """The bytes of a file from `start` up to `end`, to be sent, and sent again from their beginning."""

    def __init__(self, path: Path, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self._path = path

    def __len__(self) -> int:
        return self.end - self.start

    def __iter__(self) -> Iterator[bytes]:
        with open(self._path, "rb") as file:
            file.seek(self.start)
            left = len(self)
            while left > 0 and (piece := file.read(min(left, _PIECE))):
                left -= len(piece)
                yield piece
