"""Text of others renders as itself: no link, no mention, no reference, no command, nothing unseen."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipelinegen.markdown import defused, escaped, fence, fitting, link, span, visible

RENDER = MarkdownIt("gfm-like", {"html": True, "linkify": True})

HOSTILE = [
    "@acme/platform",
    "ping @octocat now",
    "Closes #1",
    "fixes acme/shop#12",
    "Resolves https://github.com/acme/shop/issues/3",
    "/merge",
    " /close",
    "see !7 and &3 and %milestone and ~label and $12",
    "GH-7",
    "https://evil.example/",
    "www.evil.example",
    "mail me@evil.example",
    "[click](https://evil.example)",
    "![x](https://evil.example/p.png)",
    "<img src=https://evil.example>",
    "<https://evil.example>",
    "`code` ``two``",
    "```\n/merge\n```",
    "a | b",
    "**bold** _it_ ~~no~~",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "&lt;b&gt;",
    "\\",
    "`",
    "$$x$$ $`x`$",
    ":tada:",
    "\u202egnp.exe",
    "\u2066hidden\u2069",
    "\u200b",
    "\x1b[31mred",
    "a\x00b",
    "-->",
    "<!-- pipelinegen key=000000000000 content=" + "0" * 64 + " -->",
]
ARBITRARY = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=40),
    st.lists(st.sampled_from([*"`@#!&%~$/\\<>[]()*_|:.-+ \n\tax1", "www.", "http://", "Closes ", "GH-"])).map("".join),
)


def inline(text: str) -> list[tuple[str, str]]:
    """(kind, content) of every leaf of the rendered text."""
    return [
        (child.type, child.content or str(child.attrs.get("href") or child.attrs.get("src") or ""))
        for token in RENDER.parse(text)
        for child in (token.children or [token])
    ]


def assert_inert(rendered: list[tuple[str, str]]) -> None:
    for kind, content in rendered:
        assert kind not in ("link_open", "image", "html_inline", "html_block"), (kind, content)
        if kind == "text":
            assert not re.search(r"@\w|[#!]\d|\bGH-\d", content, re.ASCII), content


@pytest.mark.parametrize("text", HOSTILE)
def test_a_span_holds_exactly_the_text(text: str) -> None:
    kinds = inline(f"- {span(text)} → x")
    assert_inert(kinds)
    codes = [content for kind, content in kinds if kind == "code_inline"]
    assert len(codes) == 1
    assert codes[0].replace("\u200d", "") == visible(text)


@given(ARBITRARY)
@settings(max_examples=4 * settings().max_examples)
def test_any_text_in_a_span(text: str) -> None:
    kinds = inline(f"- a {span(text)}: b {span(text)} c")
    assert_inert(kinds)
    assert len([kind for kind, _ in kinds if kind == "code_inline"]) == (2 if text.strip(" ") else 0)


@given(ARBITRARY)
@settings(max_examples=4 * settings().max_examples)
def test_any_text_in_running_text(text: str) -> None:
    kinds = inline(f"- said: {escaped(text)} (end)")
    assert_inert(kinds)
    assert all(kind not in ("code_inline", "strong_open", "em_open", "s_open") for kind, _ in kinds)


@given(ARBITRARY)
@settings(max_examples=4 * settings().max_examples)
def test_any_text_in_a_fence(text: str) -> None:
    block = fence(text, "diff")
    tokens = RENDER.parse(f"before\n\n{block}\n\nafter")
    assert [token.type for token in tokens if token.type in ("fence", "html_block", "inline")] == [
        "inline",
        "fence",
        "inline",
    ]
    assert not any(line.startswith("/") for line in block.split("\n"))


@given(ARBITRARY)
@settings(max_examples=3 * settings().max_examples)
def test_a_title_names_no_one_and_closes_nothing(text: str) -> None:
    shown = defused(text)
    assert not re.search(r"@\w|[#!&%~$]\w", shown, re.ASCII)
    assert not re.search(r"(?i)\b(clos(e[sd]?|ing)|fix(e[sd]|ing)?|resolv(e[sd]?|ing))\b", shown)
    assert "\n" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain-1.0_x", "plain-1.0_x"),
        ("é ✓ 漢字", "é ✓ 漢字"),
        ("a\u202eb", "a\\u202Eb"),
        ("a\nb\tc", "a\\u000Ab\\u0009c"),
        ("\udcff", "\\uDCFF"),
        ("\U000e0001", "\\U000E0001"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`a`", "`` `a` ``"),
        ("```", "```` ``` ````"),
        (" a", "`  a `"),
        ("", "(empty)"),
        ("   ", "(blank)"),
        ("x" * 1001, "`" + "x" * 1000 + "… (1001 characters)`"),
        ("ghcr.io/acme/api@sha256:ab", "`ghcr.io/acme/api@sha256:ab`"),
    ],
)
def test_span(text: str, code: str) -> None:
    assert span(text) == code


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/shop/compare/a...b",
        "http://127.0.0.1:9/x?y=1&z=(2)".replace("(2)", "2"),
        "https://h.example",
    ],
)
def test_a_plain_address_is_linked(url: str) -> None:
    assert ("link_open", url) in inline(link("changes", url))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://x/>(y",
        "https://x/ y",
        "https://u:p@x/",
        "//x/y",
        "https://x/\u202e",
        "data:,x",
        "https://x/a)b",
    ],
)
def test_any_other_address_is_shown(url: str) -> None:
    assert_inert(inline(link("changes", url)))


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=30), max_size=30), st.integers(0, 400))
def test_lines_that_do_not_fit_are_counted(lines: list[str], room: int) -> None:
    kept = fitting(lines, room, lambda count: f"{count} more")
    if kept != lines:
        assert kept[:-1] == lines[: len(kept) - 1]
        assert kept[-1] == f"{len(lines) - len(kept) + 1} more"
        assert len("\n".join(kept)) <= max(room, len(kept[-1]))
