from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.registry.challenge import parse_challenges

CASES = {
    "docker hub": (
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:acme/api:pull"',
        [
            (
                "bearer",
                {
                    "realm": "https://auth.docker.io/token",
                    "service": "registry.docker.io",
                    "scope": "repository:acme/api:pull",
                },
            )
        ],
    ),
    "comma in a quoted value": (
        'Bearer realm="https://x.test/t",scope="repository:a:pull,push",service=x',
        [("bearer", {"realm": "https://x.test/t", "scope": "repository:a:pull,push", "service": "x"})],
    ),
    "basic": ('Basic realm="Registry Realm"', [("basic", {"realm": "Registry Realm"})]),
    "comma and space in the realm": ('Basic realm="a, Bearer b"', [("basic", {"realm": "a, Bearer b"})]),
    "two challenges": (
        'Basic realm="r", Bearer realm="https://x.test/t", service="s"',
        [("basic", {"realm": "r"}), ("bearer", {"realm": "https://x.test/t", "service": "s"})],
    ),
    "token68 before another": (
        'Negotiate YIIabc+/==, Basic realm="r"',
        [("negotiate", {}), ("basic", {"realm": "r"})],
    ),
    "a scheme alone": ("Negotiate", [("negotiate", {})]),
    "schemes alone": ('Negotiate, NTLM, Basic realm="r"', [("negotiate", {}), ("ntlm", {}), ("basic", {"realm": "r"})]),
    "names in capitals": ('BEARER Realm="https://x.test"', [("bearer", {"realm": "https://x.test"})]),
    "blanks around the equals sign": ('Bearer realm = "https://x.test"', [("bearer", {"realm": "https://x.test"})]),
    "escaped quote": (r'Basic realm="a \"b\" \\ c"', [("basic", {"realm": r'a "b" \ c'})]),
    "empty elements": (', Basic realm="r",, charset="UTF-8" ,', [("basic", {"realm": "r", "charset": "UTF-8"})]),
    "unquoted url": (
        "Bearer realm=https://x.test/t,service=s",
        [("bearer", {"realm": "https://x.test/t", "service": "s"})],
    ),
    "the first of two equal names counts": ('Basic realm="a", realm="b"', [("basic", {"realm": "a"})]),
    "quote that does not end": ('Bearer realm="https://x.test', [("bearer", {"realm": "https://x.test"})]),
    "empty value": ('Bearer realm="",service=', [("bearer", {"realm": "", "service": ""})]),
    "nothing": ("", []),
    "only commas": (" ,, ,", []),
    "no token": ("@@@", []),
}


@pytest.mark.parametrize(("header", "expected"), CASES.values(), ids=CASES.keys())
def test_the_challenges_of_a_header(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(challenge.scheme, dict(challenge.parameters)) for challenge in parse_challenges(header)] == expected


@given(st.text(st.characters(codec="latin-1"), max_size=200))
def test_any_header_is_read_without_an_error(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower()


names = st.sampled_from(["realm", "service", "scope", "error"])
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)


@given(
    st.lists(st.tuples(st.sampled_from(["Bearer", "Basic"]), st.dictionaries(names, values, min_size=1)), max_size=3)
)
def test_quoted_values_come_back_whatever_they_hold(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ", ".join(
        f"{scheme} " + ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items())
        for scheme, parameters in challenges
    )
    parsed = [(challenge.scheme, dict(challenge.parameters)) for challenge in parse_challenges(header)]
    assert parsed == [(scheme.lower(), parameters) for scheme, parameters in challenges]
