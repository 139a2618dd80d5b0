"""A real git server over HTTP on loopback: `git http-backend` behind a threading server, with users, hooks and faults.

    with GitServer(folder, users={"robot": "secret"}, readers={"guest": "guest"}) as server:
        server.url("manifests.git")

Faults are queued and used up by the requests they match:

    server.fail(push, Status(503))            the next push request is answered with 503 and has no effect
    server.fail(push, ResetAfter())           the push has its effect, the answer is lost
    server.fail(fetch, Hang(), times=None)    for ever
    server.before(push, lambda: someone_else_pushes())
"""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from tests.support.gitfaults import (
    Fault,
    Hang,
    Matches,
    Redirect,
    Request,
    ResetAfter,
    ResetBefore,
    Slow,
    Status,
    Truncate,
    anything,
    discovery,
    fetch,
    push,
    push_discovery,
)

__all__ = [
    "Fault",
    "GitServer",
    "Hang",
    "Matches",
    "Redirect",
    "Request",
    "ResetAfter",
    "ResetBefore",
    "Slow",
    "Status",
    "Truncate",
    "anything",
    "discovery",
    "fetch",
    "push",
    "push_discovery",
    "wait_until",
]

CHUNK = 64 * 1024
# Started by itself and not by a process of git, and asked for before any test has variables of its own.
_BACKEND = subprocess.run(["git", "--exec-path"], capture_output=True, check=True, text=True).stdout.strip()
_BACKEND += "/git-http-backend"


@dataclass(slots=True)
class _Planned:
    matches: Matches
    what: Fault | Callable[[], object]
    times: int | None


