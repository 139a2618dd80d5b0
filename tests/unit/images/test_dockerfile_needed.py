"""Which stages are built, from what, for which target; what FROM lines see."""

from __future__ import annotations

from typing import Any

import pytest

from pipelinegen.images.dockerfile import Malformed, parse
from pipelinegen.images.dockerfile.needed import Asked, Origin, global_arguments, needed

STAGES = """\
ARG VERSION=3
FROM alpine:${VERSION} AS base
FROM base AS build
RUN x
FROM busybox AS tools
FROM scratch AS last
COPY --from=base a b
COPY --from=0 a b
COPY --from=nginx:1 a b
COPY c d
"""


def asked(**values: Any) -> Asked:
    given: dict[str, Any] = {
        "platform": "linux/arm64",
        "machine": "linux/amd64",
        "build_args": {},
        "contexts": {},
        "target": None,
    }
    return Asked(**{**given, **values})


def numbers(text: str, **values: Any) -> list[int]:
    return [each.stage.number for each in needed(parse(text), asked(**values))]


def problem(text: str, **values: Any) -> str:
    with pytest.raises(Malformed) as caught:
        needed(parse(text), asked(**values))
    (each,) = caught.value.problems
    return f"{each.place.line}:{each.place.column}: {each.what}"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (None, [0, 3]),
        ("last", [0, 3]),
        ("LAST", [0, 3]),
        ("build", [0, 1]),
        ("base", [0]),
        ("tools", [2]),
        ("1", [0, 1]),
    ],
)
def test_only_what_the_target_needs(target: str | None, expected: list[int]) -> None:
    assert numbers(STAGES, target=target) == expected


def test_where_each_comes_from() -> None:
    base, last = needed(parse(STAGES), asked(build_args={"VERSION": "4"}))
    assert base.base == Origin(image="alpine:4")
    assert last.base == Origin(image="scratch")
    assert list(last.sources.values()) == [Origin(stage=0), Origin(stage=0), Origin(image="nginx:1")]


def test_a_stage_is_known_only_to_those_behind_it() -> None:
    (only,) = needed(parse("FROM last\nFROM scratch AS last\n"), asked(target="0"))
    assert only.base == Origin(image="last")


def test_the_last_of_two_stages_of_a_name_counts() -> None:
    text = "FROM a AS x\nFROM b AS x\nFROM x\n"
    assert needed(parse(text), asked())[-1].base == Origin(stage=1)


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [
        ({"base": "docker-image://other"}, Origin(context="docker-image://other")),
        ({"alpine": "folder"}, Origin(image="alpine:3")),
        ({"alpine:3": "folder"}, Origin(context="folder")),
        ({"docker.io/library/alpine:3": "folder"}, Origin(context="folder")),
    ],
)
def test_a_named_context_takes_the_place_of_a_stage_or_an_image(contexts: dict[str, str], expected: Origin) -> None:
    assert needed(parse(STAGES), asked(contexts=contexts))[0].base == expected


def test_a_context_for_copy_from() -> None:
    text = "FROM scratch\nCOPY --from=Assets a b\n"
    (only,) = needed(parse(text), asked(contexts={"assets": "../assets"}))
    assert list(only.sources.values()) == [Origin(context="../assets")]


def test_a_stage_that_a_context_replaces_is_not_built() -> None:
    text = "FROM golang AS build\nRUN x\nFROM scratch\nCOPY --from=build a b\n"
    build, _ = needed(parse(text), asked(contexts={"build": "out"}))
    assert build.base == Origin(context="out")
    assert build.stage.instructions == ()


@pytest.mark.parametrize(
    ("written", "platform"),
    [("$BUILDPLATFORM", "linux/amd64"), ("$TARGETPLATFORM", "linux/arm64"), ("linux/armhf", "linux/arm/v7")],
)
def test_the_platform_of_a_base(written: str, platform: str) -> None:
    (only,) = needed(parse(f"FROM --platform={written} a\n"), asked())
    assert only.base.platform == platform


def test_what_from_lines_see() -> None:
    text = "ARG A=1\nARG B=${A}2\nARG C\nARG TARGETARCH\nFROM a\n"
    values = global_arguments(parse(text), asked(build_args={"A": "9", "C": "c", "NOT": "declared"}))
    assert (values["A"], values["B"], values["C"]) == ("9", "92", "c")
    assert "NOT" not in values
    assert {name: value for name, value in values.items() if name.startswith(("TARGET", "BUILD"))} == {
        "BUILDPLATFORM": "linux/amd64",
        "BUILDOS": "linux",
        "BUILDARCH": "amd64",
        "BUILDVARIANT": "",
        "TARGETPLATFORM": "linux/arm64",
        "TARGETOS": "linux",
        "TARGETARCH": "arm64",
        "TARGETVARIANT": "",
        "TARGETSTAGE": "default",
    }


WRONG = {
    "no such target": ("FROM a AS b\n", {"target": "c"}, "1:1: there is no stage c (stages: b)"),
    "no target by number": ("FROM a\n", {"target": "1"}, "1:1: there is no stage 1 (stages: none has a name)"),
    "an empty base": ("FROM $X\n", {}, "1:6: $X is empty: an ARG before the first FROM has no value"),
    "a base that is no image": (
        "FROM A\n",
        {},
        "1:6: A is no stage before this one, and no image: repository names are lower case: did you mean a?",
    ),
    "no platform": ("FROM --platform=x a\n", {}, "1:6: x is no platform: OS/ARCHITECTURE, as linux/arm64"),
    "from itself": (
        "FROM a AS x\nCOPY --from=x b c\n",
        {},
        "2:6: COPY --from takes a stage that stands before this one",
    ),
    "from a later one": (
        "FROM a\nCOPY --from=x b c\nFROM d AS x\n",
        {"target": "0"},
        "2:6: COPY --from takes a stage that stands before this one",
    ),
    "from a number too high": (
        "FROM a\nCOPY --from=7 b c\n",
        {},
        "2:6: COPY --from takes a stage that stands before this one",
    ),
    "from a variable": (
        "FROM a\nCOPY --from=$X b c\n",
        {},
        "2:6: --from takes no variables: name a stage FROM ${...} AS name, and copy from it",
    ),
    "a word that cannot be read": ("ARG A=${B\nFROM a\n", {}, "1:5: the } of a variable is missing"),
}


@pytest.mark.parametrize(("text", "values", "expected"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_resolved_is_told_at_its_place(text: str, values: dict[str, Any], expected: str) -> None:
    assert problem(text, **values) == expected
