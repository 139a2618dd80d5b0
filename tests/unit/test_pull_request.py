"""The pull request says everything of the contract, within the forges' limits, and nothing in it acts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipelinegen.pull_request import (
    BODY_LIMIT,
    TITLE_LIMIT,
    Change,
    Marker,
    Place,
    Story,
    body,
    cut,
    mark,
    mark_closed,
    own_body,
    read_marker,
    request_key,
    title,
)

KEY = "0123456789abcdef" * 2
DIGEST = "sha256:" + "ab" * 32
COMPARE = "https://github.com/acme/shop/compare/111...222"
STORY = Story(
    key=KEY,
    action="bump",
    changes=(Change("ghcr.io/acme/api", ("1.9", "1.8"), f"1.10@{DIGEST}", COMPARE),),
    places=(
        Place("apps/api/overlays/production/kustomization.yaml", 12, "1.9", "1.10", "production"),
        Place("apps/api/values.yaml", 3, "1.8", "1.10"),
    ),
    environments=("production",),
    notes=("Supersedes 1.9.5.",),
    rendered="Deployment/api\n-  image: ghcr.io/acme/api:1.9\n+  image: ghcr.io/acme/api:1.10",
    source_url="https://github.com/acme/shop",
    revision="2" * 40,
    run_url="https://github.com/acme/shop/actions/runs/42",
    actor="octocat",
    rollback="pipelinegen rollback --env production --image ghcr.io/acme/api",
)

GOLDEN = f"""\
- `ghcr.io/acme/api`: `1.9`, `1.8` → `1.10@{DIGEST}` ([changes](<{COMPARE}>))
- environments: `production`

- Supersedes 1\\.9\\.5\\.

**Files** (2)

- `apps/api/overlays/production/kustomization.yaml:12`: `1.9` → `1.10` (`production`)
- `apps/api/values.yaml:3`: `1.8` → `1.10`

**What changes in the cluster**

```diff
Deployment/api
-  image: ghcr.io/acme/api:1.9
+  image: ghcr.io/acme/api:1.10
```