@dataclass(slots=True)
class GitServer:
    """Serves every repository below `root`. Without `users` and `readers` everybody may do everything."""

    root: Path
    users: Mapping[str, str] = field(default_factory=dict)
    readers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    _planned: list[_Planned] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _server: _Server | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> GitServer:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    @property
    def address(self) -> str:
        """host:port"""
        if self._server is None:
            raise RuntimeError("the server is not running")
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}"

    def url(self, name: str) -> str:
        return f"{self.origin}/{name}"

    def fail(self, matches: Matches, fault: Fault, *, times: int | None = 1) -> None:
        """Let the next `times` matching requests (None: all) go wrong."""
        with self._lock:
            self._planned.append(_Planned(matches, fault, times))

    def before(self, matches: Matches, action: Callable[[], object], *, times: int | None = 1) -> None:
        """Do something just before the next `times` matching requests take effect."""
        with self._lock:
            self._planned.append(_Planned(matches, action, times))

    def heal(self) -> None:
        with self._lock:
            self._planned.clear()

    def take(self, request: Request) -> list[Fault | Callable[[], object]]:
        """What was planned for this request, used up."""
        taken = []
        with self._lock:
            for plan in list(self._planned):
                if plan.matches(request):
                    taken.append(plan.what)
                    if plan.times is not None:
                        plan.times -= 1
                        if plan.times == 0:
                            self._planned.remove(plan)
        return taken

    def log(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def count(self, matches: Matches = anything) -> int:
        with self._lock:
            return sum(1 for request in self.requests if matches(request))

    @property
    def bytes_sent(self) -> int:
        with self._lock:
            return sum(request.sent for request in self.requests)

    def authorizations(self) -> list[str]:
        """Every Authorization header that any client ever sent here."""
        with self._lock:
            return [request.authorization for request in self.requests if request.authorization]

    def wait_closed(self, seconds: float) -> bool:
        return self._closing.wait(seconds)

    def right(self, user: str | None, password: str | None) -> str | None:
        """`write`, `read` or None."""
        if not self.users and not self.readers:
            return "write"
        if user is not None and self.users.get(user) == password:
            return "write"
        if user is not None and self.readers.get(user) == password:
            return "read"
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A client that is killed in a test must not make the end of the test wait for its thread.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner: GitServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        if self.owner.tls is not None:
            # The handshake belongs to the handler's thread: a client that stalls must not stop the others.
            connection = self.owner.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of the tests."""


class _Reset(Exception):
    """The connection is to be torn down now."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Small writes must not wait for each other's acknowledgements: 40 ms a time on loopback.
    disable_nagle_algorithm = True
    wbufsize = CHUNK
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `GitServer.requests`."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        blocks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            blocks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(blocks)

    def _serve(self, body: bytes) -> None:
        owner, (user, password) = self.server.owner, self._credentials()
        address = urlsplit(self.path)
        right = owner.right(user, password)
        self.status, self.sent = 0, 0
        request = Request(
            self.command,
            unquote(address.path),
            address.query,
            user,
            self.headers.get("Authorization"),
            self.headers.get("Git-Protocol"),
            len(body),
        )
        writes = push(request) or push_discovery(request)
        try:
            if right is None:
                self._answer(401, b"who are you?\n", [("WWW-Authenticate", 'Basic realm="git"')])
            elif writes and right != "write":
                self._answer(403, b"you may only read\n", [])
            else:
                self._act(request, body)
        except (_Reset, ConnectionError):
            self._tear_down()
        finally:
            owner.log(
                Request(
                    request.method,
                    request.path,
                    request.query,
                    user,
                    request.authorization,
                    request.protocol,
                    len(body),
                    self.status,
                    self.sent,
                )
            )

    def _credentials(self) -> tuple[str | None, str | None]:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None, None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user, password

    def _act(self, request: Request, body: bytes) -> None:
        fault: Fault | None = None
        for what in self.server.owner.take(request):
            if callable(what):
                what()
            else:
                fault = what
        match fault:
            case Status(code, text, headers):
                self._answer(code, text, list(headers))
            case Redirect(to, code):
                self._answer(code, b"", [("Location", to.rstrip("/") + self.path)])
            case Hang():
                self.server.owner.wait_closed(120)
                raise _Reset
            case ResetBefore():
                raise _Reset
            case _:
                self._backend(request, body, fault)

    def _answer(self, code: int, text: bytes, headers: list[tuple[str, str]]) -> None:
        self.status = code
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.sent += len(text)

    def _backend(self, request: Request, body: bytes, fault: Fault | None) -> None:
        backend = subprocess.Popen(
            [_BACKEND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=self._environment(request, body),
        )
        if backend.stdin is None or backend.stdout is None:
            raise RuntimeError("no pipes")
        writer = threading.Thread(target=_write_all, args=(backend.stdin, body))
        writer.start()
        try:
            with backend.stdout:
                if isinstance(fault, ResetAfter):
                    backend.stdout.read()
                    raise _Reset
                self._relay(backend.stdout, fault)
        finally:
            writer.join()
            backend.wait()

    def _environment(self, request: Request, body: bytes) -> dict[str, str]:
        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            # The server's own configuration must not be the developer's.
            "HOME": str(self.server.owner.root),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            "GIT_CONFIG_KEY_2": "receive.autogc",
            "GIT_CONFIG_VALUE_2": "false",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self.server.owner.root),
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
        }
        if request.user:
            environment["REMOTE_USER"] = request.user
        if encoding := self.headers.get("Content-Encoding"):
            environment["HTTP_CONTENT_ENCODING"] = encoding
        if request.protocol:
            environment["GIT_PROTOCOL"] = request.protocol
        return environment

    def _relay(self, source: IO[bytes], fault: Fault | None) -> None:
        self.status = 200
        headers = []
        while line := source.readline().strip():
            name, _, value = line.decode().partition(":")
            if name.lower() == "status":
                self.status = int(value.split()[0])
            else:
                headers.append((name, value.strip()))
        self.send_response(self.status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for block in _blocks(source, fault):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            self.sent += len(block)
            if isinstance(fault, Slow):
                self.wfile.flush()
                if self.server.owner.wait_closed(len(block) / fault.bytes_per_second):
                    raise _Reset
            if isinstance(fault, Truncate) and self.sent >= fault.after:
                source.read()
                self.wfile.flush()
                raise _Reset
        self.wfile.write(b"0\r\n\r\n")

    def _tear_down(self) -> None:
        """Close without the polite end: the client sees a reset connection."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The buffers refer to the socket; it is really closed when they are.
        self.wfile = open(os.devnull, "wb")  # noqa: SIM115
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RD)


def _blocks(source: IO[bytes], fault: Fault | None) -> Iterator[bytes]:
    left = fault.after if isinstance(fault, Truncate) else None
    size = max(1, fault.bytes_per_second // 10) if isinstance(fault, Slow) else CHUNK
    while left is None or left > 0:
        block = os.read(source.fileno(), size if left is None else min(size, left))
        if not block:
            return
        if left is not None:
            left -= len(block)
        yield block


def _write_all(target: IO[bytes], body: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), target:
        target.write(body)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that happens in another thread or process."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen")
        time.sleep(0.005)
