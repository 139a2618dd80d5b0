"""No form of a secret survives the one place that masks."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelinegen.errors import NotPermitted
from pipelinegen.redact import MASK, Redactor, Secret, unfit

CANARY = """c4n/4ry+t0k%en"q'\\x $v&<é>"""

FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "url": lambda value: quote(value, safe=""),
    "url keeps the slash": quote,
    "url lower case": lambda value: "".join(f"%{octet:02x}" for octet in value.encode()),
    "url twice": lambda value: quote(quote(value, safe=""), safe=""),
    "form": quote_plus,
    "json": lambda value: json.dumps(value)[1:-1],
    "json unicode": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "json in json": lambda value: json.dumps(json.dumps(value))[3:-3],
    "json escaped slash": lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    "shell": shlex.quote,
    "shell, double quotes": lambda value: '"' + "".join(f"\\{c}" if c in '"$`\\' else c for c in value) + '"',
    "shell, backslashes": lambda value: "".join(c if c.isalnum() else f"\\{c}" for c in value),
    "shell, single quotes": lambda value: "'" + value.replace("'", "'\\''") + "'",
    "python": repr,
    "python bytes": lambda value: repr(value.encode()),
    "html": html.escape,
    "basic auth": lambda value: base64.b64encode(f"x-access-token:{value}".encode()).decode(),
    "basic auth, other user": lambda value: base64.b64encode(f"me:{value}".encode()).decode(),
    "base64 alone": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 url": lambda value: base64.urlsafe_b64encode(f"a:{value}".encode()).decode(),
    "base64 with more behind": lambda value: base64.b64encode(f"ab:{value}\nnext".encode()).decode(),
    "base64 in lines": lambda value: base64.encodebytes(("u" * 50 + ":" + value).encode()).decode(),
}

secrets = (
    st.text(st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["Cs"]), min_size=8)
    .map(str.strip)
    .filter(lambda value: unfit(value) is None)
)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_masked(form: str) -> None:
    text = f"fatal: could not read <{FORMS[form](CANARY)}> from host"
    masked = Redactor((Secret("PIPELINEGEN_TOKEN", CANARY),)).mask(text)
    assert MASK in masked
    assert masked.startswith("fatal: could not read <")
    assert masked.endswith("> from host")
    for encode in FORMS.values():
        assert encode(CANARY) not in masked


@given(value=secrets, form=st.sampled_from(sorted(FORMS)), before=st.text(), after=st.text())
@settings(max_examples=3 * settings().max_examples, deadline=None)
def test_no_embedding_of_a_secret_survives(value: str, form: str, before: str, after: str) -> None:
    masked = Redactor((Secret("T", value),)).mask(f"{before} {FORMS[form](value)} {after}")
    assert value not in masked.replace(MASK, "\0")
    assert FORMS[form](value) not in masked.replace(MASK, "\0")


@given(value=secrets, text=st.text(max_size=30))
@settings(max_examples=2 * settings().max_examples, deadline=None)
def test_text_without_a_secret_is_left_alone(value: str, text: str) -> None:
    kept = Redactor((Secret("T", value),)).mask(text)
    if MASK not in kept or MASK in text:
        assert kept == text
    assert Redactor(()).mask(text) == text


def test_secrets_that_share_an_end_are_both_masked_whole() -> None:
    both = Redactor((Secret("A", "abcdefgh-12345"), Secret("B", "12345-stuvwxyz")))
    assert both.mask("<abcdefgh-12345-stuvwxyz>") == f"<{MASK}>"


def test_a_secret_inside_a_longer_one_does_not_uncover_the_rest() -> None:
    both = Redactor((Secret("A", "inner-value-1"), Secret("B", "long-inner-value-1-tail")))
    assert both.mask("x long-inner-value-1-tail y inner-value-1") == f"x {MASK} y {MASK}"


def test_the_user_of_a_basic_header_stays_readable_but_no_bit_of_the_secret() -> None:
    header = base64.b64encode(b"oauth2:glpat-12345678").decode()
    masked = Redactor((Secret("T", "glpat-12345678"),)).mask(f"Authorization: Basic {header}")
    shown = masked.removeprefix("Authorization: Basic ").removesuffix(MASK)
    assert header.startswith(shown)
    assert len(shown) * 6 <= len("oauth2:") * 8


@pytest.mark.parametrize(
    "value",
    [
        "",
        "abc",
        "7 chars",
        "password",
        "PASSWORD",
        "changeme",
        "aaaaaaaaaaaa",
        "abababab",
        "x-access-token",
        "good\nbad-one",
    ],
)
def test_values_that_cannot_be_masked_refuse_to_run(value: str) -> None:
    with pytest.raises(NotPermitted) as caught:
        Secret("PIPELINEGEN_TOKEN", value)
    assert caught.value.id == "bad-token"
    assert "PIPELINEGEN_TOKEN" in caught.value.what
    if len(value) > 2:
        assert value not in "\n".join(caught.value.lines()).replace("PIPELINEGEN_TOKEN", "")


def test_a_secret_does_not_print_itself() -> None:
    secret = Secret("PIPELINEGEN_TOKEN", "ghp_canary_value")
    for text in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r}",
        repr({"token": secret}),
        repr(Redactor((secret,))),
    ):
        assert "canary" not in text
