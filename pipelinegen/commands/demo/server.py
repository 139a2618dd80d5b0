"""The demo's server: git over HTTP by git's own http-backend, and the forge, on loopback and behind a token."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from pipelinegen.commands.demo.forge import API, GRAPHQL, Forge
from pipelinegen.commands.demo.repositories import MANIFESTS, PLAIN_GIT, git
from pipelinegen.edge.process import capture, environment
from pipelinegen.errors import PipelinegenError

PATH = f"acme/{MANIFESTS}"
_GIT_PATHS = frozenset(f"/{PATH}.git/{name}" for name in ("info/refs", "git-upload-pack", "git-receive-pack"))
_BACKEND = "git-http-backend"


@dataclass(frozen=True, slots=True)
class Hosted:
    """The manifest repository where CI finds it: its URL, the bare repository behind it, and its forge, if any."""

    url: str
    repository: str
    token: str
    forge: Forge | None


@contextlib.contextmanager
def hosted(folder: str) -> Iterator[Hosted]:
    """Put the manifest repository of `folder` on a server, or, where git has no http-backend, beside it on disk."""
    root = os.path.join(folder, "server")
    repository = os.path.join(root, f"{PATH}.git")
    git(folder, "clone", "--quiet", "--bare", MANIFESTS, repository)
    token = secrets.token_urlsafe(24)
    if not has_backend():
        yield Hosted(f"file://{repository}", repository, token, None)
        return
    forge = Forge(repository, PATH)
    with _Server(root, token, forge) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Hosted(f"{forge.origin}/{PATH}.git", repository, token, forge)
        finally:
            server.shutdown()
            thread.join()


def has_backend() -> bool:
    """Whether this git can be a server; some systems have that in a package of its own (git-daemon)."""
    done = capture(["git", "--exec-path"], env=environment(**PLAIN_GIT))
    return os.access(os.path.join(os.fsdecode(done.stdout).strip(), _BACKEND), os.X_OK)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # each answer ends its connection, so that none is left when the server closes

    def __init__(self, root: str, token: str, forge: Forge) -> None:
        self.root = root
        self.token = token
        self.forge = forge
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)
        forge.origin = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """The command that asked sees that its connection ended, and tells it."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """The commands say what they did."""

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not secrets.compare_digest(self._given(), self.server.token.encode()):
            self._send(401, {"WWW-Authenticate": 'Basic realm="demo"'}, b'{"message": "Bad credentials"}')
        elif target.path.startswith(f"{API}/") or target.path == GRAPHQL:
            self._forge(unquote(target.path), dict(parse_qsl(target.query)), body)
        elif target.path in _GIT_PATHS:
            self._git(target.path, target.query, body)
        else:
            self._send(404, {}, b"")

    do_POST = do_PATCH = do_PUT = do_GET  # noqa: N815

    def _given(self) -> bytes:
        """The token: as git sends it, the password behind a user's name, or as a client of the API does."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return value.encode()
        with contextlib.suppress(ValueError):
            return base64.b64decode(value).partition(b":")[2]
        return b""

    def _forge(self, path: str, query: Mapping[str, str], body: bytes) -> None:
        with self.server.lock:
            status, answer = self.server.forge.respond(self.command, path, query, body)
        self._send(status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(answer).encode())

    def _git(self, path: str, query: str, body: bytes) -> None:
        """https://git-scm.com/docs/git-http-backend: a CGI program, which answers with headers of its own."""
        variables = {
            **PLAIN_GIT,
            "GIT_PROJECT_ROOT": self.server.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        try:
            done = capture(["git", "http-backend"], env=environment(**variables), stdin=body, timeout=self.timeout)
        except PipelinegenError:
            self._send(500, {}, b"")
            return
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").splitlines() if ": " in line)
        self._send(int(headers.pop("Status", "200").split()[0]), headers, answer)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
