"""Bytes to text, and how a place in it is shown: no credential, no control character, carets that stand right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.config.source import (
    SIZE_MAX,
    Place,
    Problem,
    Unreadable,
    bad_config,
    decode,
    find_credentials,
    mask,
    shown,
    snippet,
)


def refusals(data: bytes) -> list[tuple[int, int, str]]:
    with pytest.raises(Unreadable) as caught:
        decode(data)
    return [(problem.place.line, problem.place.column, problem.what) for problem in caught.value.problems]


@pytest.mark.parametrize("data", [b"a: 1\n", "é: ü\r\n".encode(), b"", b"a:\t1\n", "😀".encode(), b"x" * 65536])
def test_text_that_is_read(data: bytes) -> None:
    assert decode(data) == data.decode()


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode(b"\xef\xbb\xbfa: 1") == "a: 1"


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        (b"x" * (SIZE_MAX + 1), 1, 1, "over 1 MiB"),
        ("a: 1\n".encode("utf-16"), 1, 1, "UTF-16"),
        ("a: 1\n".encode("utf-16-le"), 1, 1, "UTF-16"),
        ("a: 1\n".encode("utf-16-be"), 1, 1, "UTF-16"),
        ("a: 1\n".encode("utf-32"), 1, 1, "UTF-16 or UTF-32"),
        (b"a: 1\nb: \xe9\n", 2, 4, "0xe9 is not UTF-8"),
        (b"\xef\xbb\xbfa: \xff", 1, 4, "0xff"),
        ("a: b # c\u0085image: evil/x:1".encode(), 1, 9, "(NEL)"),
        ("a: 1\nb: \u2028".encode(), 2, 4, "(LS)"),
        ("\u2029".encode(), 1, 1, "(PS)"),
        (b"a: b # c\rimage: evil/x:1", 1, 9, "a lone CR"),
        (b"a: 1\r\r\n", 1, 5, "a lone CR"),
        (b"a: \x07", 1, 4, "control character U+0007"),
        (b"aaaaa: \x00", 1, 8, "control character U+0000"),
        ("a: \ufeffb".encode(), 1, 4, "byte order mark"),
        (b"a: 1\n" + b"x" * 65537, 2, 1, "over 64 KiB"),
    ],
    ids=[
        *(
            "size",
            "utf-16",
            "utf-16-le",
            "utf-16-be",
            "utf-32",
            "latin-1",
            "byte behind a mark",
            "NEL",
            "LS",
            "PS",
            "CR",
        ),
        *("CR before CRLF", "bell", "zero", "second mark", "long line"),
    ],
)
def test_bytes_that_are_refused(data: bytes, line: int, column: int, words: str) -> None:
    [(found_line, found_column, what)] = refusals(data)
    assert (found_line, found_column) == (line, column)
    assert words in what


def test_all_odd_characters_are_told() -> None:
    assert [line for line, _, _ in refusals("a\u0085\nb\nc\x01\x02\n".encode())] == [1, 3, 3]


@given(data=st.binary(max_size=60))
def test_any_bytes_are_text_or_are_refused(data: bytes) -> None:
    try:
        text = decode(data)
    except Unreadable as error:
        bad_config("f", error.text, error.problems).lines()
    else:
        assert text.encode() in (data, data.removeprefix(b"\xef\xbb\xbf"))


# Each is put together here, so that no scanner takes this file for a leak.
CREDENTIALS = {
    "github": "ghp" + "_" + "a1B2" * 9,
    "github app": "ghs" + "_" + "a1B2" * 9,
    "github fine-grained": "github" + "_pat_" + "11AAAA" * 5,
    "gitlab": "glpat" + "-" + "xY_1" * 5,
    "gitlab deploy": "gldt" + "-" + "xY_1" * 5,
    "docker hub": "dckr" + "_pat_" + "abcd" * 6,
    "npm": "npm" + "_" + "aB3d" * 9,
    "pypi": "pypi" + "-AgEIcHlwaS5vcmc" + "Cd" * 20,
    "slack": "xoxb" + "-" + "123456789012",
    "vault": "hvs" + "." + "CAESI" * 6,
    "aws": "AKIA" + "ABCDEFGH12345678",
    "artifactory": "AKCp" + "8jRa9" * 5,
    "google": "AIza" + "b" * 35,
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0In0" + ".sig-na_ture",
    "key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "password in a URL": "user" + ":hunter2",
}
NO_CREDENTIALS = {
    "secret by name": "id=npm,env=NPM_TOKEN",
    "short": "ghp_token",
    "word": "glpat-is-the-prefix",
    "name that begins alike": "glance-api-server-production-image",
    "user of ssh": "ssh://git@github.com/acme/manifests",
    "scp": "git@github.com:acme/manifests.git",
    "port": "https://registry.example:5000/v2/",
    "mail": "mailto:a@b.example",
    "digest": "sha256:" + "ab" * 32,
    "certificate": "-----BEGIN CERTIFICATE-----",
}


@pytest.mark.parametrize(("kind", "secret"), CREDENTIALS.items(), ids=CREDENTIALS)
def test_a_credential_is_found_and_never_shown(kind: str, secret: str) -> None:
    written = f"https://{secret}@host/x" if kind == "password in a URL" else secret
    text = f"a: 1\nb: {written} # comment\n"
    [problem] = find_credentials(text)
    assert problem.place.line == 2
    assert text.split("\n")[1][problem.place.column - 1 :].startswith(secret)
    assert secret not in mask(text)
    assert len(mask(text)) == len(text)
    other = Problem(Place(2, 1), "something else")
    for shown_text in ("\n".join(bad_config("f", text, [problem, other]).lines()), shown(text)):
        assert secret not in shown_text


@pytest.mark.parametrize("text", NO_CREDENTIALS.values(), ids=NO_CREDENTIALS)
def test_what_is_no_credential(text: str) -> None:
    assert find_credentials(text) == []
    assert mask(text) == text


@pytest.mark.parametrize("word", ["eyJ", "ghp_", "://", "://a:", "-----BEGIN ", "glpat-", "eyJaaaaaaaaaa."])
def test_a_long_line_of_beginnings_is_searched_once(word: str) -> None:
    # A quadratic search would take minutes for this.
    assert len(mask(word * (SIZE_MAX // len(word)))) <= SIZE_MAX


LINE = "  image: [äé, 漢字, x]"


@pytest.mark.parametrize(
    ("place", "shown_lines"),
    [
        (Place(1, 3, 5), ["   1 |   image: [äé, 漢字, x]", "     |   ^^^^^"]),
        (Place(1, 11, 2), ["   1 |   image: [äé, 漢字, x]", "     |           ^^"]),
        (Place(1, 15, 2), ["   1 |   image: [äé, 漢字, x]", "     |               ^^^^"]),
        (Place(1, 19, 1), ["   1 |   image: [äé, 漢字, x]", "     |                     ^"]),
        (Place(1, 30, 1), ["   1 |   image: [äé, 漢字, x]", "     |                       ^"]),
        (Place(9, 1, 1), ["   9 |", "     | ^"]),
    ],
    ids=["ascii", "umlauts", "wide", "behind wide", "past the end of the line", "past the end of the file"],
)
def test_carets(place: Place, shown_lines: list[str]) -> None:
    assert snippet([LINE], place) == shown_lines


def test_a_long_line_is_cut_around_the_place() -> None:
    line = "a" * 300 + "HERE" + "b" * 300
    first, second = snippet([line], Place(1, 301, 4))
    assert first.startswith("   1 | …a")
    assert first.endswith("b…")
    assert first[second.index("^") : second.rindex("^") + 1] == "HERE"
    assert len(first) < 120


@given(line=st.text(max_size=250), column=st.integers(1, 260), width=st.integers(1, 300))
def test_a_snippet_is_two_safe_lines(line: str, column: int, width: int) -> None:
    lines = snippet([line.replace("\n", "")], Place(1, column, width), "note")
    assert len(lines) == 2
    assert all(text.isprintable() for text in lines)
    assert "^" in lines[1]


def test_problems_stand_in_the_order_of_their_places_and_once() -> None:
    problems = [Problem(Place(2, 1), "second"), Problem(Place(1, 4), "first"), Problem(Place(2, 1), "second")]
    error = bad_config("p.yaml", "a: b\nc: d\n", problems)
    assert error.lines() == [
        "p.yaml:1:4: first",
        "  |    1 | a: b",
        "  |      |    ^",
        "  | p.yaml:2:1: second",
        "  |    2 | c: d",
        "  |      | ^",
        "  next: correct these 2 places; `pipelinegen schema` prints what the file may hold",
    ]
    assert (error.id, error.exit_code) == ("bad-config", 2)


def test_a_second_place_is_shown_with_its_words() -> None:
    problem = Problem(Place(2, 1), "twice", (Place(1, 1), "first written here"))
    assert bad_config("p", "a: 1\na: 2\n", [problem]).details[-1] == "     | ^ first written here"


def test_after_a_hundred_problems_the_rest_is_counted() -> None:
    problems = [Problem(Place(n, 1), "x") for n in range(1, 151)]
    assert bad_config("p", "a\n" * 150, problems).details[-1] == "… and 50 more"
