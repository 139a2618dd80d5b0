"""https with certificates and proxies, ssh, and repositories on this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.git.address import parse_address
from pipelinegen.edge.git.askpass import Credentials
from pipelinegen.edge.git.commit import Made
from pipelinegen.edge.git.deliver import plan_and_push
from pipelinegen.edge.git.remote import RemoteRepository, open_tree
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.errors import NotPermitted, WorldError
from pipelinegen.redact import Secret
from tests.support.certificates import Authority, make_authority
from tests.support.githttp import GitServer
from tests.support.repos import Naps, Upstream, git, replace, served

VARIABLES = ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def bump(tree: GitTree, current: str | None) -> Made | None:
    return replace(tree, "app.yaml", b"1.0.0", b"1.1.0")


def remote(url: str, credentials: Credentials | None = None) -> RemoteRepository:
    return RemoteRepository(parse_address(url), credentials, timing=Naps().timing())


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    upstream = Upstream(tmp_path / "manifests.git")
    upstream.commit({"app.yaml": "image: ghcr.io/acme/api:1.0.0\n"}, message="first")
    return upstream


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    for name in (*VARIABLES, "GIT_SSL_CAPATH", "SSL_CERT_DIR", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return make_authority(tmp_path)


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_authority_of_ones_own_is_trusted_by_any_of_its_variables(
    upstream: Upstream, authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority.file))
    who = Credentials("robot", Secret("PIPELINEGEN_TOKEN", "t0ken-of-robot"))
    with GitServer(upstream.folder.parent, users={"robot": "t0ken-of-robot"}, tls=authority.server()) as server:
        assert server.url("x").startswith("https://")
        with remote(server.url("manifests.git"), who) as repository:
            assert plan_and_push(repository, bump).result == "pushed"
    assert upstream.subjects() == ["bump", "first"]


@pytest.mark.parametrize("fault", ["unknown authority", "wrong host", "expired"])
def test_a_certificate_that_does_not_hold_is_never_overlooked(
    upstream: Upstream, authority: Authority, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    if fault != "unknown authority":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    presented = authority.server(
        address="127.0.0.9" if fault == "wrong host" else "127.0.0.1", expired=fault == "expired"
    )
    with GitServer(upstream.folder.parent, tls=presented) as server:
        with remote(server.url("manifests.git")) as repository, pytest.raises(WorldError) as told:
            open_tree(repository)
        assert server.requests == []
    assert told.value.id == "tls"
    assert "SSL_CERT_FILE" in (told.value.next or "")


class Proxy(socketserver.ThreadingTCPServer):
    """Answers CONNECT with a tunnel to one place, whatever name is asked for, or with a refusal."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, target: str, refusal: bytes | None = None) -> None:
        host, _, port = target.partition(":")
        self.target = host, int(port)
        self.refusal = refusal
        self.asked: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Tunnel)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        self.server.asked.append(self.rfile.readline().strip())
        while self.rfile.readline().strip():
            pass
        if self.server.refusal is not None:
            self.wfile.write(self.server.refusal)
            return
        with socket.create_connection(self.server.target) as far:
            self.wfile.write(b"HTTP/1.1 200 go on\r\n\r\n")
            back = threading.Thread(target=self.relay, args=(far, self.connection))
            back.start()
            self.relay(self.connection, far)
            back.join()

    @staticmethod
    def relay(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def proxied(target: str, monkeypatch: pytest.MonkeyPatch, refusal: bytes | None = None) -> Iterator[Proxy]:
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Proxy(target, refusal) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        yield proxy
        proxy.shutdown()
        thread.join()


def test_a_proxy_is_used(upstream: Upstream, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with (
        GitServer(upstream.folder.parent, tls=authority.server(address="127.0.0.9")) as server,
        proxied(server.address, monkeypatch) as proxy,
    ):
        with remote("https://127.0.0.9/manifests.git") as repository:
            assert plan_and_push(repository, bump).result == "pushed"
        assert set(proxy.asked) == {b"CONNECT 127.0.0.9:443 HTTP/1.1"}
        monkeypatch.setenv("no_proxy", "127.0.0.9")
        with remote("https://127.0.0.9/manifests.git") as repository, pytest.raises(WorldError) as told:
            open_tree(repository)
        assert told.value.id == "net"


EMPTY = b"Content-Length: 0\r\n\r\n"
REFUSALS = {
    "asks for a password": b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n" + EMPTY,
    "does not reach": b"HTTP/1.1 502 Bad Gateway\r\n" + EMPTY,
    "is none": b"",
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_proxy_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, refusal: bytes) -> None:
    with (
        proxied("127.0.0.1:1", monkeypatch, refusal),
        remote("https://git.example/a/b") as repository,
        pytest.raises(WorldError) as told,
    ):
        open_tree(repository)
    assert told.value.id == "net"
    assert ("https_proxy" in (told.value.next or "")) == (b"407" in refusal)


def test_http_to_loopback_goes_through_no_proxy(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with GitServer(upstream.folder.parent) as server, remote(server.url("manifests.git")) as repository:
        assert plan_and_push(repository, bump).result == "pushed"


def test_a_name_that_does_not_resolve_is_told() -> None:
    with remote("https://no-such-host.invalid/a/b") as repository, pytest.raises(WorldError) as told:
        open_tree(repository)
    assert told.value.id == "net"


# ssh: the program is a stand-in that runs the far half here; git speaks to it as to any other.


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    log = tmp_path / "ssh.log"
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {log}\nenv | sed "s/^/env:/" >> {log}\n'
        'for word; do last="$word"; done\nexec sh -c "$last"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


@pytest.mark.parametrize("form", ["ssh://git@h.example:2222{}", "git@h.example:{}", "ssh://h.example{}"])
@pytest.mark.parametrize("known", [None, ["app.yaml"]], ids=["whole", "known paths"])
def test_over_ssh_all_is_the_same_and_nothing_is_asked(
    upstream: Upstream, ssh: Path, form: str, known: list[str] | None
) -> None:
    who = Credentials("robot", Secret("PIPELINEGEN_TOKEN", "t0ken-of-robot"))
    with remote(form.format(upstream.folder), who) as repository:
        assert plan_and_push(repository, bump, known_paths=known).result == "pushed"
        assert repository.branches() == {"main": upstream.head()}
    words = ssh.read_text().splitlines()
    assert "-oBatchMode=yes" in words
    assert ("2222" in words) == ("2222" in form)
    assert not any("t0ken" in word for word in words)
    assert any(word.startswith("env:PATH=") for word in words)


def test_a_key_that_ssh_does_not_have_is_told(ssh: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "ssh").write_text("#!/bin/sh\necho 'git@h: Permission denied (publickey).' >&2\nexit 255\n")
    with remote("git@h.example:a/b") as repository, pytest.raises(NotPermitted) as told:
        open_tree(repository)
    assert told.value.id == "bad-token"


# This machine.


@pytest.mark.parametrize("known", [None, ["app.yaml"]], ids=["whole", "known paths"])
def test_a_repository_on_this_machine_is_pushed_to(upstream: Upstream, known: list[str] | None) -> None:
    with remote(f"file://{upstream.folder}") as repository:
        assert plan_and_push(repository, bump, known_paths=known).result == "pushed"
    assert upstream.subjects() == ["bump", "first"]


def test_a_folder_with_blanks_is_a_repository_too(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "with blank ü" / "x.git")
    upstream.commit({"app.yaml": "image: ghcr.io/acme/api:1.0.0\n"}, message="first")
    with remote(f"file://{upstream.folder}") as repository:
        assert plan_and_push(repository, bump).result == "pushed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
def test_a_repository_of_somebody_else_is_used_where_the_user_has_said_so(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["chown", "-R", "12345", str(upstream.folder)], check=True)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("SUDO_UID", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    with remote(f"file://{upstream.folder}") as repository, pytest.raises(NotPermitted, match="another user"):
        open_tree(repository)
    git(home, "config", "--file", str(home / ".gitconfig"), "safe.directory", str(upstream.folder))
    with remote(f"file://{upstream.folder}") as repository:
        assert plan_and_push(repository, bump).result == "pushed"


def test_another_protocol_than_the_addresses_own_cannot_be_reached(tmp_path: Path) -> None:
    with served(tmp_path) as world, world.remote() as http:
        for url in ("ext::sh -c id", f"file://{world.upstream.folder}", "git://127.0.0.1/x", "ssh://h/x"):
            done = http.git.remote(None, "ls-remote", url, may_fail=True)
            assert b"not allowed" in done.stderr
        assert b"not allowed" in http.git.local(http.git.folder, "ls-remote", http.address.url, may_fail=True).stderr
