"""Which tags must be quoted in YAML, and the order of semantic versions."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import semver as library
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipelinegen.images.reference import is_tag
from pipelinegen.images.versions import Version, is_lower, reads_as_other, semver

DIGEST = "sha256:" + "0123456789abcdef" * 4

# why, tags
QUOTED = {
    "integer": ["0", "1", "42", "1234567", "20240101", "18446744073709551616", "9" * 40],
    "octal, with and without its mark": ["007", "0755", "0o17", "0O17", "00"],
    "leading zero that is no octal": ["08", "0129", "09"],
    "hexadecimal and binary": ["0x1f", "0X1F", "0xdeadbeef", "0b101", "0B1", "0xffffffffffffffffff"],
    "a sign after the mark (go-yaml)": ["0b-1", "0o-7"],
    "underscores": ["1_000", "1_", "1__0", "0x_f", "0_x1f", "0x_", "0b_1", "1_0.5", "1._5", "190_20"],
    "float": ["1.0", "1.10", "10.", "0.1", "00.10", "20240101.1", "1.2_3"],
    "exponent": ["1e3", "1E3", "12e03", "0e0", "1e-3", "1.5e3", "1.e0", "1e999", "6e123456", "1234567e8", "1_0e3"],
    "exponent alone (npm's yaml, 1.1)": ["e1", "E12", "e-1"],
    "date": ["2024-01-01", "2024-1-1", "2024-12-31", "0001-1-01"],
    "boolean": ["true", "True", "TRUE", "false", "False", "FALSE"],
    "boolean of YAML 1.1": ["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"],
    "boolean of one letter": ["y", "Y", "n", "N"],
    "null": ["null", "Null", "NULL"],
    "no tag at all": ["", "~", "-1", "+1", ".5", ".inf", ".nan", "12:30:45", "1:30", "a b", "a: b", "#x", "*x", "&x"],
    "no tag at all, by its last character": ["v1\n", "v1 ", "v1:", "1.2.3\t"],
    "letters and digits of other scripts": ["\u0661", "\uff11", "\u00e9"],
}
PLAIN = {
    "version": ["1.2.3", "v1", "v1.2", "v1.2.3", "1.2.3-rc.1", "1.2.3_build", "1.0.0-0", "1.30.0"],
    "word": ["latest", "stable", "main", "_", "__", "_1", "E", "e", "nan", "NaN", "inf", "Infinity", "none", "nil"],
    "case that no reader takes": ["tRue", "nULL", "yEs", "oN", "fALSE"],
    "hash": ["1a2b3c4", "5e2f3a1", "deadbeef", "sha-1234567", "e1a", "1d5", "123abcd"],
    "mark without digits or with wrong ones": ["0x", "0o8", "0b2", "0b", "0xg", "1e", "1.2e", "1e3-rc", "e1-2", "0b-"],
    "not quite a date": ["2024-01", "2024-01-01T00-00-00", "24-01-01", "2024-001-01", "20240-1-1", "1-2", "2024-01-1x"],
    "unit": ["1k", "1G", "1Gi", "1h30m", "1.5h", "1l"],
    "dots": ["12.30.45", "1..2", "1.2.", "1.2.3.4"],
    "digest": [DIGEST, f"1.10@{DIGEST}", f"1@{DIGEST}", f"true@{DIGEST}", f"2024-01-01@{DIGEST}"],
}


@pytest.mark.parametrize(
    ("tag", "quoted"),
    [
        *(pytest.param(tag, True, id=f"{why}: {tag!r:.20}") for why, tags in QUOTED.items() for tag in tags),
        *(pytest.param(tag, False, id=f"{why}: {tag!r:.20}") for why, tags in PLAIN.items() for tag in tags),
    ],
)
def test_a_tag_is_quoted_if_some_reader_takes_it_for_something_else(tag: str, quoted: bool) -> None:
    assert reads_as_other(tag) is quoted


RUAMEL = YAML(typ="safe", pure=True)
NUMERIC = st.text(alphabet="0189_.-eExXoObB", min_size=1, max_size=8)
DATES = st.from_regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", fullmatch=True)
WORDS = st.sampled_from(["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "none"])
CASES = st.builds(
    lambda word, form: form(word), WORDS, st.sampled_from([str.lower, str.upper, str.title, str.swapcase])
)
HASHES = st.integers(0, 16**7 - 1).map("{:07x}".format)
NEAR = (NUMERIC | DATES | CASES | HASHES).filter(is_tag)


def read_back(tag: str) -> list[object]:
    """What two readers make of the plain scalar; ValueError where they took it for a number and failed on it."""
    text = f"tag: {tag}\n"
    try:
        return [yaml.safe_load(text)["tag"], RUAMEL.load(text)["tag"]]
    except ValueError as error:
        return [error]


@given(NEAR)
@example("0x_")
@example("2024-02-31")
def test_what_is_left_plain_is_read_back_as_it_is(tag: str) -> None:
    if not reads_as_other(tag):
        assert read_back(tag) == [tag, tag]


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none() | st.dates())
def test_what_yaml_writes_for_another_type_is_quoted(value: object) -> None:
    written = yaml.safe_dump(value, explicit_end=False).split("\n")[0]
    if isinstance(value, dt.date):
        assert is_tag(written)
    assert reads_as_other(written)


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("1.2.3", Version(1, 2, 3)),
        ("v1.2.3", Version(1, 2, 3)),
        ("0.0.0", Version(0, 0, 0)),
        ("10.20.30", Version(10, 20, 30)),
        ("1.2.3-rc.1", Version(1, 2, 3, ("rc", "1"))),
        ("1.2.3-0", Version(1, 2, 3, ("0",))),
        ("1.2.3-0a.-.--", Version(1, 2, 3, ("0a", "-", "--"))),
        ("1.2.3+build.007", Version(1, 2, 3, (), ("build", "007"))),
        ("v1.2.3-a.b+c.d", Version(1, 2, 3, ("a", "b"), ("c", "d"))),
        ("1.2.3--1", Version(1, 2, 3, ("-1",))),
        ("99999999999999999999.0.0", Version(99999999999999999999, 0, 0)),
        *((text, None) for text in ("", "v", "1", "1.2", "1.2.3.4", "v1.2", "latest", "1.2.x", "1.2.3-", "1.2.3+")),
        *((text, None) for text in ("01.2.3", "1.02.3", "1.2.03", "1.2.3-01", "1.2.3-a..b", "1.2.3+a..b", "1.2.3-a_b")),
        *(
            (text, None)
            for text in ("V1.2.3", "vv1.2.3", "v 1.2.3", " 1.2.3", "1.2.3 ", "1.2.3\n", "-1.2.3", "1.2.3++")
        ),
        *((text, None) for text in ("\u0661.2.3", "1.2.3-\u00e9", "1.2.3-rc\x00", "1." + "9" * 300 + ".0")),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_semver(tag: str, version: Version | None) -> None:
    assert semver(tag) == version


# Semver 2.0, rule 11, lowest first, with what people get wrong
ASCENDING = [
    "0.0.0-0",
    "0.0.0",
    "0.0.1",
    "0.9.0",
    "0.10.0",
    "1.0.0--",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-beta.11.0",
    "1.0.0-beta11",
    "1.0.0-beta2",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-0",
    "1.9.9",
    "1.10.0",
    "2.0.0",
    "10.0.0",
]


@pytest.mark.parametrize("present", ASCENDING)
def test_every_version_below_is_lower_and_no_version_above(present: str) -> None:
    place = ASCENDING.index(present)
    expected = [True] * place + [False] * (len(ASCENDING) - place)
    assert [is_lower(new, present) for new in ASCENDING] == expected
    assert [is_lower(f"v{new}", present) for new in ASCENDING] == expected


@pytest.mark.parametrize(
    ("new", "present", "lower"),
    [
        ("v1.2.2", "1.2.3", True),
        ("1.2.3", "v1.2.3", False),
        ("1.2.3+a", "1.2.3+b", False),
        ("1.2.3+b", "1.2.3+a", False),
        ("1.2.3-rc.1+z", "1.2.3", True),
        ("1.2", "1.2.3", None),
        ("1.2.3", "latest", None),
        ("20240101", "20240102", None),
        ("sha-1a2b3c4", "1.2.3", None),
    ],
)
def test_is_lower(new: str, present: str, lower: bool | None) -> None:
    assert is_lower(new, present) is lower


NUMBERS = st.sampled_from(["0", "1", "2", "9", "10", "11", "00", "01", "007", "4294967296", ""])
IDENTIFIERS = st.sampled_from(["0", "1", "10", "01", "a", "A", "rc", "-", "0a", "a0", "--1", "", "x_y", "é"])
TAILS = st.lists(IDENTIFIERS, max_size=4).map(".".join)
SHAPED = st.builds(
    lambda numbers, before, build: ".".join(numbers) + before + build,
    st.lists(NUMBERS, min_size=2, max_size=4),
    st.just("") | TAILS.map("-{}".format),
    st.just("") | TAILS.map("+{}".format),
)
HOSTILE = SHAPED | st.text(alphabet="01.9-+av\n \u0661", max_size=14) | st.text(max_size=12)


def read_by_library(text: str) -> library.Version | None:
    try:
        return library.Version.parse(text)
    except ValueError:
        return None


@given(HOSTILE)
@example("1.2.3\n")
@example("1.2.3-\u0661")
@example("v0.0.0")
@example("vv0.0.0")
def test_semver_agrees_with_the_library(text: str) -> None:
    # One leading v is ours: tags have it, the specification does not.
    ours, theirs = semver(text), read_by_library(text.removeprefix("v"))
    if re.fullmatch(r"[!-~]*", text):
        assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert ours[:3] == (theirs.major, theirs.minor, theirs.patch)
        assert (".".join(ours.prerelease) or None, ".".join(ours.build) or None) == (theirs.prerelease, theirs.build)
    if ours is not None:
        assert text.isascii()
        assert text.isprintable()


PRERELEASES = st.lists(st.sampled_from(["0", "1", "2", "10", "11", "a", "A", "rc", "-", "0a", "a0", "--1"]), max_size=3)
VERSIONS = st.builds(
    lambda numbers, before, build: (
        ".".join(map(str, numbers)) + "".join(["-", ".".join(before)] if before else []) + "".join(build)
    ),
    st.tuples(*[st.sampled_from([0, 1, 2, 9, 10, 11])] * 3),
    PRERELEASES,
    st.sampled_from(["", "+a", "+001.b"]),
)


@given(VERSIONS, VERSIONS)
def test_the_order_is_that_of_the_library(new: str, present: str) -> None:
    assert is_lower(new, present) is (library.Version.parse(new) < library.Version.parse(present))


@given(VERSIONS)
def test_a_leading_v_changes_nothing(text: str) -> None:
    assert semver(f"v{text}") == semver(text)
    assert semver(f"vv{text}") is None
