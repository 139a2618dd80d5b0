"""What a forge's no becomes: the right exit, an id, the missing right by name, and the forge's own words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.forge.github_values import pull_request as from_github
from pipelinegen.edge.forge.gitlab_values import plain_title
from pipelinegen.edge.forge.gitlab_values import pull_request as from_gitlab
from pipelinegen.edge.forge.port import PullRequest, Rejected, Wishes
from pipelinegen.edge.forge.refusals import refusal, spoken
from pipelinegen.errors import NotPermitted, PipelinegenError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


def refused(status: int, said: Any, **headers: str) -> PipelinegenError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(
        status, said, named, task="open it", needs="pull_requests: write", where="https://x/y", variable="GH_TOKEN"
    )


@pytest.mark.parametrize(
    ("status", "said", "headers", "exit_code", "id", "words"),
    [
        (401, {"message": "Bad credentials"}, {}, 4, "bad-token", "GH_TOKEN was not accepted"),
        (401, {"error": "invalid_token", "error_description": "Token was revoked."}, {}, 4, "expired", "revoked"),
        (403, {"message": "Resource not accessible by integration"}, {}, 4, "scope-missing", "pull_requests: write"),
        (
            403,
            {"message": "Resource not accessible"},
            {"x_accepted_github_permissions": "contents=write; pull_requests=write"},
            4,
            "scope-missing",
            "contents: write or pull_requests: write",
        ),
        (404, {"message": "Not Found"}, {"x_oauth_scopes": "gist"}, 4, "scope-missing", "the token's scopes: gist"),
        (403, {"message": "Repository was archived so is read-only."}, {}, 4, "protected", "archived"),
        (403, {"message": "SAML"}, {"x_github_sso": "required; url=https://x"}, 4, "scope-missing", "single sign-on"),
        (409, {"message": ["Another open merge request"]}, {}, 3, "server-refused", "Another open merge request"),
        (422, {"message": "Validation Failed"}, {}, 3, "server-refused", "Validation Failed"),
    ],
)
def test_refusals(status: int, said: Any, headers: dict[str, str], exit_code: int, id: str, words: str) -> None:
    error = refused(status, said, **headers)
    assert (error.exit_code, error.id) == (exit_code, id)
    assert words in "\n".join(error.lines())
    assert isinstance(error, Rejected | NotPermitted)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"message": "No", "documentation_url": "https://docs.github.com"}, ["No"]),
        (
            {
                "message": "Validation Failed",
                "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}],
            },
            ["Validation Failed", "PullRequest.head is invalid"],
        ),
        (
            {
                "message": "Validation Failed",
                "errors": [{"resource": "PullRequest", "code": "custom", "message": "Exists"}],
            },
            ["Validation Failed", "Exists"],
        ),
        ({"message": "Validation Failed", "errors": ["One", "One", "Two"]}, ["Validation Failed", "One", "Two"]),
        ({"message": {"source_branch": ["does not exist"]}}, ["source_branch: does not exist"]),
        ({"error": "insufficient_scope", "scope": "api"}, ["insufficient_scope", "scope: api"]),
        (
            {"errors": [{"type": "FORBIDDEN", "path": ["x"], "message": "No"}], "data": None},
            ["type: FORBIDDEN", "path: x", "No"],
        ),
        (b'{"message": "bytes"}', ["bytes"]),
        ("<html>\n<h1>502</h1>\nplain words\n", ["plain words"]),
        ("a\u202eb\x1b[31m", ["a\\u202Eb\\u001B[31m"]),
        ({"message": "two\nlines"}, ["two lines"]),
        (None, []),
        ([], []),
        (5, []),
    ],
)
def test_spoken(said: Any, words: list[str]) -> None:
    assert spoken(said) == words


@given(JSON, st.sampled_from([400, 401, 403, 404, 405, 409, 418, 422]))
def test_any_answer_becomes_an_error_of_ours(said: Any, status: int) -> None:
    error = refused(status, said)
    assert error.exit_code in (3, 4)
    assert len(error.details) <= 11
    assert all(len(line) <= 300 and "\n" not in line for line in error.details)


@given(JSON)
def test_no_other_json_is_a_pull_request(data: Any) -> None:
    for read in (from_github, from_gitlab):
        with pytest.raises((KeyError, TypeError, AttributeError, ValueError)):
            read(data)


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Draft: Bump", "Bump"),
        ("draft: Bump", "Bump"),
        ("[Draft] Bump", "Bump"),
        ("(Draft) Bump", "Bump"),
        ("Draft: Draft: Bump", "Bump"),
        ("Drafts: Bump", "Drafts: Bump"),
        ("Bump draft: x", "Bump draft: x"),
    ],
)
def test_plain_title(title: str, plain: str) -> None:
    assert plain_title(title) == plain


def test_wishes_that_are_missing() -> None:
    pull = PullRequest(1, "u", "open", "b", "s", "main", "t", "", labels=("Bump",), reviewers=("ada",), milestone="1.0")
    wishes = Wishes(("bump", "x"), ("ADA", "grace"), ("platform",), (), "1.0")
    assert wishes.missing(pull) == Wishes(("x",), ("grace",), ("platform",))
    assert wishes.missing(pull).each() == [("labels", ("x",)), ("reviewers", ("grace",)), ("teams", ("platform",))]
    assert not Wishes(("BUMP",), ("ada",), milestone="1.0").missing(pull)
