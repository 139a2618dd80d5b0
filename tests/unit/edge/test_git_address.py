"""Which addresses of a manifest repository are taken; the rest is refused before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.git.address import is_url, parse_address
from pipelinegen.errors import InputError

TAKEN = [
    ("https://github.com/acme/manifests", "https", "https://github.com/acme/manifests"),
    ("https://GitHub.com/Acme/R.git", "https", "https://github.com/Acme/R.git"),
    ("HTTPS://h.example:443/x/", "https", "https://h.example/x"),
    ("https://h:8443/a/b", "https", "https://h:8443/a/b"),
    ("https://h/a%20b", "https", "https://h/a%20b"),
    ("https://h/~me/x", "https", "https://h/~me/x"),
    ("https://dev.azure.com/o/p/_git/r", "https", "https://dev.azure.com/o/p/_git/r"),
    ("http://localhost:3000/x", "http", "http://localhost:3000/x"),
    ("http://127.0.0.1/x", "http", "http://127.0.0.1/x"),
    ("http://[::1]:80/x", "http", "http://[::1]/x"),
    ("ssh://git@h:2222/o/r", "ssh", "ssh://git@h:2222/o/r"),
    ("ssh://h/o/r", "ssh", "ssh://h/o/r"),
    ("git@github.com:o/r.git", "ssh", "git@github.com:o/r.git"),
    ("git@H.example:~me/x", "ssh", "git@h.example:~me/x"),
    ("file:///srv/git/x.git", "file", "file:///srv/git/x.git"),
    ("file:///srv/with blank/ü", "file", "file:///srv/with blank/ü"),
]


@pytest.mark.parametrize(("text", "kind", "url"), TAKEN, ids=[text for text, _, _ in TAKEN])
def test_taken(text: str, kind: str, url: str) -> None:
    address = parse_address(text)
    assert (address.kind, str(address)) == (kind, url)
    assert parse_address(url) == address


def test_the_origin_is_the_one_that_git_names_in_its_questions() -> None:
    assert parse_address("https://H:443/x").origin == "https://h"
    assert parse_address("http://[::1]:8080/x").origin == "http://[::1]:8080"


REFUSED = {
    "helper": "ext::sh -c id",
    "helper without blanks": "ext::id",
    "descriptors": "fd::17/x",
    "git protocol": "git://h/x",
    "ftp": "ftp://h/x",
    "path": "/abs/path",
    "relative path": "manifests",
    "option": "-x",
    "long option": "--upload-pack=id",
    "option as scp host": "git@-oProxyCommand=id:x",
    "option as scp user": "-oX@host:x",
    "option as scp path": "git@host:-x",
    "option as ssh host": "ssh://-oProxyCommand=id/x",
    "option as ssh user": "ssh://-oX@h/x",
    "control in the host": "https://h%0a.example/x",
    "line break": "https://h/x\n",
    "blank before": " https://github.com/o/r",
    "blank inside": "https://h/a b",
    "tab": "https://h/a\tb",
    "backslash": "https://h\\@evil/x",
    "not ASCII": "https://g\u0456thub.com/o/r",
    "query": "https://github.com/o/r?x=1",
    "fragment": "https://github.com/o/r#x",
    "no host": "https://",
    "no path": "https://h",
    "only the root": "https://h/",
    "only an owner": "https://github.com/o",
    "port too big": "https://h:99999/o/r",
    "port no number": "https://h:x/o/r",
    "port empty": "https://h:/o/r",
    "dots": "https://h/a/../b",
    "dots in disguise": "https://h/%2e%2e/b",
    "slash in disguise": "https://h/a%2fb",
    "NUL in disguise": "https://h/a%00b",
    "empty part": "https://h//x",
    "http elsewhere": "http://h.example/x",
    "http to a lookalike of loopback": "http://127.0.0.1.example/x",
    "host with an underscore": "https://a_b/x",
    "host that starts with a dash": "https://-h/x",
    "file on another machine": "file://server/share",
    "file that climbs": "file:///a/../b",
    "relative file": "file://",
    "nothing": "",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(InputError, match="the address of the manifest repository is refused") as told:
        parse_address(text)
    assert told.value.id == "bad-url"


@pytest.mark.parametrize(
    "text",
    [
        "https://canary@github.com/o/r",
        "https://user:canary@github.com/o/r",
        "https://github.com@canary.example/o/r",
        "ssh://git:canary@h/x",
        "https://h/x?private_token=canary",
        "https://canary@/o r",
        "http://canary@h.example:99999/",
    ],
)
def test_a_secret_in_an_address_is_not_repeated(text: str) -> None:
    with pytest.raises(InputError) as told:
        parse_address(text)
    assert "canary" not in "\n".join(told.value.lines()) + str(told.value) + repr(told.value.data())


@given(st.text(max_size=60) | st.from_regex(r"(https|ssh|file)://[ -~]{0,40}", fullmatch=True))
def test_whatever_is_taken_is_printable_normal_and_no_option(text: str) -> None:
    try:
        address = parse_address(text)
    except InputError:
        return
    assert address.url.isprintable()
    assert not address.url.startswith("-")
    assert parse_address(address.url) == address
    assert "@" not in address.url or address.kind in ("ssh", "file") or "@" in address.path


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("https://h/x", True),
        ("git@h:x", True),
        ("ext::id", True),
        ("manifests", False),
        ("./a:b", False),
        ("/a/b", False),
        ("..", False),
    ],
)
def test_a_url_is_told_from_a_folder(text: str, answer: bool) -> None:
    assert is_url(text) is answer


def test_a_folder_with_a_colon_in_its_name_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_url("a:b")
    (tmp_path / "a:b").mkdir()
    assert not is_url("a:b")
