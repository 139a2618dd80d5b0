"""Which images a Dockerfile is built from: through variables, stages, copies and mounts, and which names are none."""

from __future__ import annotations

import pytest

from pipelinegen.images.bases import Base, bases_of
from pipelinegen.images.dockerfile import Malformed, parse
from pipelinegen.images.dockerfile.needed import Asked


def bases(text: str, target: str | None = None, *, contexts: tuple[str, ...] = (), **build_args: str) -> list[Base]:
    named = dict.fromkeys(contexts, "folder")
    return list(bases_of(parse(text), Asked("linux/arm/v7", "linux/amd64", build_args, named, target)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("FROM scratch", [], id="scratch is no image"),
        pytest.param("FROM alpine:3", ["alpine:3"], id="an image"),
        pytest.param("FROM alpine AS x\nFROM x", ["alpine"], id="a stage is no image"),
        pytest.param("FROM alpine AS X\nFROM x AS y\nFROM y", ["alpine"], id="whatever its case"),
        pytest.param("FROM alpine\nFROM busybox\nCOPY --from=0 /a /b", ["alpine", "busybox"], id="a stage by number"),
        pytest.param("FROM alpine\nFROM busybox", ["busybox"], id="a stage that is not needed"),
        pytest.param("FROM a AS x\nFROM b\nRUN --mount=from=x,target=/x true", ["b", "a"], id="a stage mounted"),
        pytest.param("FROM a\nFROM b\nRUN --mount=from=0,target=/x true", ["b", "a"], id="a stage mounted by number"),
        pytest.param("FROM alpine\nCOPY --from=nginx:1 /a /b", ["alpine", "nginx:1"], id="copied from an image"),
        pytest.param("FROM alpine\nCOPY --from=alpine /a /b", ["alpine"], id="each once"),
        pytest.param(
            "FROM a\nRUN --mount=type=bind,from=golang:1,target=/go --mount=type=cache,target=/x true",
            ["a", "golang:1"],
            id="mounted from an image",
        ),
        pytest.param("FROM a\nRUN --mount=from=$X,target=/x true", ["a"], id="a name that cannot be known"),
        pytest.param("ARG V=3\nFROM alpine:$V", ["alpine:3"], id="a part by a variable"),
        pytest.param("ARG V=3\nARG I=alpine:${V}\nFROM $I", ["alpine:3"], id="a variable of variables"),
        pytest.param("FROM alpine:${V:-9}", ["alpine:9"], id="a default in its place"),
        pytest.param("ARG V\nFROM alpine$V", ["alpine"], id="a variable without a value"),
        pytest.param("FROM --platform=$BUILDPLATFORM go-$TARGETARCH$TARGETVARIANT", ["go-armv7"], id="the platform"),
        pytest.param("FROM base AS b\nFROM other\nCOPY --from=files / /\nCOPY --from=b / /", ["other"], id="contexts"),
    ],
)
def test_images_that_are_built_from(text: str, expected: list[str]) -> None:
    assert [base.reference for base in bases(text, contexts=("base", "files"))] == expected


@pytest.mark.parametrize("written", ["$BASE", "${BASE}", "${BASE:-x}", "${BASE-x}"])
def test_a_variable_that_stands_for_the_whole_image_is_known(written: str) -> None:
    assert bases(f"ARG BASE=ghcr.io/acme/base\nFROM {written}") == [Base("ghcr.io/acme/base", "BASE")]


@pytest.mark.parametrize("written", ["ghcr.io/acme/$BASE", "${BASE}:1", "${BASE:+x}"])
def test_a_variable_that_is_a_part_of_it_is_none(written: str) -> None:
    assert [base.variable for base in bases(f"ARG BASE=base\nFROM {written}")] == [None]


def test_a_build_arg_wins_over_the_default() -> None:
    assert bases("ARG BASE=a\nFROM $BASE", BASE="b") == [Base("b", "BASE")]
    assert bases("FROM ${BASE:-a}", BASE="b") == [Base("a", "BASE")]  # it was never declared


@pytest.mark.parametrize(
    ("target", "expected"),
    [("one", ["a"]), ("ONE", ["a"]), ("1", ["b"]), (None, ["a", "c"])],
)
def test_the_target_and_what_it_needs_count(target: str | None, expected: list[str]) -> None:
    text = "FROM a AS one\nFROM b AS two\nFROM c AS three\nCOPY --from=one / /"
    assert [base.reference for base in bases(text, target)] == expected


@pytest.mark.parametrize(
    "text", ["FROM ${EMPTY}", "FROM a\nCOPY --from=$X /a /b", "FROM A b c", "RUN true"], ids=lambda text: text[:12]
)
def test_what_cannot_be_read_is_no_guess(text: str) -> None:
    with pytest.raises(Malformed):
        bases(text)
