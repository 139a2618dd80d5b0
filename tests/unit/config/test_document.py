"""YAML as all readers understand it: limits, tags, merge keys, aliases, texts that some reader takes for a number."""

from __future__ import annotations

from itertools import pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.config.document import Mapping, Scalar, Sequence, compose, default_loader, resolve
from pipelinegen.config.source import Place, Unreadable

LOADERS = [pytest.param(default_loader(), id="default"), pytest.param(yaml.SafeLoader, id="python")]


def refusal(text: str, loader: type | None = None) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        compose(text, loader)
    return caught.value


def test_the_c_parser_is_used_where_it_is_there() -> None:
    assert default_loader() is (yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)


@pytest.mark.parametrize("loader", LOADERS)
def test_nodes_have_places_in_characters(loader: type) -> None:
    root, problems = compose('é: "ü"\nlist:\n  - x\n  - {a: bc}\n', loader)
    assert problems == []
    assert isinstance(root, Mapping)
    (first, text), (_, items) = root.entries
    assert (first.place, text.place) == (Place(1, 1, 1), Place(1, 4, 3))
    assert isinstance(items, Sequence)
    inner = items.items[1]
    assert isinstance(inner, Mapping)
    assert (items.items[0].place, inner.place, inner.entries[0][1].place) == (
        Place(3, 5, 1),
        Place(4, 5, 1),
        Place(4, 9, 2),
    )


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "--- # x\n...\n"])
def test_nothing_in_the_file(text: str, loader: type) -> None:
    assert compose(text, loader) == (None, [])


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("depth", [64, 65, 1000])
def test_depth(depth: int, loader: type) -> None:
    text = "[" * depth + "]" * depth
    if depth == 64:
        assert compose(text, loader)[0] is not None
    else:
        assert str(refusal(text, loader)) == "nested deeper than 64"


@pytest.mark.parametrize("loader", LOADERS)
def test_depth_of_blocks(loader: type) -> None:
    text = "".join("  " * n + "a:\n" for n in range(70))
    assert str(refusal(text, loader)) == "nested deeper than 64"


@pytest.mark.parametrize("loader", LOADERS)
def test_the_second_of_many_documents_ends_the_reading(loader: type) -> None:
    error = refusal("---\na: 1\n" * 100_000, loader)
    assert "second document" in str(error)
    assert error.problems[-1].place.line == 3


BOMB = "a: &a [x,x,x]\n" + "".join(f"{after}: &{after} [{f'*{name},' * 10}]\n" for name, after in pairwise("abcdefg"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "more than 50000 values"),
        ("a: &a x\nb: [" + "*a," * 101 + "]", "more than 100 aliases"),
        ("a: &a [*a]", "inside its own anchor"),
        ("a: *b", "no anchor &b"),
    ],
    ids=["bomb", "many", "recursive", "unknown"],
)
@pytest.mark.parametrize("loader", LOADERS)
def test_aliases_and_sizes(text: str, words: str, loader: type) -> None:
    assert words in str(refusal(text, loader))


def test_values_are_counted_without_aliases_too() -> None:
    assert "more than 50000 values" in str(refusal("[" + "x," * 50_001 + "]"))


@pytest.mark.parametrize("loader", LOADERS)
def test_an_alias_is_the_value_of_its_anchor(loader: type) -> None:
    root, problems = compose("a: &x [1]\nb: *x\n", loader)
    assert isinstance(root, Mapping)
    assert problems == []
    assert root.entries[0][1] is root.entries[1][1]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("a: !x y", "the tag !x", Place(1, 4, 4)),
        ("a: !!str 1", "the tag tag:yaml.org,2002:str", Place(1, 4, 7)),
        ("a: !!python/object/apply:os.system [id]", "the tag tag:yaml.org,2002:python/", Place(1, 4, 31)),
        ("a: ! 1", "the tag ! ", Place(1, 4, 3)),
        ("a: 1\nb: 2\na: 3\n", "on the lines 1 and 3", Place(3, 1, 1)),
        ('a: 1\n"a": 3\n', "on the lines 1 and 2", Place(2, 1, 3)),
        ("<<: {x: y}", "merge keys", Place(1, 1, 2)),
        ("b: &b {x: 1}\na:\n  <<: *b\n", "merge keys", Place(3, 3, 2)),
        ("? [a, b]\n: 1\n", "a key must be a text", Place(1, 3, 1)),
        ("{a: 1}: 1\n", "a key must be a text", Place(1, 1, 1)),
    ],
    ids=["tag", "str", "python", "lone", "twice", "twice, quoted", "merge", "merge of alias", "list key", "map key"],
)
def test_told_and_read_on(text: str, words: str, place: Place, loader: type) -> None:
    _, problems = compose(text, loader)
    assert len(problems) == 1
    assert words in problems[0].what
    assert (problems[0].place.line, problems[0].place.column) == (place.line, place.column)


