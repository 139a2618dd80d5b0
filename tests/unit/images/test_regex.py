"""Go's regular expressions in Python. Every row was run through Go's own package regexp."""

from __future__ import annotations

import pytest

from pipelinegen.images.regex import BadRegex, compile_go

FOUND = [
    ("", "x"),
    ("^hi\n$", "hi\n"),
    ("(?m)^hi$", "a\nhi\n"),
    ("(?s)a.b", "a\nb"),
    ("$^", ""),
    (r"\B", ""),
    (r"world\n\z", "world\n"),
    (r"\Ahi", "hi"),
    (r"[[:alpha:]]+ [[:digit:]]+", "ab 12"),
    ("[]a]", "]"),
    ("[^]a]", "b"),
    (r"[/\]]", "]"),
    (r"[\-x]", "-"),
    ("[&&~~||]", "&"),
    (r"[\W]", "é"),
    (r"[\d_]", "_"),
    (r"\Qa.b\E.", "a.bX"),
    (r"\Qa.b", "a.b"),
    (r"\x{68}ello", "hello"),
    (r"\x41", "A"),
    (r"\101", "A"),
    ("hello (?i)WORLD|X", "hello world"),
    ("a(?i)b|c", "C"),
    ("a(?i)b|c", "aB"),
    ("(?i)(a|(?-i)b)c", "bC"),
    ("(?i:é)", "É"),
    ("(?U)a+", "aaa"),
    ("(?P<n>a)(?<m>b)", "ab"),
    ("x{2,3}", "xxx"),
    ("a{,2}", "a{,2}"),
    ("x # y", "x # y"),
    ("^+a", "a"),
    (r"\.\-\/", ".-/"),
]
NOT_FOUND = [
    ("^hi$", "hi\n"),
    ("a.b", "a\nb"),
    (r"\Qa.b\E", "aXb"),
    ("a(?i)b|c", "AB"),
    ("(?i)(a|(?-i)b)c", "BC"),
    (r"^\w+ ", "café x"),
    (r"[^\W]", "é"),
    (r"\bé", "é"),
    (r"[\x00-\x7F]", "é"),
    (r"\s", "\v"),
    (r"\d", "٣"),
    ("a{,2}", "aa"),
]
REFUSED = [
    *("a**", "a+*", "^**", "(?=a)", "(?!a)", "(?<=a)b", "(?>a)", "(?#a)", r"(l)\1", "(a", "a)", "[a", "a\\", "*a"),
    *("[[:^alpha:]]", "[[:nope:]]", r"[a-\d]", "[z-a]", "a{1001}", r"\y", r"\x{110000}", r"\pL", r"\C", "(?x)a"),
]


@pytest.mark.parametrize(("pattern", "text"), FOUND)
def test_what_go_finds_is_found(pattern: str, text: str) -> None:
    assert compile_go(pattern).search(text)


@pytest.mark.parametrize(("pattern", "text"), NOT_FOUND)
def test_what_go_does_not_find_is_not_found(pattern: str, text: str) -> None:
    assert not compile_go(pattern).search(text)


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_go_refuses_or_python_lacks_is_refused_in_words(pattern: str) -> None:
    with pytest.raises(BadRegex) as told:
        compile_go(pattern)
    assert str(told.value)
