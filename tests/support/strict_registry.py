"""A registry of our own, by the letter of the distribution specification, that can be told to fail as real ones do.

It keeps what an upload has received when the connection is cut, and says so: what Debian's docker-registry does not.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.support.registry import Reply


class Seen(NamedTuple):
    """A request: how much of its body arrived, and the headers."""

    method: str
    path: str
    received: int
    headers: Mapping[str, str]


@dataclass
class StrictRegistry:
    """cut: for a body (method, how many bodies came before it), after how many bytes the connection is reset.

    deaf: the same, but the body is read and acted on, and only the answer is never given. answers: asked first for each
    request; what it returns is said. largest: a body above it gets a 413. forgets: uploads are lost with a cut.
    """

    port: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    cut: Callable[[str, int], int | None] = lambda _, __: None
    deaf: Callable[[str, int], bool] = lambda _, __: False
    answers: Callable[[str, str], Reply | None] = lambda _, __: None
    largest: int = 1 << 40
    forgets: bool = False
    location: str = ""
    bodies: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def asked(self, method: str) -> list[Seen]:
        return [each for each in self.seen if each.method == method]


@contextlib.contextmanager
def strict_registry() -> Iterator[StrictRegistry]:
    registry = StrictRegistry()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(registry))
    server.daemon_threads = True
    registry.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(registry: StrictRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def log_message(self, *_: object) -> None: ...

        def do(self) -> None:
            path = urlsplit(self.path).path
            said = registry.answers(self.command, self.path)
            length = int(self.headers.get("Content-Length") or 0)
            if length > registry.largest:
                said = Reply(413, b"<html>too large</html>")
            if said is not None:
                body = self.rfile.read(length)
                self.note(len(body))
                self.say(said.status, said.body, said.headers)
                return
            body = b""
            if length and self.command in ("PUT", "PATCH") and "/uploads/" in path:
                body, whole = self.receive(length)
                if not whole:
                    return
            else:
                body = self.rfile.read(length)
            self.note(len(body))
            self.answer(path, body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do  # noqa: N815 - the base class looks for these

        def note(self, received: int) -> None:
            registry.seen.append(Seen(self.command, self.path, received, dict(self.headers.items())))

        def receive(self, length: int) -> tuple[bytes, bool]:
            """The body, and whether it is to be acted on."""
            number, registry.bodies = registry.bodies, registry.bodies + 1
            limit = registry.cut(self.command, number)
            if limit is not None and limit < length:
                got = self.rfile.read(limit)
                self.note(limit)
                upload = urlsplit(self.path).path.rpartition("/")[2]
                if registry.forgets:
                    registry.uploads.pop(upload, None)
                elif upload in registry.uploads:
                    registry.uploads[upload] += got
                self.reset()
                return got, False
            body = self.rfile.read(length)
            if registry.deaf(self.command, number):
                self.note(len(body))
                self.answer(urlsplit(self.path).path, body, silent=True)
                self.reset()
                return body, False
            return body, True

        def reset(self) -> None:
            """No orderly end: what is on its way is thrown away."""
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.rfile.close()
            # The base class flushes and closes once more.
            self.wfile = _Nowhere()  # type: ignore[assignment]
            self.rfile = _Nowhere()  # type: ignore[assignment]

        def say(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def error(self, status: int, code: str) -> None:
            self.say(status, json.dumps({"errors": [{"code": code, "message": "as told"}]}).encode())

        def answer(self, path: str, body: bytes, silent: bool = False) -> None:
            say = (lambda *_, **__: None) if silent else self.say
            if found := re.fullmatch(r"/v2/(.+)/blobs/uploads/", path):
                self.begin(found[1])
            elif found := re.fullmatch(r"/v2/(.+)/blobs/uploads/(\w+)", path):
                self.upload(found[1], found[2], body, say)
            elif found := re.fullmatch(r"/v2/(.+)/blobs/(sha256:\w+)", path):
                blob = registry.blobs.get(found[2])
                if blob is None:
                    self.error(404, "BLOB_UNKNOWN")
                else:
                    self.blob(blob)
            elif found := re.fullmatch(r"/v2/(.+)/manifests/(.+)", path):
                self.manifest(found[1], found[2], body)
            else:
                self.say(200, b"{}")

        def blob(self, blob: bytes) -> None:
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            self.say(206 if wanted else 200, blob[int(wanted[1]) :] if wanted else blob)

        def begin(self, name: str) -> None:
            query = parse_qs(urlsplit(self.path).query)
            if query.get("mount", [""])[0] in registry.blobs and query.get("from"):
                self.say(201, b"", {"Location": "/"})
                return
            upload = secrets.token_hex(8)
            registry.uploads[upload] = b""
            self.say(202, b"", {"Location": f"{registry.location}/v2/{name}/blobs/uploads/{upload}?state=1"})

        def upload(self, name: str, upload: str, body: bytes, say: Callable[..., None]) -> None:
            held = registry.uploads.get(upload)
            if held is None:
                self.error(404, "BLOB_UPLOAD_UNKNOWN")
                return
            place = f"{registry.location}/v2/{name}/blobs/uploads/{upload}?state={len(held)}"
            if self.command == "GET":
                say(204, b"", {"Range": f"0-{max(len(held) - 1, 0)}", "Location": place})
                return
            ranged = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range", ""))
            if (ranged and int(ranged[1]) != len(held)) or (held and body and not ranged):
                self.error(416, "RANGE_INVALID")
                return
            held = registry.uploads[upload] = held + body
            if self.command == "PATCH":
                say(202, b"", {"Range": f"0-{len(held) - 1}", "Location": place})
                return
            digest = parse_qs(urlsplit(self.path).query)["digest"][0]
            del registry.uploads[upload]
            if digest != f"sha256:{hashlib.sha256(held).hexdigest()}":
                self.error(400, "DIGEST_INVALID")
                return
            registry.blobs[digest] = held
            say(201, b"", {"Location": "/", "Docker-Content-Digest": digest})

        def manifest(self, name: str, tag: str, body: bytes) -> None:
            if self.command == "PUT":
                digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
                for key in (tag, digest):
                    registry.manifests[name, key] = (self.headers["Content-Type"], body)
                self.say(201, b"", {"Docker-Content-Digest": digest})
                return
            held = registry.manifests.get((name, tag))
            if held is None:
                self.error(404, "MANIFEST_UNKNOWN")
                return
            digest = f"sha256:{hashlib.sha256(held[1]).hexdigest()}"
            self.say(200, held[1], {"Content-Type": held[0], "Docker-Content-Digest": digest})

    return Handler


class _Nowhere:
    closed = False

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def readline(self, _: int = -1) -> bytes:
        return b""
