"""The HTTP side of the stand-ins: a threading server on loopback with a log of exchanges and faults on demand."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

FaultKind = Literal["status", "hang", "reset-before", "reset-after", "truncate", "drip"]


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # not decoded: GitLab's ids hold %2F
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    def parts(self) -> list[str]:
        return [unquote(part) for part in self.path.strip("/").split("/")]


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def octets(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match. -1: for ever."""

    kind: FaultKind
    method: str = "[A-Z]+"
    path: str = ".*"
    times: int = 1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def takes(self, request: Request) -> bool:
        if self.times == 0 or not re.fullmatch(self.method, request.method):
            return False
        if not re.search(self.path, request.path):
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Exchange:
    request: Request
    status: int
    answer: bytes

    @property
    def line(self) -> str:
        return f"{self.request.method} {self.request.path}"


class StandIn:
    """A server whose subclasses say how to respond. Use as a context manager; `url` is its origin."""

    def __init__(self) -> None:
        self.log: list[Exchange] = []
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.lock = threading.RLock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stand_in = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def respond(self, request: Request) -> Reply:
        """The answer of the service. Runs under the lock, one request at a time."""
        return Reply(404, {"message": "Not Found"})

    def lines(self, *methods: str) -> list[str]:
        """The requests so far, as "METHOD /path"; with methods given, only those."""
        return [exchange.line for exchange in self.log if not methods or exchange.request.method in methods]

    def writes(self) -> list[str]:
        return self.lines("POST", "PUT", "PATCH", "DELETE")

    def fail(self, kind: FaultKind, **more: Any) -> None:
        self.faults.append(Fault(kind, **more))


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    stand_in: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests; a defect of the stand-in is not."""
        import sys

        error = sys.exc_info()[1]
        if not isinstance(error, OSError | ValueError):
            self.stand_in.violations.append(f"the stand-in failed: {error!r}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True
    timeout = 30
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        # A kept-alive connection must not hold the server open when a test ends.
        self.connection.settimeout(0.2)
        while not self.server.stand_in._closing.is_set():
            try:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
            self.connection.settimeout(self.timeout)
            super().handle_one_request()
            return
        self.close_connection = True

    def _serve(self) -> None:
        stand_in = self.server.stand_in
        target = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        request = Request(self.command, target.path, query, headers, self.rfile.read(length))
        with stand_in.lock:
            fault = next((fault for fault in stand_in.faults if fault.takes(request)), None)
            reply = self._reply(stand_in, request, fault)
            stand_in.log.append(Exchange(request, reply.status if reply else 0, reply.octets() if reply else b""))
        if fault and fault.kind == "hang":
            stand_in._closing.wait()
        if reply is None or (fault and fault.kind == "reset-after"):
            self._reset()
        else:
            self._send(reply, fault)

    def _reply(self, stand_in: StandIn, request: Request, fault: Fault | None) -> Reply | None:
        if fault and fault.kind == "status":
            return Reply(fault.status, fault.body, fault.headers)
        if fault and fault.kind in ("hang", "reset-before"):
            return None
        return stand_in.respond(request)

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        octets = reply.octets()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault and fault.kind == "truncate":
            self.wfile.write(octets[: len(octets) // 2])
            self.close_connection = True
        elif fault and fault.kind == "drip":
            self._drip(octets)
        else:
            self.wfile.write(octets)

    def _drip(self, octets: bytes) -> None:
        for at in range(0, len(octets), 256):
            self.wfile.write(octets[at : at + 256])
            self.wfile.flush()
            if self.server.stand_in._closing.wait(0.02):
                break
        self.close_connection = True

    def _reset(self) -> None:
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            return
        self.connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815


class FakeTime:
    """A clock that moves only when someone sleeps, from a given moment."""

    def __init__(self, start: float | None = None) -> None:
        self.start = time.time() if start is None else start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.start + sum(self.slept)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
