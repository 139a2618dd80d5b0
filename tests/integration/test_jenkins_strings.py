"""Texts of a Jenkinsfile, read by the Groovy that Jenkins runs: each is the text that was written."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelinegen.pipelines.rendering.languages import groovy, groovy_comment, groovy_script
from tests.support.hostile_values import VALUES
from tests.support.jenkins import judge

# What Groovy looks at before it looks for strings, and what ends one, in all orders and numbers.
PIECES = ("'", "\\", "u", "0041", "000a", "005c", "0027", "n", "$", "{", "}", '"', "\n", "\r", "\t", "\0", "\x7f")
ODD = (
    "\b",
    "\f",
    "\x1b",
    "\x85",
    "\u2028",
    "\u202e",
    "\ufeff",
    "é",
    "😀",
    "\ud800",
    "\udfff",
    "/*",
    "*/",
    "//",
    "${1}",
)
CHARACTERS = st.sampled_from((*PIECES, *ODD)) | st.characters(exclude_characters="\uffff")
TEXTS = st.lists(st.lists(CHARACTERS, max_size=12).map("".join), max_size=80)
KNOWN = ["\\u000a", "\\\\u000a", "\\\n", "'" * 7, "a''", "''a", "\\'", "\\''", "'\\", "u'''u", "x\\\\", "", *VALUES]


@settings(max_examples=12)
@given(TEXTS)
@example(KNOWN)
def test_a_string_is_read_as_it_was_written(texts: Sequence[str]) -> None:
    assert judge().read(groovy(text) for text in texts) == list(texts)


@settings(max_examples=12)
@given(TEXTS)
@example(KNOWN)
def test_a_script_is_read_as_it_was_written(texts: Sequence[str]) -> None:
    assert judge().read(groovy_script(text) for text in texts) == list(texts)


@settings(max_examples=6)
@given(TEXTS)
@example(KNOWN)
def test_nothing_leaves_a_comment(texts: Sequence[str]) -> None:
    assert judge().read(f"'kept' // {groovy_comment(text)}" for text in texts) == ["kept"] * len(texts)


def test_the_character_that_ends_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match="U\\+FFFF"):
        groovy("a\uffff")


def test_the_lines_of_a_script_stay_lines() -> None:
    assert groovy_script("#!/bin/sh\necho 'it''s' \\\n  \"$HOME\"\n") == (
        "'''#!/bin/sh\necho 'it''s' \\\\\n  \"$HOME\"\n'''"
    )


@pytest.mark.parametrize(
    ("literal", "text"),
    [(r"'\\\u0041'", r"\A"), (r"'\u005cn'", "\n"), ("'''a\\\nb'''", "ab")],
    ids=["an escape before an escape", "an escape that is a backslash", "a line that goes on"],
)
def test_groovy_reads_escapes_before_it_looks_for_strings(literal: str, text: str) -> None:
    """Why the filters write what they write: the judge itself is right about the language."""
    assert judge().read([literal]) == [text]