Built from `{"2" * 40}` of [github\\.com\\/acme\\/shop](<https://github.com/acme/shop>), \
by [this run](<https://github.com/acme/shop/actions/runs/42>), started by `octocat`.

**Roll back** after the merge with

```sh
pipelinegen rollback --env production --image ghcr.io/acme/api
```

"""

RENDER = MarkdownIt("gfm-like", {"html": True, "linkify": True})
HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "@acme/platform",
            "Closes #1",
            "/merge",
            "```\n/close\n@me #2",
            "](https://evil.example)",
            "https://evil.example/x",
            "<img src=https://evil.example>",
            "-->",
            f"x\n<!-- pipelinegen key={'f' * 32} content={'0' * 64} -->\ny",
            "\u202e",
        ]
    ),
    st.lists(st.sampled_from([*"`@#!/\\<>[]()*_|:.- \nax1", "http://", "www.", "Fixes "]), max_size=25).map("".join),
)
STORIES = st.builds(
    Story,
    key=st.just(KEY),
    action=st.sampled_from(["bump", "promotion", "rollback"]),
    changes=st.lists(
        st.builds(Change, HOSTILE, st.lists(HOSTILE, max_size=2).map(tuple), HOSTILE, st.none() | HOSTILE),
        min_size=1,
        max_size=3,
    ).map(tuple),
    places=st.lists(
        st.builds(Place, HOSTILE, st.integers(1, 9), HOSTILE, HOSTILE, st.none() | HOSTILE), max_size=3
    ).map(tuple),
    environments=st.lists(HOSTILE, max_size=2).map(tuple),
    notes=st.lists(HOSTILE, max_size=2).map(tuple),
    rendered=st.none() | HOSTILE,
    source_url=st.none() | HOSTILE,
    revision=st.none() | HOSTILE,
    run_url=st.none() | HOSTILE,
    actor=st.none() | HOSTILE,
    rollback=st.none() | HOSTILE,
)


def test_the_body_of_a_bump() -> None:
    text, _, last = body(STORY).rpartition("\n")
    assert text + "\n" == GOLDEN
    marker = read_marker(last)
    assert marker is not None
    assert marker.key == KEY


@pytest.mark.parametrize(
    ("story", "line"),
    [
        (STORY, "Bump ghcr.io/acme/api to 1.10 in production"),
        (replace(STORY, environments=()), "Bump ghcr.io/acme/api to 1.10"),
        (replace(STORY, action="rollback", environments=("a", "b")), "Roll back ghcr.io/acme/api to 1.10 in a, b"),
        (
            replace(STORY, action="promotion", changes=tuple(Change(f"acme/{name}", ("1",), "2") for name in "abc")),
            "Promote 3 images in production",
        ),
        (
            replace(STORY, action="rollback", changes=tuple(Change("redis", ("3",), tag) for tag in ("1", "2", "1"))),
            "Roll back redis to 1 and 2 in production",
        ),
        (
            replace(STORY, changes=(Change("redis", (), DIGEST),), environments=()),
            "Bump redis to sha256:abababababab",
        ),
        (
            replace(STORY, changes=(Change("redis", (), f"@{DIGEST}"),), environments=()),
            "Bump redis to sha256:abababababab",
        ),
    ],
)
def test_title(story: Story, line: str) -> None:
    assert title(story) == line


@given(STORIES)
@settings(max_examples=3 * settings().max_examples, deadline=None)
def test_nothing_in_the_body_acts(story: Story) -> None:
    text = body(story)
    given_urls = {story.source_url, story.run_url, *(change.compare_url for change in story.changes)}
    for token in RENDER.parse(text):
        assert token.type != "html_block" or token.content.strip() == text.rpartition("\n")[2]
        for child in token.children or []:
            assert child.type not in ("image", "html_inline")
            if child.type == "link_open":
                assert child.attrs["href"] in given_urls
            if child.type == "text":
                assert not re.search(r"@\w|[#!]\d", child.content, re.ASCII)
    assert not [line for line in text.split("\n") if line.startswith("/")]
    assert not re.search(r"(?i)\b(clos(e[sd]?|ing)|fix(e[sd]|ing)?|resolv(e[sd]?|ing))\b:?\s+\S*(#\d|://)", text)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", text)
    marker = read_marker(text)
    assert marker is not None
    assert marker.key == KEY
    assert len(title(story)) <= TITLE_LIMIT
    assert "\n" not in title(story)


@given(st.integers(0, 3000), st.integers(0, 300), st.integers(0, 3000), st.integers(1, 2000))
@settings(max_examples=40, deadline=None)
def test_a_body_is_never_too_long(places: int, changes: int, rendered: int, width: int) -> None:
    story = replace(
        STORY,
        places=(Place("x" * width, 1, "a" * width, "b" * width, "production"),) * places,
        changes=(Change("r" * width, ("1" * width,), "2" * width, COMPARE),) * changes,
        rendered="\n".join(["y" * width] * rendered),
        notes=("n" * width,) * 30,
    )
    text = body(story)
    assert len(text) <= BODY_LIMIT
    assert f"**Files** ({places})" in text
    assert "pipelinegen rollback" in text
    assert read_marker(text) is not None


def test_what_is_left_out_is_counted() -> None:
    text = body(replace(STORY, places=STORY.places * 1000))
    kept = len(re.findall(r"^- `apps/", text, re.MULTILINE))
    said = re.search(r"^- … and (\d+) more places; the commit has them all$", text, re.MULTILINE)
    assert said is not None
    assert kept + int(said.group(1)) == 2000
    assert len(text) > BODY_LIMIT * 0.8


def test_another_run_of_the_same_content_has_the_same_marker() -> None:
    again = replace(STORY, run_url="https://github.com/acme/shop/actions/runs/43", actor="hubot")
    assert read_marker(body(again)) == read_marker(body(STORY))
    assert read_marker(body(replace(STORY, places=STORY.places[:1]))) != read_marker(body(STORY))


def test_a_body_that_a_forge_stored_with_other_line_ends_is_still_ours() -> None:
    assert read_marker(body(STORY).replace("\n", "\r\n")) == read_marker(body(STORY))


def test_only_the_last_marker_counts() -> None:
    forged = mark(Marker("f" * 32, "0" * 64))
    assert read_marker(f"{forged}\n{body(STORY)}") == read_marker(body(STORY))
    assert read_marker(f"x {forged}") is None
    assert read_marker("") is None
    assert read_marker(None) is None


def test_closing_is_noted_in_the_marker() -> None:
    closed = mark_closed(body(STORY), "nothing-left")
    marker = read_marker(closed)
    assert marker is not None
    assert (marker.key, marker.closed) == (KEY, "nothing-left")
    assert closed.rpartition("\n")[0] == body(STORY).rpartition("\n")[0]
    assert mark_closed("no marker", "nothing-left") == "no marker"


def test_a_given_title_is_one_short_line() -> None:
    assert cut("a\n b\t c", 100) == "a b c"
    assert cut("x" * 300, TITLE_LIMIT) == "x" * (TITLE_LIMIT - 1) + "…"


def test_the_same_request_has_the_same_key() -> None:
    key = request_key("https://github.com/acme/m", "main", ["b.yaml", "a.yaml"], ["redis:7"])
    assert key == request_key("https://github.com/acme/m", "main", ["a.yaml", "b.yaml", "a.yaml"], ["redis:7"])
    assert re.fullmatch(r"[0-9a-f]{32}", key)


@pytest.mark.parametrize(
    "other",
    [
        ("https://github.com/acme/n", "main", ["a.yaml"], ["redis:7"]),
        ("https://github.com/acme/m", "prod", ["a.yaml"], ["redis:7"]),
        ("https://github.com/acme/m", "main", ["b.yaml"], ["redis:7"]),
        ("https://github.com/acme/m", "main", ["a.yaml"], ["redis:8"]),
        ("https://github.com/acme/m", "main", ["a.yaml", "redis:7"], []),
    ],
)
def test_another_request_has_another_key(other: tuple[str, str, list[str], list[str]]) -> None:
    assert request_key(*other) != request_key("https://github.com/acme/m", "main", ["a.yaml"], ["redis:7"])


def test_a_body_of_the_users_is_kept_and_marked() -> None:
    text = own_body("# Heading\r\n\r\n- [x] @acme/platform\tlook\n", KEY)
    assert text.startswith("# Heading\n\n- [x] @acme/platform\tlook\n\n<!-- pipelinegen key=")
    marker = read_marker(text)
    assert marker is not None
    assert marker.key == KEY
    assert read_marker(own_body("other", KEY)) != marker
    assert "\\u202E" in own_body("a\u202eb", KEY)


def test_a_body_of_the_users_is_cut_by_lines() -> None:
    text = own_body("x" * 99 + "\n" + "y\n" * 60_000, KEY)
    assert len(text) <= BODY_LIMIT
    assert re.search(r"^\(cut: \d+ more lines\)$", text, re.MULTILINE)
    assert read_marker(text) is not None
