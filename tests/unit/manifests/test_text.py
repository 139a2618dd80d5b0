"""Text files named in the configuration: whole quoted strings and whole words that are references."""

from __future__ import annotations

import pytest

from pipelinegen.manifests.finding import Selection
from tests.support.trees import bump

TAG = "ghcr.io/acme/api:2.0.0"
TEXT = Selection(text_file=lambda path: path == "x")

CHANGED = {
    "Terraform": 'image = "ghcr.io/acme/api:1.0.0"\n',
    "Terraform, aligned, with a comment": '  image     = "ghcr.io/acme/api:1.0.0" # pinned\n',
    "Terraform, map and list": 'images = { api = "ghcr.io/acme/api:1.0.0" }\nall = ["ghcr.io/acme/api:1.0.0", "x"]\n',
    "Terraform, call": 'image = coalesce(var.image, "ghcr.io/acme/api:1.0.0")\n',
    "variable file": 'api_image="ghcr.io/acme/api:1.0.0"\n',
    "environment file": "API_IMAGE=ghcr.io/acme/api:1.0.0\n",
    "environment file, quotes and export": "export API_IMAGE='ghcr.io/acme/api:1.0.0'\n",
    "Dockerfile": "FROM ghcr.io/acme/api:1.0.0\n",
    "Dockerfile, stage": "FROM --platform=$BUILDPLATFORM ghcr.io/acme/api:1.0.0 AS build\n",
    "Dockerfile, copied from": "COPY --from=ghcr.io/acme/api:1.0.0 /app /app\n",
    "Dockerfile, argument": "ARG BASE=ghcr.io/acme/api:1.0.0\n",
    "command line": "docker run --rm ghcr.io/acme/api:1.0.0 serve\n",
    "Makefile": "IMAGE ?= ghcr.io/acme/api:1.0.0\n",
    "the address of a page is no comment": 'url = "https://x" # y\nimage = "ghcr.io/acme/api:1.0.0"\n',
    "Windows line ends": 'image = "ghcr.io/acme/api:1.0.0"\r\n',
    "no line break at the end": "ghcr.io/acme/api:1.0.0",
    "byte order mark": "\ufeffghcr.io/acme/api:1.0.0\n",
    "other scripts before": "# \u65e5\u672c \U0001f680\nIMAGE=ghcr.io/acme/api:1.0.0\n",
    "JSON": '{"image":"ghcr.io/acme/api:1.0.0"}\n',
    "semicolons": "x;ghcr.io/acme/api:1.0.0;y\n",
}


@pytest.mark.parametrize("before", CHANGED.values(), ids=CHANGED)
def test_a_whole_string_or_word_changes(before: str) -> None:
    bumped = bump({"x": before}, TAG, selection=TEXT)
    assert bumped.text("x") == before.replace("api:1.0.0", "api:2.0.0")
    assert {edit.kind for edit in bumped.plan.edits} == {"text"}


LEFT_ALONE = {
    "comment": ("# ghcr.io/acme/api:1.0.0\n", "in a comment"),
    "comment, indented": ("   // image = ghcr.io/acme/api:1.0.0\n", "in a comment"),
    "comment of INI": ("; ghcr.io/acme/api:1.0.0\n", "in a comment"),
    "comment of Lua": ("-- ghcr.io/acme/api:1.0.0\n", "in a comment"),
    "comment behind a value": ("x = 1 # was ghcr.io/acme/api:1.0.0\n", "in a comment"),
    "comment behind a value, slashes": ('x = "1" // ghcr.io/acme/api:1.0.0\n', "in a comment"),
    "comment over lines": ("/* old:\nghcr.io/acme/api:1.0.0\n*/\n", "in a comment"),
    "comment over lines, indented": ("  /*\n  image = ghcr.io/acme/api:1.0.0 */\n", "in a comment"),
    "interpolation": ('image = "ghcr.io/acme/api:${var.tag}"\n', None),
    "interpolation before": ('image = "${var.registry}/acme/api:1.0.0"\n', None),
    "with its transport": ('image = "docker://ghcr.io/acme/api:1.0.0"\n', "part of another word, not a reference"),
    "a longer word": ("xghcr.io/acme/api:1.0.0\n", "another repository: xghcr.io/acme/api"),
    "a longer name": ("ghcr.io/acme/api-server:1.0.0\n", "another repository: ghcr.io/acme/api-server"),
    "a path": ("ghcr.io/acme/api:1.0.0/x\n", "part of another word, not a reference"),
    "another registry": ("quay.io/acme/api:1.0.0\n", "another repository: quay.io/acme/api"),
    "Docker Hub": ("acme/api:1.0.0\n", "another repository: acme/api"),
    "without a version": ("ghcr.io/acme/api\n", "names the repository without a version"),
    "an address": ("https://ghcr.io/acme/api:1.0.0\n", "part of another word, not a reference"),
}


@pytest.mark.parametrize(("text", "reason"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_everything_else_is_left_alone(text: str, reason: str | None) -> None:
    bumped = bump({"x": text}, TAG, selection=TEXT)
    assert bumped.text("x") == text
    if reason is not None:
        assert [each.partition(": ")[2] for each in bumped.reasons] == [reason]


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("FROM redis:6\n", True),
        ("from redis:6 as cache\n", True),
        ("FROM --platform=linux/amd64 redis:6\n", True),
        ('image = "redis:6"\n', True),
        ("REDIS_IMAGE=redis:6\n", True),
        ('"image": "redis:6",\n', True),
        ("HOST=redis:6\n", False),
        ("host = redis:6\n", False),
        ("run redis:6\n", False),
        ("FROMAGE redis:6\n", False),
    ],
)
def test_one_word_counts_only_where_an_image_is_meant(text: str, changed: bool) -> None:
    assert bump({"x": text}, "redis:7", selection=TEXT).text("x") == (text.replace(":6", ":7") if changed else text)


def test_a_file_that_is_not_named_is_not_read() -> None:
    assert bump({"y": "FROM ghcr.io/acme/api:1.0.0\n"}, TAG, selection=TEXT).plan.images[0].occurrences == 0


def test_tag_and_digest_are_one_unit() -> None:
    old, new = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    assert bump({"x": f"FROM ghcr.io/acme/api:1.0.0@{old}\n"}, TAG, selection=TEXT).text("x") == f"FROM {TAG}\n"
    both = bump({"x": f"FROM ghcr.io/acme/api@{old} AS a\n"}, f"{TAG}@{new}", selection=TEXT)
    assert both.text("x") == f"FROM {TAG}@{new} AS a\n"
    digest = bump({"x": "FROM ghcr.io/acme/api:1.0.0\n"}, f"ghcr.io/acme/api@{new}", selection=TEXT)
    assert digest.text("x") == f"FROM ghcr.io/acme/api:1.0.0@{new}\n"


def test_long_lines_take_no_longer_than_short_ones() -> None:
    lines = ["/*" * 20_000, "ghcr.io/acme/api" * 3_000, "(" * 40_000, "a=" * 20_000, " #" * 20_000]
    before = "".join(f"{line}\nIMAGE=ghcr.io/acme/api:1.0.0\n" for line in lines)
    assert len(bump({"x": before}, TAG, selection=TEXT).plan.edits) == len(lines)
