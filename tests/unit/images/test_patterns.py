"""Patterns of .dockerignore and of COPY: tables that moby/patternmatcher and Go's path.Match were asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.images.patterns import BadPattern, clean, has_wildcard, ignoring, read_ignore, wildcard

# (patterns, what they leave out, what they do not)
IGNORED = {
    "a name": ("a", ["a", "a/b", "a/b/c"], ["b/a", "ab", "A"]),
    "a path": ("a/b", ["a/b", "a/b/c"], ["a", "b", "x/a/b"]),
    "a star": ("*.go", ["a.go", ".go", "a.go/x"], ["x/a.go", "ago"]),
    "a star in a folder": ("a/*", ["a/x", "a/x/y"], ["a", "b/x"]),
    "stars within": ("a*b*c", ["abc", "axbyc"], ["ab/c", "abcd"]),
    "a question mark": ("a?c", ["abc", "aéc"], ["ac", "a/c", "abbc"]),
    "a class": ("[a-c]x", ["ax", "cx"], ["dx", "abx"]),
    "not of a class": ("[^a]x", ["bx"], ["ax", "x"]),
    "two stars in front": ("**/x", ["x", "a/x", "a/b/x", "a/x/y"], ["ax", "xa"]),
    "two stars without a slash": ("**x", ["x", "ax", "b/ax"], ["xa"]),
    "two stars behind": ("a/**", ["a/b", "a/b/c"], ["a", "b/a"]),
    "two stars between": ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "b"]),
    "two stars and more": ("**/*.go", ["a.go", "x/y/a.go"], ["go"]),
    "two stars alone": ("**", ["a", "a/b"], []),
    "an escape": ("\\*", ["*"], ["a"]),
    "signs of expressions": ("a.b(c)+$", ["a.b(c)+$"], ["aXb(c)+$", "a.bc"]),
    "taken back": ("*\n!a", ["b"], ["a", "a/b"]),
    "taken back in a folder": ("a\n!a/b", ["a", "a/c"], ["a/b", "a/b/c"]),
    "taken back and out again": ("a\n!a/b\na/b/c", ["a", "a/b/c"], ["a/b", "a/b/d"]),
    "the order counts": ("!a\n*", ["a", "b"], []),
    "taken back by stars": ("*\n!**/*.md", ["a", "a/b.txt"], ["x.md", "a/b/y.md"]),
    "slashes around": ("/a/\n./b/c/", ["a", "b/c"], ["x/a"]),
    "blanks around": ("  a  \n\t!  a/b\n", ["a", "a/c"], ["a/b"]),
    "comments": ("#a\n #b\n", ["#b"], ["a", "#a", "b"]),
    "empty lines and CRLF": ("\r\na\r\n\r\n", ["a"], ["b"]),
    "a byte order mark": ("\ufeffa", ["a"], ["b"]),
    "dots": ("a/../b\n./c", ["b", "c"], ["a"]),
    "case counts": ("A", ["A"], ["a"]),
}


@pytest.mark.parametrize(("text", "out", "inside"), IGNORED.values(), ids=IGNORED)
def test_what_is_left_out(text: str, out: list[str], inside: list[str]) -> None:
    ignored = read_ignore(text)
    assert [path for path in out if path not in ignored] == []
    assert [path for path in inside if path in ignored] == []


@pytest.mark.parametrize(
    ("text", "line"), [("!", 1), ("a\n[", 2), ("a\n\n[a-", 3), ("\\", 1), ("[]a]", 1), ("[z-a]", 1)]
)
def test_what_is_no_pattern_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadPattern) as caught:
        read_ignore(text)
    assert caught.value.line == line


def test_nothing_leaves_nothing_out() -> None:
    assert not read_ignore("# only a comment\n\n")
    assert "a" not in read_ignore("")


WILDCARDS = {
    "*": (["a", "a.b", ""], ["a/b"]),
    "*.txt": (["a.txt", ".txt"], ["a/b.txt", "a.txt.b"]),
    "a/*/c": (["a/b/c"], ["a/b/d/c", "a/c"]),
    "**": (["a"], ["a/b"]),
    "?": (["a", "é"], ["", "/", "ab"]),
    "[a-c]": (["a", "b"], ["d", "-"]),
    "[^a-c]": (["d"], ["a"]),
    "[\\]]": (["]"], ["\\"]),
    "[[]x": (["[x"], ["x"]),
    "\\*": (["*"], ["a"]),
    "a.b": (["a.b"], ["axb"]),
}


@pytest.mark.parametrize(("pattern", "paths"), WILDCARDS.items(), ids=WILDCARDS)
def test_wildcards_of_copy(pattern: str, paths: tuple[list[str], list[str]]) -> None:
    expression = wildcard(pattern)
    fit, others = paths
    assert [path for path in fit if not expression.fullmatch(path)] == []
    assert [path for path in others if expression.fullmatch(path)] == []


@pytest.mark.parametrize("pattern", ["[", "[a", "[]", "[a-]", "[-a]", "a\\", "[\\", "[a-\\"])
def test_what_is_no_wildcard(pattern: str) -> None:
    with pytest.raises(BadPattern):
        wildcard(pattern)


@pytest.mark.parametrize(
    ("path", "expected"), [("a*", True), ("a?", True), ("[a", True), ("a\\*", False), ("a\\\\*", True), ("a", False)]
)
def test_whether_there_is_a_wildcard(path: str, expected: bool) -> None:
    assert has_wildcard(path) is expected


CLEAN = {
    "": ".",
    "/": "/",
    "//a//b/": "/a/b",
    "a/./b/..": "a",
    "../a": "../a",
    "a/../../b": "../b",
    "/../a": "/a",
    "./": ".",
    "a/..": ".",
}


@pytest.mark.parametrize(("path", "expected"), CLEAN.items(), ids=CLEAN)
def test_a_clean_path(path: str, expected: str) -> None:
    assert clean(path) == expected


PATHS = st.lists(st.sampled_from(["a", "b", "x.go", "é"]), min_size=1, max_size=3).map("/".join)


@given(st.lists(st.text(alphabet="ab*?/!.[]^-\\# ", max_size=8), max_size=4), PATHS)
def test_no_patterns_do_anything_but_fit_or_be_refused(lines: list[str], path: str) -> None:
    try:
        ignored = read_ignore("\n".join(lines))
    except BadPattern as error:
        assert 1 <= error.line <= len(lines)  # noqa: PT017 - both are good ends
        return
    assert isinstance(path in ignored, bool)


@given(PATHS, PATHS)
def test_a_path_leaves_out_itself_and_what_is_in_it(one: str, other: str) -> None:
    expected = other == one or other.startswith(f"{one}/")
    assert (other in ignoring([one])) == expected
    assert other not in ignoring([one, f"!{one}"])
