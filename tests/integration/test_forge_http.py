"""The pinned session against a real server on loopback: retries, waits, limits, redirects, certificates."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.http import AnswerLost, Clock, RateLimited, Session
from pipelinegen.errors import PipelinegenError, WorldError
from tests.support.forges.server import FakeTime, Reply, Request, StandIn

TOKEN = {"Authorization": "token canary-value"}


class Echo(StandIn):
    answer: Any = "fine"

    def respond(self, request: Request) -> Reply:
        return Reply(200, self.answer)


@pytest.fixture
def server() -> Iterator[Echo]:
    with Echo() as started:
        assert isinstance(started, Echo)
        yield started


@pytest.fixture
def second() -> Iterator[Echo]:
    with Echo() as started:
        assert isinstance(started, Echo)
        yield started


def session(url: str, time: FakeTime | None = None, **more: Any) -> Session:
    time = time or FakeTime()
    clock = Clock(time.now, time.monotonic, time.sleep, lambda: 1.0)
    return Session(url, headers=TOKEN, environ=more.pop("environ", {}), clock=clock, **more)


@pytest.mark.parametrize("fault", ["status", "reset-before", "reset-after", "truncate"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_passing_fault_heals_where_the_method_may_be_repeated(server: Echo, method: str, fault: Any) -> None:
    server.fail(fault, times=3)
    said: list[str] = []
    with session(server.url, tell=said.append) as http:
        assert http.request(method, "/x").json() == "fine"
    assert len(server.log) == 4
    assert [line.rpartition(",")[2] for line in said] == [" 2 of 4", " 3 of 4", " 4 of 4"]


@pytest.mark.parametrize("fault", ["status", "reset-before", "reset-after", "truncate"])
def test_a_post_is_not_repeated_since_it_may_have_been_carried_out(server: Echo, fault: Any) -> None:
    server.fail(fault)
    with session(server.url) as http, pytest.raises(AnswerLost):
        http.request("POST", "/x", json={"a": 1})
    assert server.lines() == ["POST /x"]


def test_four_tries_and_then_the_servers_words(server: Echo) -> None:
    server.fail("status", times=-1, status=502, body={"message": "upstream is away"})
    with session(server.url) as http, pytest.raises(WorldError) as caught:
        http.request("GET", "/x")
    assert len(server.log) == 4
    assert caught.value.id == "server-refused"
    assert "upstream is away" in "\n".join(caught.value.lines())


def test_a_host_that_refuses_is_tried_again_also_for_post() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        time = FakeTime()
        with session(url, time) as http, pytest.raises(WorldError) as caught:
            http.request("POST", "/x")
    assert caught.value.id == "net"
    assert not isinstance(caught.value, AnswerLost)
    assert len(time.slept) == 3
    assert "Connection refused" in "\n".join(caught.value.lines())


def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    with session("https://nowhere.invalid") as http, pytest.raises(WorldError) as caught:
        http.request("GET", "/x")
    assert caught.value.id == "net"
    assert caught.value.where == "https://nowhere.invalid"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422])
def test_an_answer_of_four_hundred_is_the_callers_matter(server: Echo, status: int) -> None:
    server.fail("status", status=status, body={"message": "no"})
    with session(server.url) as http:
        answer = http.request("GET", "/x")
    assert (answer.status_code, answer.json()) == (status, {"message": "no"})
    assert len(server.log) == 1


@pytest.mark.parametrize(
    ("status", "headers", "body", "slept"),
    [
        pytest.param(429, {"Retry-After": "7"}, None, 7.0, id="seconds"),
        pytest.param(429, {}, None, 60.0, id="nothing told"),
        pytest.param(403, {}, {"message": "You have exceeded a secondary rate limit."}, 60.0, id="secondary"),
        pytest.param(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, None, 1.0, id="reset in the past"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_rate_limit_is_waited_for_as_told(
    server: Echo, method: str, status: int, headers: dict[str, str], body: Any, slept: float
) -> None:
    server.fail("status", status=status, headers=headers, body=body)
    time = FakeTime()
    with session(server.url, time) as http:
        assert http.request(method, "/x").json() == "fine"
    assert time.slept == [slept]


def test_a_rate_limit_past_the_deadline_says_when(server: Echo) -> None:
    server.fail("status", status=429, headers={"Retry-After": "3600", "Date": "Tue, 14 Nov 2023 22:13:20 GMT"})
    time = FakeTime(1_700_000_000)
    with session(server.url, time) as http, pytest.raises(RateLimited) as caught:
        http.request("GET", "/x")
    assert time.slept == []
    assert caught.value.data()["retry_at"] == "2023-11-14T23:13:20Z"
    assert caught.value.data()["id"] == "rate-limited"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_never_followed(server: Echo, second: Echo, method: str, status: int) -> None:
    server.fail("status", times=-1, status=status, headers={"Location": f"{second.url}/steal?x=1"})
    with session(server.url) as http, pytest.raises(WorldError) as caught:
        http.request(method, "/x")
    assert caught.value.id == "redirected"
    assert "127.0.0.1/steal" in caught.value.what
    assert second.log == []
    assert len(server.log) == 1


def test_a_url_of_another_origin_is_never_asked(server: Echo, second: Echo) -> None:
    with session(server.url) as http:
        for url in (second.url + "/next?page=2", server.url.replace("127.0.0.1", "localhost") + "/x"):
            with pytest.raises(WorldError) as caught:
                http.request("GET", url)
            assert caught.value.id == "redirected"
        with pytest.raises(PipelinegenError):
            http.request("GET", "http://evil.example/")
    assert (server.log, second.log) == ([], [])


def test_other_credentials_stay_at_home(server: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other-canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Session(server.url, environ={}) as http:
        http.request("GET", "/x")
    assert "authorization" not in server.log[0].request.headers


def test_an_answer_that_is_too_long_is_cut_off(server: Echo) -> None:
    server.answer = b"x" * (5 * 1024 * 1024 + 1)
    with session(server.url) as http, pytest.raises(WorldError, match="longer than"):
        http.request("GET", "/x")


def test_an_answer_that_drips_ends_at_the_deadline(server: Echo) -> None:
    server.answer = b"x" * 200_000
    server.fail("drip", times=-1)
    ticks = iter(range(10_000))
    clock = Clock(monotonic=lambda: float(next(ticks)), sleep=lambda seconds: None)
    http = Session(server.url, environ={}, clock=clock, deadline_seconds=5.0)
    with http, pytest.raises(WorldError) as caught:
        http.request("GET", "/x")
    assert caught.value.id == "timeout"


def test_nothing_is_sent_after_the_deadline(server: Echo) -> None:
    time = FakeTime()
    with session(server.url, time, deadline_seconds=5.0) as http:
        time.sleep(6)
        with pytest.raises(WorldError) as caught:
            http.request("POST", "/x")
    assert caught.value.id == "timeout"
    assert not isinstance(caught.value, AnswerLost)
    assert server.log == []


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for `localhost`, its own authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))
    assert ipaddress.ip_address("127.0.0.1").is_loopback
    return folder


@pytest.fixture
def tls_port(authority: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "ca.pem", authority / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    plain, _ = listener.accept()
                except TimeoutError:
                    continue
                plain.settimeout(5)
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.recv(65536)
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine")
                except OSError:
                    plain.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "GIT_SSL_CAINFO"])
def test_an_own_authority_is_accepted(tls_port: int, authority: Path, variable: str) -> None:
    with session(f"https://localhost:{tls_port}", environ={variable: str(authority / "ca.pem")}) as http:
        assert http.request("GET", "/x").text == "fine"


@pytest.mark.parametrize(
    ("host", "environ"), [("localhost", {}), ("127.0.0.1", {"SSL_CERT_FILE": "ca.pem"})], ids=["unknown", "wrong host"]
)
def test_a_certificate_is_never_waved_through(
    tls_port: int, authority: Path, host: str, environ: dict[str, str]
) -> None:
    environ = {name: str(authority / file) for name, file in environ.items()}
    with session(f"https://{host}:{tls_port}", environ=environ) as http, pytest.raises(WorldError) as caught:
        http.request("GET", "/x")
    assert caught.value.id == "tls"
    assert "SSL_CERT_FILE" in str(caught.value.next)


def test_a_proxy_that_is_not_there_is_named_without_its_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        proxy = f"http://user:proxy-canary@127.0.0.1:{unused.getsockname()[1]}"
        http = session("https://forge.example", environ={"HTTPS_PROXY": proxy})
        with http, pytest.raises(WorldError) as caught:
            http.request("POST", "/x")
    text = "\n".join(caught.value.lines())
    assert "HTTPS_PROXY" in text
    assert "proxy-canary" not in text
