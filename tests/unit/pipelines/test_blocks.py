"""Blocks of the user's in generated files: found, emptied, kept, and refused where their place is not certain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.pipelines.blocks import Block, Broken, Homeless, emptied, kept, names_of, parts_of, text_of
from pipelinegen.pipelines.rendering.header import block

GENERATED = f"""\
one
{block("  #", "first")}two
two
{block("#", "second")}three
"""


def filled(name: str, *lines: str) -> str:
    return GENERATED.replace(f"begin {name}\n", f"begin {name}\n" + "".join(f"{line}\n" for line in lines))


def test_a_text_without_blocks_is_its_lines() -> None:
    assert parts_of("a\nb") == ("a\n", "b")


@given(st.lists(st.sampled_from(["x", "# y", "  # pipelinegen:begins", "pipelinegen:end", ""])), st.booleans())
def test_parts_are_the_text(lines: list[str], ends: bool) -> None:
    text = "\n".join(lines) + ("\n" if ends else "")
    assert text_of(parts_of(text)) == text


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("# pipelinegen:begin a", "# pipelinegen:end"),
        ("    # pipelinegen:begin a", "    # pipelinegen:end"),
        ("// pipelinegen:begin a", "// pipelinegen:end"),
        ("<!-- pipelinegen:begin a -->", "<!-- pipelinegen:end -->"),
        ("#pipelinegen:begin a ", "#pipelinegen:end\t"),
    ],
    ids=["yaml", "indented", "groovy", "markdown", "blanks"],
)
def test_a_block_is_found_in_each_language(begin: str, end: str) -> None:
    parts = parts_of(f"x\n{begin}\nmine\n{end}\ny\n")
    assert parts == ("x\n", Block("a", f"{begin}\n", ("mine\n",), f"{end}\n"), "y\n")


@pytest.mark.parametrize(
    "text",
    [
        "# pipelinegen:begin a\nx\n",
        "x\n# pipelinegen:end\n",
        "# pipelinegen:begin a\n# pipelinegen:begin b\n# pipelinegen:end\n# pipelinegen:end\n",
        "# pipelinegen:begin a\n# pipelinegen:end\n# pipelinegen:begin a\n# pipelinegen:end\n",
        "# pipelinegen:begin\n# pipelinegen:end\n",
        "# pipelinegen:begin A B\n# pipelinegen:end\n",
    ],
    ids=["no end", "no begin", "nested", "twice", "no name", "bad name"],
)
def test_marks_that_do_not_match_are_refused(text: str) -> None:
    with pytest.raises(Broken):
        parts_of(text)


def test_an_emptied_text_is_the_generated_one() -> None:
    assert emptied(parts_of(filled("first", "  mine", "", "  mine too"))) == GENERATED


def test_a_block_of_the_users_own_can_be_left_out() -> None:
    own = GENERATED.replace("three\n", f"three\n{block('#', 'own')}")
    assert emptied(parts_of(own), names_of(parts_of(own)) - names_of(parts_of(GENERATED))) == GENERATED


def test_what_is_in_a_block_goes_to_the_block_of_that_name_wherever_it_is_now() -> None:
    moved = f"four\n{block('//', 'second')}five\n{block('//', 'first')}"
    new = text_of(kept(parts_of(filled("first", "mine")), parts_of(moved)))
    assert new == moved.replace("begin first\n", "begin first\nmine\n")


def test_an_empty_block_that_is_generated_no_longer_goes() -> None:
    assert text_of(kept(parts_of(GENERATED), parts_of("one\ntwo\n"))) == "one\ntwo\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a\nb\n{}c\n", "a\nb\nc\n", "a\nb\n{}c\n"),
        ("a\nb\n{}c\n", "z\na\nb\nd\n", "z\na\nb\n{}d\n"),
        ("b\nb\n{}c\n", "b\nx\nb\nb\nc\n", "b\nx\nb\nb\n{}c\n"),
        ("{}a\n", "b\n", "{}b\n"),
    ],
    ids=["same place", "anchor moved", "more lines tell the place", "at the very top"],
)
def test_a_block_of_the_users_own_moves_with_the_lines_before_it(old: str, new: str, expected: str) -> None:
    own = "# pipelinegen:begin own\nmine\n# pipelinegen:end\n"
    assert text_of(kept(parts_of(old.format(own)), parts_of(new))) == expected.format(own)


@pytest.mark.parametrize("new", ["b\n", "a\nx\na\n"], ids=["anchor gone", "anchor twice"])
def test_a_block_without_a_certain_place_is_refused(new: str) -> None:
    own = "a\n# pipelinegen:begin own\nmine\n# pipelinegen:end\n"
    with pytest.raises(Homeless, match="own"):
        kept(parts_of(own), parts_of(new))


_LINES = st.lists(st.sampled_from(["x", "y: 1", "  - z", "", "# a comment"]), max_size=4)


@given(_LINES, _LINES)
def test_what_is_kept_is_never_lost_and_nothing_else_changes(first: list[str], second: list[str]) -> None:
    old = text_of(kept(parts_of(filled("first", *first)), parts_of(filled("second", *second))))
    again = text_of(kept(parts_of(old), parts_of(GENERATED)))
    assert again == old
    assert emptied(parts_of(again)) == GENERATED
