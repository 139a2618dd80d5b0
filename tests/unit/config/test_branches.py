"""Branch names: git itself is the judge of which are valid, and ours are one flat name for each set of targets."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelinegen.branches import NAME_MAX, branch_name, branch_problem


def git_takes(name: str) -> bool:
    command = ["git", "check-ref-format", "--branch", name]
    return subprocess.run(command, capture_output=True, cwd="/", check=False).returncode == 0


REFUSED = {
    "empty": "",
    "option": "-x",
    "HEAD": "HEAD",
    "range": "a..b",
    "reflog": "a@{1}",
    "lock in the middle": "a/b.lock/c",
    "lock at the end": "b.lock",
    "parent": "a^1",
    "first character": "^x",
    "ancestor": "a~1",
    "question mark": "a?b",
    "star": "a*",
    "bracket": "a[b",
    "backslash": "a\\b",
    "blank": "a b",
    "newline": "a\nb",
    "final newline": "a\n",
    "tab": "a\tb",
    "delete": "a\x7fb",
    "final dot": "a.",
    "hidden": ".a",
    "hidden below": "a/.b",
    "first slash": "/a",
    "final slash": "a/",
    "two slashes": "a//b",
    "refspec": "x:refs/heads/y",
}
ACCEPTED = {
    "plain": "main",
    "capitals": "Main",
    "head in small letters": "head",
    "whole ref": "refs/heads/x",
    "shell": "$(id)",
    "percent": "x%0ay",
    "braces": "a{b}",
    "at inside": "a@b",
    "plus inside": "a+b",
    "lock inside": "a.lockb",
    "dots apart": "a.b.c",
    "quotes": "a'b\"c",
    "semicolon": "a;b|c&d",
    "umlaut": "übung/x",
    "no-break blank": "a\u00a0b",
    "next line": "a\u0085b",
    "tag and branch": "tag-and-branch-same-name",
}


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_refused_as_git_refuses(name: str) -> None:
    assert branch_problem(name) is not None
    assert not git_takes(name)


@pytest.mark.parametrize("name", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted_as_git_accepts(name: str) -> None:
    assert branch_problem(name) is None
    assert git_takes(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [("+x", "forced push"), ("@", "called @"), ("é" * 126, "250 bytes")],
    ids=["plus", "at", "long"],
)
def test_refused_by_a_rule_of_ours_that_git_does_not_have(name: str, words: str) -> None:
    assert words in str(branch_problem(name))


def test_a_part_of_250_bytes_is_not_too_long() -> None:
    assert branch_problem("é" * 125) is None
    assert branch_problem("/".join(["x" * 250] * 3)) is None


PIECES = ["a", "b", "/", ".", "..", "@", "{", "}", "-", ".lock", "lock", "HEAD", "~", "^", ":", " ", "\\", "*", "\x1f"]
NEAR_COPIES = st.lists(st.sampled_from([*PIECES, "é", "[", "?", "\x7f", "refs/heads/", "$"]), max_size=6).map("".join)
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(name=st.one_of(NEAR_COPIES, ANY_TEXT))
@example(name="@{-1}")
@example(name="a.lock/b")
def test_agrees_with_git(name: str) -> None:
    ours = name.startswith("+") or name == "@"
    assert (branch_problem(name) is None) == (git_takes(name) and not ours)


TARGETS = st.lists(st.text(max_size=20), max_size=5)


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(environment=st.none() | st.text(max_size=60), slug=st.text(max_size=120), targets=TARGETS)
def test_every_name_is_valid_flat_and_short(environment: str | None, slug: str, targets: list[str]) -> None:
    name = branch_name(environment, slug, targets)
    assert branch_problem(name) is None
    assert "/" not in name
    assert name.isascii()
    assert len(name) <= NAME_MAX


@settings(max_examples=30, deadline=None)
@given(environment=st.none() | st.text(max_size=60), slug=st.text(max_size=120), targets=TARGETS)
def test_every_name_is_one_that_git_takes(environment: str | None, slug: str, targets: list[str]) -> None:
    assert git_takes(branch_name(environment, slug, targets))


@given(one=TARGETS, other=TARGETS)
@example(one=["a", "b"], other=["a,b"])
@example(one=["ab"], other=["a", "b"])
@example(one=[], other=[""])
@example(one=['a","b'], other=["a", "b"])
def test_two_sets_of_targets_are_two_branches(one: list[str], other: list[str]) -> None:
    same = branch_name("staging", "api", one) == branch_name("staging", "api", other)
    assert same == (set(one) == set(other))


@given(targets=TARGETS, data=st.data())
def test_the_order_and_repetition_of_targets_do_not_matter(targets: list[str], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(targets + targets[:1]))
    assert branch_name(None, "api", mixed) == branch_name(None, "api", targets)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b-c"), ("a-b", "c")),
        (("a b", "x"), ("a-b", "x")),
        ((None, "x"), ("bump", "x")),
        (("s", "x"), ("S", "x")),
    ],
    ids=["cut elsewhere", "cleaned", "none and bump", "case"],
)
def test_two_environments_are_two_branches(one: tuple[str | None, str], other: tuple[str | None, str]) -> None:
    assert branch_name(*one, ["t"]) != branch_name(*other, ["t"])


def test_the_words_are_readable() -> None:
    assert branch_name("production", "ghcr.io/acme/api", ["x"]).startswith("pipelinegen-production-ghcr.io-acme-api-")
    assert branch_name(None, "api", ["x"]).startswith("pipelinegen-bump-api-")
    assert len(branch_name(None, "", ["x"])) == len("pipelinegen-bump-") + 12
    assert branch_name("e" * 90, "s" * 90, []).count("e" * 40 + "-s") == 1
