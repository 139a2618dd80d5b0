"""Docker's words, by a table that BuildKit's own lexer was asked for, and by what must hold for all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.images.words import BadWord, expand, expand_document, expand_words, is_space, raw_words

VARIABLES = {"A": "alpha", "EMPTY": "", "FILE": "/x/y.tar.gz", "S": "a b  c", "Q": 'it\'s "q"', "N": "a\\n"}

SAME = ["", "plain", "a=b", "~", "*?[x]", "#", "é日", "a/b:c@d", "{}", "<", "<<"]

TABLE = {
    # Variables.
    "$A": "alpha",
    "${A}": "alpha",
    "$A$A": "alphaalpha",
    "${A}b": "alphab",
    "$Ab": "",
    "$A-b": "alpha-b",
    "$A_": "",
    "$MISSING": "",
    "x${MISSING}y": "xy",
    "$": "$",
    "a$": "a$",
    "$ x": "$ x",
    "$1": "",
    "$12a": "a",
    "$$": "",
    "$?x": "x",
    "$é": "",
    # Defaults.
    "${A:-d}": "alpha",
    "${MISSING:-d}": "d",
    "${MISSING-d}": "d",
    "${EMPTY:-d}": "d",
    "${EMPTY-d}": "",
    "${MISSING:-}": "",
    "${MISSING:-a b}": "a b",
    "${MISSING:-$A}": "alpha",
    "${MISSING:-${OTHER:-${A}}}": "alpha",
    "${MISSING:-'}'}": "}",
    "${A:+x}": "x",
    "${A+x}": "x",
    "${EMPTY:+x}": "",
    "${EMPTY+x}": "x",
    "${MISSING+x}": "",
    "${A:?gone}": "alpha",
    "${EMPTY?gone}": "",
    # Parts.
    "${FILE#*/}": "x/y.tar.gz",
    "${FILE##*/}": "y.tar.gz",
    "${FILE%.*}": "/x/y.tar",
    "${FILE%%.*}": "/x/y",
    "${FILE#/x}": "/y.tar.gz",
    "${FILE#nothing}": "/x/y.tar.gz",
    "${FILE%?}": "/x/y.tar.g",
    "${FILE/y/z}": "/x/z.tar.gz",
    "${FILE/*./_}": "_gz",
    "${FILE//\\//_}": "_x_y.tar.gz",
    "${FILE//a/}": "/x/y.tr.gz",
    "${MISSING#x}": "",
    "${MISSING/x/y}": "",
    "${FILE%\\*}": "/x/y.tar.gz",
    # Quotes and escapes.
    "'$A'": "$A",
    '"$A"': "alpha",
    "a'b c'd": "ab cd",
    "''": "",
    '""': "",
    '"it\'s"': "it's",
    "'say \"x\"'": 'say "x"',
    '"a\\"b"': 'a"b',
    '"a\\$A"': "a$A",
    '"a\\x"': "a\\x",
    '"a\\\\b"': "a\\b",
    "a\\ b": "a b",
    "\\$A": "$A",
    "\\'": "'",
    "\\\\": "\\",
    "a\\": "a",
    "'a\\'": "a\\",
    "$Q": 'it\'s "q"',
    '"$N"': "a\\n",
    '${A:+"x y"}': "x y",
}

BAD = ["${", "${A", "${}", "${:x}", "${{A}}", "${A:", "${A:-x", "${A!}", "${A:#x}", "'a", '"a', "${A/x", "${A/x/y"]
BAD += ["${MISSING:?}", "${MISSING:?gone}", "${EMPTY:?gone}", "${MISSING?gone}", "${A#\\x}", '"${A']


@pytest.mark.parametrize("word", SAME)
def test_what_is_nothing_special_stays(word: str) -> None:
    assert expand(word, VARIABLES) == word


@pytest.mark.parametrize(("word", "expected"), TABLE.items(), ids=TABLE)
def test_a_word(word: str, expected: str) -> None:
    assert expand(word, VARIABLES) == expected


@pytest.mark.parametrize("word", BAD)
def test_a_word_that_cannot_be_read(word: str) -> None:
    with pytest.raises(BadWord) as caught:
        expand(word, VARIABLES)
    assert caught.value.reason


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("${MISSING:?say it}", "MISSING: say it"),
        ("${MISSING:?}", "MISSING: is not set"),
        ("${EMPTY:?}", "EMPTY: is empty"),
    ],
)
def test_what_a_dockerfile_demands_is_told_in_its_words(word: str, reason: str) -> None:
    with pytest.raises(BadWord, match=f"^{reason}$"):
        expand(word, VARIABLES)


def test_nesting_has_an_end() -> None:
    deep = "${M:-" * 200 + "}" * 200
    with pytest.raises(BadWord, match="nested"):
        expand(deep, {})


@pytest.mark.parametrize(
    ("word", "expected"),
    [("a`$A", "a$A"), ("a\\b", "a\\b"), ("`a``", "a`"), ('"`""', '"'), ("c:`d", "c:d"), ("a`", "a")],
)
def test_with_the_other_escape(word: str, expected: str) -> None:
    assert expand(word, VARIABLES, "`") == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a b", ["a", "b"]),
        ("  a\t b ", ["a", "b"]),
        ("$S", ["a", "b", "c"]),
        ('"$S"', ["a b  c"]),
        ("x$S", ["xa", "b", "c"]),
        ("a\\ b c", ["a b", "c"]),
        ("'a b'c d", ["a bc", "d"]),
        ("$EMPTY", []),
        ("''", []),
        ("<< A b", ["<< A", "b"]),
    ],
)
def test_words(word: str, expected: list[str]) -> None:
    assert expand_words(word, VARIABLES) == expected


def test_words_as_they_are_written() -> None:
    line = 'COPY <<"A B" $X \\$Y \'c d\' "e $F" ${G:-h i}'
    assert raw_words(line) == ["COPY", '<<"A B"', "$X", "\\$Y", "'c d'", '"e $F"', "${G:-h", "i}"]


def test_a_document_keeps_its_quotes() -> None:
    assert expand_document("\"$A\" '$A' \\$A \\\\ $MISSING.\n", VARIABLES) == "\"alpha\" 'alpha' $A \\ .\n"


@given(st.text())
def test_what_is_in_single_quotes_is_itself(text: str) -> None:
    text = text.replace("'", "")
    assert expand(f"'{text}'", VARIABLES) == text


@given(st.text())
def test_escaped_character_by_character_every_text_is_itself(text: str) -> None:
    assert expand("".join(f"\\{char}" for char in text), VARIABLES) == text


@pytest.mark.parametrize("read", [expand, expand_words, expand_document])
@given(text=st.text(alphabet="$A{}:-+?#%/'\"\\` \t<é", max_size=30))
def test_no_text_does_anything_but_a_word_or_its_refusal(read: Callable[..., object], text: str) -> None:
    with contextlib.suppress(BadWord):
        read(text, VARIABLES)


@given(st.characters())
def test_blanks_are_those_of_go(char: str) -> None:
    assert is_space(char) == (char.isspace() and char not in "\x1c\x1d\x1e\x1f")