def test_a_quoted_merge_key_is_a_key() -> None:
    root, problems = compose('"<<": 1')
    assert problems == []
    assert isinstance(root, Mapping)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "words", "line", "column"),
    [
        ('x: "', "this quote is never closed", 1, 4),
        ("a: 1\nb: 'x\n\nc: 2\n", "this quote is never closed", 2, 4),
        ("a: b: c", "a colon and a blank is written in quotes", 1, 5),
        ("a: @x", "begins with such a character", 1, 4),
        ("a:\n\tb: 1", "indent with spaces", 2, 1),
        ("{a: 1, b", "flow mapping", None, None),
    ],
    ids=["quote", "long quote", "colon", "at", "tab", "brace"],
)
def test_syntax(text: str, words: str, line: int | None, column: int | None, loader: type) -> None:
    problem = refusal(text, loader).problems[-1]
    assert words in problem.what
    if line is not None:
        assert problem.place[:2] == (line, column)


def test_problems_found_before_the_end_are_kept() -> None:
    error = refusal("a: !x 1\nb: [\n")
    assert len(error.problems) == 2
    assert "the tag !x" in error.problems[0].what


def value(text: str, plain: bool = True) -> object:
    return resolve(Scalar(Place(1, 1), text, plain))


TEXTS = ["x", "1.2.3", "v1", "30s", "-x", "a b", "linux/amd64", "type=sha", "0 5 * * 1", "*.tf", "é", "12:99", "a:1"]
ODD = [
    *("0123456", "0x1f", "0o17", "0b1", "1e3", "1E3", "1_000", "+1", "12:30:45", "-1:30", "2024-01-01", "2024-1-1"),
    *(
        "2024-01-01T00:00:00Z",
        "2024-01-01 12:00",
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "True",
        "FALSE",
        ".5",
        "1.",
        "-.5",
    ),
    *(".inf", "-.INF", ".NaN", "=", "<<", "00", "-01", "1.5e+3", "+.inf", "0.1_0", "9999999999999999999", "123e45"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_a_text(text: str) -> None:
    assert value(text) == (text, None)


@pytest.mark.parametrize("text", ODD)
def test_a_text_that_some_reader_takes_for_something_else(text: str) -> None:
    read, problem = resolve(Scalar(Place(1, 1), text, True))
    assert read == text
    assert problem is not None
    assert f'"{text}"' in problem


@pytest.mark.parametrize("text", [*TEXTS, *ODD, "1", "1.10", "true", "null", "", "~"])
def test_what_is_quoted_is_a_text(text: str) -> None:
    assert value(text, plain=False) == (text, None)


@pytest.mark.parametrize(
    ("text", "read"), [("1", 1), ("-5", -5), ("0", 0), ("8080", 8080), ("1.10", 1.1), ("true", True), ("false", False)]
)
def test_numbers_and_truth_values_that_all_readers_agree_on(text: str, read: object) -> None:
    found, problem = resolve(Scalar(Place(1, 1), text, True))
    assert (found, type(found), problem) == (read, type(read), None)


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_no_value(text: str) -> None:
    assert "no value" in str(resolve(Scalar(Place(1, 1), text, True))[1])


@pytest.mark.parametrize(
    ("text", "word"), [("yes", "write true"), ("Off", "write false"), ("0x1", "write it in quotes")]
)
def test_what_to_write_instead(text: str, word: str) -> None:
    assert word in str(resolve(Scalar(Place(1, 1), text, True))[1])


@given(text=st.text(st.sampled_from("0123456789abeExXoOtT_:.+-yYnN~=<TZ "), min_size=1, max_size=9))
def test_whatever_pyyaml_resolves_is_not_read_as_a_text_without_a_word(text: str) -> None:
    try:
        other = yaml.safe_load(f"k: {text}")["k"]
    except (yaml.YAMLError, ValueError, TypeError, OverflowError):
        return
    read, problem = resolve(Scalar(Place(1, 1), text.strip(), True))
    if not isinstance(other, str):
        assert problem is not None or (read == other and type(read) is type(other))
