"""What the session decides without a network."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.http_rules import ca_bundle, is_loopback, limit_wait, origin_of, proxies, retry_after
from pipelinegen.errors import InputError

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.github.com/repos/a/b?x=1", "https://api.github.com"),
        ("https://API.GitHub.com:443/", "https://api.github.com"),
        ("https://ghe.example:8443/api/v3", "https://ghe.example:8443"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1"),
        ("http://[::1]:9/x", "http://[::1]:9"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://github.example/api",
        "http://127.0.0.1.evil.example/",
        "http://0x7f.0.0.1/",
        "https://user:pass-word@github.example/",
        "https://token@github.example/",
        "ftp://github.example/",
        "github.example",
        "https:///path",
        "https://host:port/",
        "http://[::1/",
        "",
    ],
)
def test_an_origin_that_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        origin_of(url)
    assert caught.value.id == "bad-url"
    assert "pass-word" not in "\n".join(caught.value.lines())
    assert "token@" not in "\n".join(caught.value.lines())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("127.1", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("999999999", 999999999.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("９", None),
        ("9" * 400, None),
        ("Wed, 99 Foo 2020 99:99:99 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.text())
def test_retry_after_never_fails(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait"),
    [
        pytest.param(429, {}, "", 60.0, id="429 that says nothing"),
        pytest.param(429, {"retry-after": "7"}, "", 7.0, id="429 with seconds"),
        pytest.param(429, {"retry-after": formatdate(NOW + 9, usegmt=True)}, "", 9.0, id="429 with a date"),
        pytest.param(429, {"retry-after": "0"}, "", 1.0, id="at once still waits a second"),
        pytest.param(429, {"ratelimit-remaining": "0", "ratelimit-reset": str(int(NOW) + 30)}, "", 30.0, id="GitLab"),
        pytest.param(
            403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 3600)}, "", 3600.0, id="in an hour"
        ),
        pytest.param(
            403,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) - 99)},
            "",
            1.0,
            id="reset in the past",
        ),
        pytest.param(
            403, {"x-ratelimit-remaining": "12"}, "You have exceeded a secondary rate limit", 60.0, id="secondary"
        ),
        pytest.param(
            403,
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(int(NOW) + 10),
                "date": formatdate(NOW, usegmt=True),
            },
            "",
            10.0,
            id="by the server's clock",
        ),
        pytest.param(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, "", 60.0, id="unreadable reset"),
        pytest.param(403, {}, "Resource not accessible by integration", None, id="a right that is missing"),
        pytest.param(403, {"x-ratelimit-remaining": "4999"}, "Must have admin rights", None, id="not at the limit"),
        pytest.param(404, {"retry-after": "5"}, "", None, id="not found"),
        pytest.param(503, {"retry-after": "5"}, "", None, id="unavailable is not a limit"),
    ],
)
def test_limit_wait(status: int, headers: dict[str, str], body: str, wait: float | None) -> None:
    assert limit_wait(status, headers, body, NOW) == wait


def test_the_servers_clock_decides_when_ours_is_a_year_off() -> None:
    headers = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int(NOW) + 10),
        "date": formatdate(NOW, usegmt=True),
    }
    assert limit_wait(403, headers, "", NOW + 365 * 86400) == 10.0


def test_certificates_come_from_the_variables_that_others_read(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("x")
    assert ca_bundle({}) is True
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "GIT_SSL_CAINFO"):
        assert ca_bundle({name: str(bundle)}) == str(bundle)
        with pytest.raises(InputError, match=name):
            ca_bundle({name: str(tmp_path / "absent")})


@pytest.mark.parametrize(
    ("origin", "environ", "expected"),
    [
        ("https://a.example", {}, {}),
        ("https://a.example", {"HTTPS_PROXY": "http://p:3128"}, {"https": "http://p:3128"}),
        ("https://a.example", {"https_proxy": "http://q:1", "HTTPS_PROXY": "http://p:3128"}, {"https": "http://q:1"}),
        ("https://a.example", {"ALL_PROXY": "http://p:3128"}, {"https": "http://p:3128"}),
        ("https://a.example", {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": ".example"}, {}),
        ("https://a.example", {"HTTPS_PROXY": "http://p:3128", "no_proxy": "b.example"}, {"https": "http://p:3128"}),
        ("http://127.0.0.1:9", {"HTTPS_PROXY": "http://p:3128", "HTTP_PROXY": "http://p:3128"}, {}),
    ],
)
def test_proxies(origin: str, environ: dict[str, str], expected: dict[str, str]) -> None:
    assert proxies(origin, environ) == expected
