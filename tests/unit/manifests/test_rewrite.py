"""Which characters change for a wanted version, in every way in which a scalar can be written."""

from __future__ import annotations

import pytest

from tests.support.trees import bump

API = "ghcr.io/acme/api"
OLD = "sha256:" + "0" * 63 + "1"
NEW = "sha256:" + "0" * 63 + "2"


def values(version: str, head: str = "") -> str:
    return f"{head}image:\n  repository: {API}\n{version}pullPolicy: Always\n"


# how a tag stands beside its repository: before, after `api:2.0.0`
TAGS = {
    "plain": ("  tag: 1.0.0\n", "  tag: 2.0.0\n"),
    "double quotes": ('  tag: "1.0.0"\n', '  tag: "2.0.0"\n'),
    "single quotes": ("  tag: '1.0.0'\n", "  tag: '2.0.0'\n"),
    "comment and trailing blanks": ("  tag: 1.0.0   # pinned  \n", "  tag: 2.0.0   # pinned  \n"),
    "blanks before": ("  tag:    1.0.0\n", "  tag:    2.0.0\n"),
    "blanks before the colon": ("  tag : 1.0.0\n", "  tag : 2.0.0\n"),
    "tab after the colon": ("  tag:\t1.0.0\n", "  tag:\t2.0.0\n"),
    "on the next line": ("  tag:\n    1.0.0\n", "  tag:\n    2.0.0\n"),
    "on the next line, a comment between": ("  tag: # now\n    1.0.0\n", "  tag: # now\n    2.0.0\n"),
    "quoted key": ('  "tag": 1.0.0\n', '  "tag": 2.0.0\n'),
    "explicit key": ("  ? tag\n  : 1.0.0\n", "  ? tag\n  : 2.0.0\n"),
    "anchor": ("  tag: &tag 1.0.0\n", "  tag: &tag 2.0.0\n"),
    "string tag": ("  tag: !!str 1.0.0\n", "  tag: !!str 2.0.0\n"),
    "string tag, written out": (
        "  tag: !<tag:yaml.org,2002:str> 1.0.0\n",
        "  tag: !<tag:yaml.org,2002:str> 2.0.0\n",
    ),
    "non-specific tag": ("  tag: ! 1.0.0\n", "  tag: ! 2.0.0\n"),
    "anchor and tag, quoted": ('  tag: &t !!str "1.0.0"\n', '  tag: &t !!str "2.0.0"\n'),
    "tag, comment, value on the next line": (
        "  tag: !!str # why\n    1.0.0\n",
        "  tag: !!str # why\n    2.0.0\n",
    ),
    "anchor, comments, value in quotes below": (
        '  tag: &t # why\n    # and more\n    "1.0.0"\n',
        '  tag: &t # why\n    # and more\n    "2.0.0"\n',
    ),
    "empty": ("  tag:\n", "  tag: 2.0.0\n"),
    "empty, trailing blank": ("  tag: \n", "  tag: 2.0.0 \n"),
    "empty, comment": ("  tag: # later\n", "  tag: 2.0.0 # later\n"),
    "empty, comment close to the colon is part of nothing": ("  tag:  # x\n", "  tag: 2.0.0  # x\n"),
    "empty, anchor": ("  tag: &tag\n", "  tag: &tag 2.0.0\n"),
    "empty, string tag": ("  tag: !!str\n", "  tag: !!str 2.0.0\n"),
    "empty, string tag and comment": ("  tag: !!str # c\n", "  tag: !!str 2.0.0 # c\n"),
    "empty string": ('  tag: ""\n', '  tag: "2.0.0"\n'),
    "empty string, single quotes": ("  tag: ''\n", "  tag: '2.0.0'\n"),
    "null": ("  tag: null\n", "  tag: 2.0.0\n"),
    "null, tilde": ("  tag: ~\n", "  tag: 2.0.0\n"),
    "number": ("  tag: 1.10\n", "  tag: 2.0.0\n"),
    "truth value": ("  tag: true\n", "  tag: 2.0.0\n"),
    "hexadecimal": ("  tag: 0x1f\n", "  tag: 2.0.0\n"),
    "literal block": ("  tag: |-\n    1.0.0\n", "  tag: |-\n    2.0.0\n"),
    "literal block with its line break": ("  tag: |\n    1.0.0\n", "  tag: |\n    2.0.0\n"),
    "literal block, all line breaks kept": ("  tag: |+\n    1.0.0\n\n", "  tag: |+\n    2.0.0\n\n"),
    "folded block": ("  tag: >-\n    1.0.0\n", "  tag: >-\n    2.0.0\n"),
    "block with comment, indentation and anchor": (
        "  tag: &t >2- # c\n    1.0.0\n",
        "  tag: &t >2- # c\n    2.0.0\n",
    ),
    "escapes in quotes": ('  tag: "\\x31.0.0"\n', '  tag: "2.0.0"\n'),
    "flow over several lines": (
        "  versions: {}\n  tag:\n    1.0.0 # end\n",
        "  versions: {}\n  tag:\n    2.0.0 # end\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), TAGS.values(), ids=TAGS)
def test_only_the_characters_of_the_tag_change(before: str, after: str) -> None:
    assert bump(values(before), f"{API}:2.0.0").text() == values(after)


# ways of writing a tag that cannot be changed in place: the text and the reason
REFUSED = {
    "plain over two lines": "  tag: 1.0\n    beta\n",
    "quotes over two lines": '  tag: "1.0\\\n    .0"\n',
    "number by its YAML tag": "  tag: !!int 1\n",
    "null by its YAML tag": "  tag: !!null\n",
    "key without a colon": "  ? tag\n",
    "block of several lines": "  tag: |\n    1.0.0\n    2.0.0\n",
}


@pytest.mark.parametrize("before", REFUSED.values(), ids=REFUSED)
def test_a_tag_that_cannot_be_changed_in_place_is_left_alone_and_said(before: str) -> None:
    bumped = bump(values(before), f"{API}:2.0.0")
    assert bumped.text() == values(before)
    assert [reason.partition(": ")[2] for reason in bumped.warnings] == [
        "written in a way that is not changed in place"
    ]


def test_a_key_without_a_value_in_a_flow_mapping_is_left_alone() -> None:
    text = f"image: {{repository: {API}, tag}}\n"
    bumped = bump(text, f"{API}:2.0.0")
    assert (bumped.text(), len(bumped.warnings)) == (text, 1)


def test_an_empty_value_in_a_flow_mapping_is_filled() -> None:
    assert bump(f"a: {{repository: {API}, tag: , x: 1}}\n", f"{API}:2.0.0").text() == (
        f"a: {{repository: {API}, tag: 2.0.0, x: 1}}\n"
    )
