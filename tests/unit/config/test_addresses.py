"""Addresses: what git and the forge may be asked at, and that no credential and no helper program slips in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.config.addresses import page_problem, remote_problem, web_address_problem

REMOTES = [
    "https://github.com/acme/manifests",
    "https://github.com/acme/manifests.git",
    "https://GitHub.com/O/R",
    "https://git.acme.example:8443/a/b/c",
    "https://[2001:db8::1]/x/y",
    "ssh://git@github.com/acme/manifests",
    "ssh://git.acme.example:2222/x.git",
    "git@github.com:acme/manifests.git",
    "github.com:acme/manifests",
    "http://localhost:8080/x/y",
    "http://127.0.0.1/x",
    "http://[::1]:80/x",
    "file:///srv/git/manifests.git",
    "/srv/git/manifests",
    "../manifests",
    "./manifests",
    "..",
]
NO_REMOTES = {
    "": "without blanks",
    " https://github.com/o/r": "without blanks",
    "https://github.com/o/r\n": "without blanks",
    "ext::sh -c id": "without blanks",
    "ext::sh": "helper programs (ext::)",
    "fd::17/x": "helper programs (fd::)",
    "git://h/x": "the scheme git:// is not used",
    "ftp://h/x": "the scheme ftp:// is not used",
    "javascript://h/x": "is not used",
    "-x": "does not begin with -",
    "--upload-pack=id": "does not begin with -",
    "git@-oProxyCommand=id:x": "not a host name",
    "ssh://-oProxyCommand=id/x": "not a host name",
    "-o@host:x": "does not begin with -",
    "ssh://-l@host/x": "not the name of a user",
    "https://ghp_abc@github.com/o/r": "no user and no token",
    "https://user:pw@github.com/o/r": "no user and no token",
    "https://github.com@evil.example/o/r": "no user and no token",
    "ssh://git:pw@github.com/o/r": "no password",
    "https://h%0a.example/x": "not a host name",
    "https://gіthub.com/o/r": "not a host name",
    "https://a_b.example/x": "not a host name",
    "https://h..example/x": "not a host name",
    "https://-h.example/x": "not a host name",
    "https://github.com/o/r?x=1": "no ? and no #",
    "https://github.com/o/r?": "no ? and no #",
    "https://github.com/o/r#x": "no ? and no #",
    "https://": "not a host name",
    "https:///o/r": "not a host name",
    "https://h": "the path of the repository is missing",
    "https://h/": "the path of the repository is missing",
    "ssh://h": "the path of the repository is missing",
    "https://github.com/o": "needs owner and name",
    "https://gitlab.com/o/": "needs owner and name",
    "https://h:99999/o/r": "not a URL",
    "https://h:0/o/r": "port 0",
    "https://h:x/o/r": "not a URL",
    "http://github.com/o/r": "write https",
    "http://localhost.evil.example/x": "write https",
    "http://127.0.0.1.evil.example/x": "write https",
    "file://host/x": "file:///srv",
    "file:///": "file:///srv",
    "acme/manifests": "https://github.com/acme/manifests",
    "manifests": "./manifests for a folder",
    "https://h/a\0b": "without blanks",
}


def label(value: str) -> str:
    return ascii(value)[:50] or "empty"


@pytest.mark.parametrize("text", REMOTES, ids=label)
def test_a_remote(text: str) -> None:
    assert remote_problem(text) is None


@pytest.mark.parametrize(("text", "words"), NO_REMOTES.items(), ids=label)
def test_no_remote(text: str, words: str) -> None:
    assert words in str(remote_problem(text))


@pytest.mark.parametrize(
    "text", ["https://ghe.acme.example/api/v3", "https://gitlab.acme.example", "http://localhost:1"]
)
def test_an_address_of_a_service(text: str) -> None:
    assert web_address_problem(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "ghe.acme.example", "ssh://h", "http://ghe.acme.example", "https://u:p@h", "https://h?x", "https://h#x"),
        *("https://", " https://h", "https://h\n", "file:///x"),
    ],
    ids=label,
)
def test_no_address_of_a_service(text: str) -> None:
    assert web_address_problem(text) is not None


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://shop.example", True),
        ("http://shop.example/a?b=c#d", True),
        ("javascript:alert(1)", False),
        ("https://u:p@h/x", False),
        ("https://h/a b", False),
        ("", False),
    ],
)
def test_a_page(text: str, good: bool) -> None:
    assert (page_problem(text) is None) == good


@given(text=st.text(st.sampled_from("htps:/@.-agi[]%?#1 \n\té"), max_size=25))
def test_any_text_has_an_answer(text: str) -> None:
    for rule in (remote_problem, web_address_problem, page_problem):
        problem = rule(text)
        assert problem is None or problem.isprintable()
        assert problem is not None or text.isprintable()
