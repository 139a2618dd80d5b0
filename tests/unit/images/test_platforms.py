"""Platforms: one spelling of each, and which offered one serves a wanted one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.images.platforms import choose, host, normalise, parts_of, platform_of

NORMAL = {
    "linux/amd64": "linux/amd64",
    "linux/amd64/v1": "linux/amd64",
    "linux/amd64/v3": "linux/amd64/v3",
    "Linux/x86_64": "linux/amd64",
    "linux/aarch64": "linux/arm64",
    "linux/arm64/v8": "linux/arm64",
    "linux/arm64/8": "linux/arm64",
    "linux/arm": "linux/arm/v7",
    "linux/arm/7": "linux/arm/v7",
    "linux/arm/v6": "linux/arm/v6",
    "linux/armhf": "linux/arm/v7",
    "linux/armel": "linux/arm/v6",
    "linux/i686": "linux/386",
    "linux/riscv64": "linux/riscv64",
    "macos/arm64": "darwin/arm64",
    "linux": None,
    "": None,
    "linux/": None,
    "a/b/c/d": None,
    "linux/a b": None,
    "linux/arm64\n": None,
}


@pytest.mark.parametrize(("written", "expected"), NORMAL.items(), ids=NORMAL)
def test_one_spelling(written: str, expected: str | None) -> None:
    assert normalise(written) == expected


@pytest.mark.parametrize(
    ("wanted", "offered", "expected"),
    [
        ("linux/amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"),
        ("linux/arm64", ["linux/arm64/v8"], "linux/arm64/v8"),
        ("linux/arm64/v8", ["linux/arm64"], "linux/arm64"),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"),
        ("linux/arm/v6", ["linux/arm/v7"], None),
        ("linux/arm", ["linux/arm/v7", "linux/arm/v6"], "linux/arm/v7"),
        ("linux/amd64", ["windows/amd64", "linux/arm64"], None),
        ("linux/amd64/v3", ["linux/amd64"], None),
        ("linux/amd64", [], None),
    ],
)
def test_which_serves(wanted: str, offered: list[str], expected: str | None) -> None:
    assert choose(wanted, offered) == expected


@given(st.sampled_from([key for key, value in NORMAL.items() if value]))
def test_what_is_normal_stays_and_is_read_back(written: str) -> None:
    normal = normalise(written)
    assert normal is not None
    assert normalise(normal) == normal
    assert platform_of(parts_of(normal)) == normal
    assert choose(written, [normal]) == normal


def test_this_machine_has_one() -> None:
    assert normalise(host()) == host()
    assert host().startswith("linux/")
