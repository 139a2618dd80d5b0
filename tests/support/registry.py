"""Real registries for tests: Debian's docker-registry on loopback, open, with htpasswd or with tokens of our server.

with start_registry(tmp_path, auth="htpasswd") as registry:
    digest = push_image(registry, "acme/api", "1.0.0")
    # registry.host is "127.0.0.1:PORT"; registry.username and registry.password are its login
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import http.client
import json
import re
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

Auth = Literal["open", "htpasswd", "token"]

USERNAME = "robot"
# With the characters that leak when a value is pasted into a URL, a header or JSON.
PASSWORD = 'p/w+%"canary-9'
_HTPASSWD = "robot:$2y$04$Xwo0YXCAT0yPWrjqTNRXs./OMABNoQ1el75bunThPXxenF9xk95Di\n"
REFRESH_TOKEN = "refresh-canary-7"
INSTALL = "apt-get install -y --no-install-recommends docker-registry skopeo"

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPES = {
    OCI_MANIFEST: "application/vnd.oci.image.config.v1+json",
    DOCKER_MANIFEST: "application/vnd.docker.container.image.v1+json",
}
_LAYER_TYPES = {
    OCI_MANIFEST: "application/vnd.oci.image.layer.v1.tar",
    DOCKER_MANIFEST: "application/vnd.docker.image.rootfs.diff.tar",
}


# Servers on loopback.


class Request(NamedTuple):
    """A request as a server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)


