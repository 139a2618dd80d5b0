from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.registry.answers import WORDS_LIMIT, error_codes, words
from pipelinegen.edge.registry.connection import address
from pipelinegen.edge.registry.content import digest_of
from pipelinegen.errors import InputError
from pipelinegen.images.platforms import platform_of

WORDS = {
    "the registry's form": (
        b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied","detail":null}]}',
        "DENIED: requested access to the resource is denied",
    ),
    "two errors": (b'{"errors":[{"code":"A"},{"message":"b"}]}', "A; b"),
    "docker hub's token server": (b'{"details":"incorrect username or password"}', "incorrect username or password"),
    "oauth": (b'{"error":"invalid_grant","error_description":"expired"}', "invalid_grant; expired"),
    "message": (b'{"message":"Not Found"}', "Not Found"),
    "text": (b"too many\n  requests\n", "too many requests"),
    "a page": (b"  <!DOCTYPE html><p>sorry", ""),
    "nothing": (b"", ""),
    "errors that are no list": (b'{"errors":{"code":"A"}}', ""),
    "errors that are no objects": (b'{"errors":["A", 1, null]}', ""),
    "a code that is no text": (b'{"errors":[{"code":401,"message":"no"}]}', "no"),
    "JSON that is no object": (b"[1]", ""),
    "escape sequences": (b"\x1b[31mred", "\\u001b[31mred"),
    "text that turns round": ('{"message":"a\u202eb"}'.encode(), "a\\u202eb"),
    "a long story": (b"blah " * 100, ("blah " * 100)[:WORDS_LIMIT]),
    "not UTF-8": (b"\xff\xfe", "\ufffd\ufffd"),
}


@pytest.mark.parametrize(("body", "expected"), WORDS.values(), ids=WORDS.keys())
def test_the_words_of_a_server(body: bytes, expected: str) -> None:
    assert words(body) == expected


json_like = st.recursive(
    st.none() | st.integers() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["errors", "code", "message", "details", "x"]), inner, max_size=3)
    ),
)


@given(st.binary(max_size=600) | json_like.map(lambda content: json.dumps(content).encode()))
def test_the_words_of_any_server_are_one_short_line_that_can_be_printed(body: bytes) -> None:
    assert words(body).isprintable()
    assert len(words(body)) <= WORDS_LIMIT
    assert all(code == code.upper() for code in error_codes(body))


ADDRESSES = {
    "docker.io": "https://registry-1.docker.io",
    "ghcr.io": "https://ghcr.io",
    "r.test:5000": "https://r.test:5000",
    "r.test:443": "https://r.test",
    "GHCR.io": "https://ghcr.io",
    "localhost": "http://localhost",
    "localhost:5000": "http://localhost:5000",
    "127.0.0.1:5000": "http://127.0.0.1:5000",
    "127.8.9.10": "http://127.8.9.10",
    "[::1]:5000": "http://[::1]:5000",
    "[2001:db8::1]": "https://[2001:db8::1]",
    "10.0.0.1:5000": "https://10.0.0.1:5000",
    "localhost.evil.test": "https://localhost.evil.test",
    "127.0.0.1.evil.test": "https://127.0.0.1.evil.test",
    "0.0.0.0:5000": "https://0.0.0.0:5000",
}


@pytest.mark.parametrize(("registry", "expected"), ADDRESSES.items(), ids=ADDRESSES.keys())
def test_only_a_loopback_registry_is_spoken_to_without_tls(registry: str, expected: str) -> None:
    assert address(registry) == expected


def test_a_port_that_is_none_is_an_error_of_the_input() -> None:
    with pytest.raises(InputError):
        address("r.test:99999")


PLATFORMS = [
    ({"os": "linux", "architecture": "amd64"}, "linux/amd64"),
    ({"os": "linux", "architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
    ({"os": "linux", "architecture": "amd64", "variant": None}, "linux/amd64"),
    ({"os": "linux"}, ""),
    ({"architecture": "amd64"}, ""),
    ({"os": 1, "architecture": ["amd64"]}, ""),
    ("linux/amd64", ""),
    (None, ""),
]


@pytest.mark.parametrize(("content", "expected"), PLATFORMS)
def test_the_name_of_a_platform(content: object, expected: str) -> None:
    assert platform_of(content) == expected


def test_digests_are_those_of_the_specification() -> None:
    # OCI image-spec, descriptor.md: the digest of the empty JSON object.
    assert digest_of(b"{}") == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert digest_of(b"{}", "sha512").startswith(
        "sha512:27c74670adb75075fad058d5ceaf7b20c4e7786c83bae8a32f626f9782af34c9"
    )


def test_the_room_can_be_entered_without_an_http_library() -> None:
    heavy = {"requests", "urllib3", "ssl", "subprocess"}
    code = f"import sys, pipelinegen.edge.registry; print(sorted({heavy} & {{*sys.modules}}))"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "[]"