class Reply(NamedTuple):
    """What a server says; `status` 0 closes the connection without a word."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


@dataclass
class Server:
    """An HTTP server on a free loopback port whose answers are a function, and the requests that it got."""

    answer: Callable[[Request], Reply]
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]


@contextlib.contextmanager
def serve(answer: Callable[[Request], Reply]) -> Iterator[Server]:
    """Run a server for the time of a `with` block."""
    server = Server(answer)
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listener.daemon_threads = True
    server.port = listener.server_port
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A kept connection must not keep its thread, and with it the end of a test, for long.
        timeout = 5

        def do(self) -> None:
            # A header that is sent several times (Go's clients do so with Accept) is one list.
            names = dict.fromkeys(self.headers.keys())
            headers = {name: ", ".join(self.headers.get_all(name) or ()) for name in names}
            request = Request(self.command, self.path, headers, self._body())
            server.requests.append(request)
            reply = server.answer(request)
            self.close_connection = True
            if reply.status == 0:
                return
            self.send_response_only(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), "Connection": "close", **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            pieces = []
            while size := int(self.rfile.readline(1024).partition(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline(1024)
            while self.rfile.readline(1024).strip():
                pass
            return b"".join(pieces)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815 - the base class looks for these

        def log_message(self, *_: object) -> None: ...

    return Handler


@contextlib.contextmanager
def flaky(target: str, fault: Callable[[int, Request], Reply | None]) -> Iterator[Server]:
    """A proxy before `target` (HOST:PORT) that answers itself where `fault(number, request)` says so, from 1."""
    lock = threading.Lock()
    count = 0

    def forward(request: Request) -> Reply:
        nonlocal count
        with lock:
            count += 1
            number = count
        reply = fault(number, request)
        return reply if reply is not None else _forwarded(target, request)

    with serve(forward) as server:
        yield server


def every_third(number: int, _: Request) -> Reply | None:
    """In turn a 503 and a cut connection."""
    if number % 3:
        return None
    return Reply(503, b"try again") if number % 2 else Reply(0)


def _forwarded(target: str, request: Request) -> Reply:
    connection = http.client.HTTPConnection(target, timeout=20)
    try:
        dropped = {"connection", "transfer-encoding", "expect"}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
        connection.request(request.method, request.path, request.body or None, headers)
        response = connection.getresponse()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in {"connection", "date"}}
        return Reply(response.status, response.read(), kept)
    finally:
        connection.close()


# The token server.


class TokenServer:
    """Gives tokens as the specification of docker/distribution has it: to its user, and to anyone for public/*."""

    def __init__(self, folder: Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        self.certificate = folder / "token.pem"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
        now = dt.datetime.now(dt.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self._chain = [base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]
        self.server: Server | None = None
        self.seconds = 300

    def answer(self, request: Request) -> Reply:
        asked = request.query if request.method == "GET" else parse_qs(request.body.decode())
        user = self._user(request, asked)
        if user is None:
            return Reply(401, b'{"details": "incorrect username or password"}')
        scopes = [scope for text in asked.get("scope", []) for scope in text.split()]
        name = "access_token" if request.method == "POST" else "token"
        return Reply(200, json.dumps({name: self.issue(scopes, user), "expires_in": self.seconds}).encode())

    def _user(self, request: Request, asked: Mapping[str, list[str]]) -> str | None:
        """The user, empty for anonymous, None where the credential is wrong."""
        if request.method == "POST":
            return USERNAME if asked.get("refresh_token") == [REFRESH_TOKEN] else None
        given = request.headers.get("Authorization")
        if given is None:
            return ""
        return USERNAME if given == basic(USERNAME, PASSWORD) else None

    def issue(self, scopes: Sequence[str], user: str) -> str:
        """A token for as much of the scopes as the user may have."""
        import jwt

        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            granted = actions.split(",") if user else ["pull"] if name.startswith("public/") else []
            access.append({"type": kind, "name": name, "actions": granted})
        now = int(time.time())
        claims = {"iss": "tests", "sub": user, "aud": "registry.tests", "jti": secrets.token_hex(8), "access": access}
        times = {"iat": now, "nbf": now - 60, "exp": now + max(self.seconds, 60)}
        return jwt.encode({**claims, **times}, self._key, algorithm="RS256", headers={"x5c": self._chain})


# The registry.


@dataclass
class RunningRegistry:
    """A docker-registry that runs. `host` is as it stands in a reference."""

    host: str
    auth: Auth
    log: Path
    tokens: TokenServer | None = None
    username: str = USERNAME
    password: str = PASSWORD

    def docker_config(self) -> str:
        """A config.json with the login to this registry."""
        encoded = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return json.dumps({"auths": {self.host: {"auth": encoded}}})

    def authorization(self, repository: str) -> str | None:
        """What this module itself shows when it pushes."""
        if self.tokens is not None:
            return "Bearer " + self.tokens.issue([f"repository:{repository}:pull,push"], USERNAME)
        return basic(self.username, self.password) if self.auth == "htpasswd" else None


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@contextlib.contextmanager
def start_registry(folder: Path, auth: Auth = "open") -> Iterator[RunningRegistry]:
    """Start docker-registry with its storage in `folder`; skips the test where the program is not installed."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip(f"docker-registry is not installed ({INSTALL})")
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        tokens = TokenServer(folder) if auth == "token" else None
        if tokens is not None:
            tokens.server = stack.enter_context(serve(tokens.answer))
        config = folder / "config.yml"
        config.write_text(_config(folder, auth, tokens))
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen([program, "serve", str(config)], stdout=output, stderr=output)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        yield RunningRegistry(_address(process, log), auth, log, tokens)


def _config(folder: Path, auth: Auth, tokens: TokenServer | None) -> str:
    config: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0", "relativeurls": True},
    }
    if auth == "htpasswd":
        (folder / "htpasswd").write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "tests, all of them", "path": str(folder / "htpasswd")}}
    if tokens is not None and tokens.server is not None:
        token = {"realm": f"{tokens.server.url}/token?kept=1", "service": "registry.tests", "issuer": "tests"}
        config["auth"] = {"token": {**token, "rootcertbundle": str(tokens.certificate)}}
    return json.dumps(config)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that the registry chose and wrote into its log."""
    for _ in range(1000):
        found = re.search(r"listening on (127\.0\.0\.1:[0-9]+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"docker-registry did not start:\n{log.read_text(errors='replace')}")


# Images.


def push_image(
    registry: RunningRegistry,
    repository: str,
    tag: str | None = None,
    *,
    platform: str = "linux/amd64",
    content: bytes | None = None,
    media_type: str = OCI_MANIFEST,
) -> str:
    """Push an image of one layer and return the digest of its manifest. The same content gives the same digest."""
    layer = content if content is not None else secrets.token_bytes(16)
    system, architecture, *variant = platform.split("/")
    config = {"os": system, "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]}}
    config |= {"variant": variant[0]} if variant else {}
    config_body = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _descriptor(_CONFIG_TYPES[media_type], config_body),
        "layers": [_descriptor(_LAYER_TYPES[media_type], layer)],
    }
    for blob in (config_body, layer):
        _push_blob(registry, repository, blob)
    return _push_manifest(registry, repository, tag, media_type, manifest)


def push_index(
    registry: RunningRegistry,
    repository: str,
    tag: str,
    platforms: Sequence[str] = ("linux/amd64", "linux/arm64"),
    *,
    media_type: str = OCI_INDEX,
    attested: bool = False,
) -> tuple[str, dict[str, str]]:
    """Push an image for several platforms; returns the digest of the index, and of each platform's manifest."""
    kind = OCI_MANIFEST if media_type == OCI_INDEX else DOCKER_MANIFEST
    children = {
        platform: push_image(registry, repository, platform=platform, media_type=kind) for platform in platforms
    }
    listed = [_child(registry, repository, digest, kind, platform) for platform, digest in children.items()]
    if attested:
        digest = push_image(registry, repository, platform="unknown/unknown", media_type=kind)
        listed.append(_child(registry, repository, digest, kind, "unknown/unknown"))
    index = {"schemaVersion": 2, "mediaType": media_type, "manifests": listed}
    return _push_manifest(registry, repository, tag, media_type, index), children


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _descriptor(media_type: str, body: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}


def _child(registry: RunningRegistry, repository: str, digest: str, kind: str, platform: str) -> dict[str, object]:
    _, _, body = _send(registry, repository, "GET", f"/v2/{repository}/manifests/{digest}", headers={"Accept": kind})
    names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    return {**_descriptor(kind, body), "platform": names}


def _push_blob(registry: RunningRegistry, repository: str, body: bytes) -> None:
    _, headers, _ = _send(registry, repository, "POST", f"/v2/{repository}/blobs/uploads/")
    location = headers["Location"]
    mark = "&" if "?" in location else "?"
    _send(registry, repository, "PUT", f"{location}{mark}digest={digest_of(body)}", body)


def _push_manifest(
    registry: RunningRegistry, repository: str, tag: str | None, media_type: str, manifest: Mapping[str, object]
) -> str:
    body = json.dumps(manifest).encode()
    digest = digest_of(body)
    url = f"/v2/{repository}/manifests/{tag or digest}"
    _send(registry, repository, "PUT", url, body, {"Content-Type": media_type})
    return digest


def _send(
    registry: RunningRegistry,
    repository: str,
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection(registry.host, timeout=20)
    authorization = registry.authorization(repository)
    try:
        shown = {"Authorization": authorization} if authorization else {}
        connection.request(method, url, body, {**(headers or {}), **shown})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status >= 300:
        raise AssertionError(f"{method} {url}: {response.status} {content!r}")
    return response.status, dict(response.getheaders()), content
