"""Where a repository lives, from any form of its URL and what is known around it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.ci import CiContext
from pipelinegen.edge.forge import forge_for
from pipelinegen.edge.forge.address import Address, locate, source_links
from pipelinegen.errors import InputError, NotPermitted
from pipelinegen.redact import Secret

NO_CI = CiContext()
GITHUB = Address("github", "acme/manifests", "https://github.com/acme/manifests", "https://api.github.com")
GITLAB = Address("gitlab", "acme/team/manifests", "https://gitlab.com/acme/team/manifests", "https://gitlab.com/api/v4")
GHES = Address("github", "acme/manifests", "https://ghe.example/acme/manifests", "https://ghe.example/api/v3")
ON_GHES = CiContext(kind="github", server_url="https://ghe.example", api_url="https://ghe.example/api/v3")
ON_GITLAB = CiContext(kind="gitlab", server_url="https://git.example/forge", api_url="https://git.example/forge/api/v4")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com/acme/manifests", GITHUB),
        ("https://github.com/acme/manifests.git", GITHUB),
        ("https://github.com/acme/manifests/", GITHUB),
        ("https://GitHub.com/acme/manifests.git/", GITHUB),
        ("https://x-access-token:canary@github.com/acme/manifests.git", GITHUB),
        ("git@github.com:acme/manifests.git", GITHUB),
        ("github.com:acme/manifests", GITHUB),
        ("ssh://git@github.com/acme/manifests.git", GITHUB),
        ("ssh://git@ssh.github.com:443/acme/manifests.git", GITHUB),
        ("git+ssh://git@github.com/acme/manifests", GITHUB),
        ("https://gitlab.com/acme/team/manifests.git", GITLAB),
        ("git@gitlab.com:acme/team/manifests.git", GITLAB),
        ("ssh://git@altssh.gitlab.com:443/acme/team/manifests.git", GITLAB),
    ],
)
def test_the_public_forges(url: str, address: Address) -> None:
    assert locate(url, None, None, NO_CI) == address


@pytest.mark.parametrize(
    ("url", "kind", "api", "ci", "address"),
    [
        pytest.param("https://ghe.example/acme/manifests", "github", None, NO_CI, GHES, id="--forge"),
        pytest.param("https://ghe.example/acme/manifests", None, None, ON_GHES, GHES, id="by the CI's own server"),
        pytest.param("git@ghe.example:acme/manifests.git", None, None, ON_GHES, GHES, id="ssh, by the CI's own server"),
        pytest.param(
            "https://ghe.example/acme/manifests", None, "https://ghe.example/api/v3", NO_CI, GHES, id="by the API"
        ),
        pytest.param(
            "https://ghe.example/acme/manifests", "github", "https://ghe.example/", NO_CI, GHES, id="the server as API"
        ),
        pytest.param(
            "https://github.acme.example/acme/manifests",
            None,
            None,
            NO_CI,
            Address(
                "github",
                "acme/manifests",
                "https://github.acme.example/acme/manifests",
                "https://github.acme.example/api/v3",
            ),
            id="by its name",
        ),
        pytest.param(
            "https://acme.ghe.com/acme/manifests",
            None,
            None,
            NO_CI,
            Address("github", "acme/manifests", "https://acme.ghe.com/acme/manifests", "https://api.acme.ghe.com"),
            id="data residency",
        ),
        pytest.param(
            "https://github.com/acme/manifests", None, None, ON_GHES, GITHUB, id="another server than the CI's"
        ),
        pytest.param(
            "https://git.example/forge/acme/team/manifests.git",
            None,
            None,
            ON_GITLAB,
            None,
            id="a folder of the host is not told by the host",
        ),
        pytest.param(
            "https://git.example/forge/acme/team/manifests.git",
            "gitlab",
            "https://git.example/forge",
            NO_CI,
            Address(
                "gitlab",
                "acme/team/manifests",
                "https://git.example/forge/acme/team/manifests",
                "https://git.example/forge/api/v4",
            ),
            id="GitLab in a folder",
        ),
        pytest.param(
            "https://gitlab.acme.example:8443/acme/manifests",
            None,
            None,
            NO_CI,
            Address(
                "gitlab",
                "acme/manifests",
                "https://gitlab.acme.example:8443/acme/manifests",
                "https://gitlab.acme.example:8443/api/v4",
            ),
            id="a port",
        ),
        pytest.param(
            "http://127.0.0.1:9/acme/manifests.git",
            "github",
            "http://127.0.0.1:8",
            NO_CI,
            Address("github", "acme/manifests", "http://127.0.0.1:9/acme/manifests", "http://127.0.0.1:8"),
            id="loopback",
        ),
        pytest.param(
            "https://git.example/x/y/z.git",
            "none",
            None,
            NO_CI,
            Address("none", "x/y/z", "https://git.example/x/y/z", ""),
            id="no forge",
        ),
        pytest.param("/srv/git/manifests.git", None, None, NO_CI, Address("none", "", "", ""), id="a path"),
        pytest.param("file:///srv/manifests.git", "none", None, NO_CI, Address("none", "", "", ""), id="a file URL"),
    ],
)
def test_other_forges(url: str, kind: Any, api: Any, ci: CiContext, address: Address | None) -> None:
    if address is not None:
        assert locate(url, kind, api, ci) == address
    else:
        assert locate(url, kind, api, ci).path == "acme/team/manifests"


@pytest.mark.parametrize(
    ("url", "kind", "id"),
    [
        ("https://git.example/acme/manifests", None, "bad-config"),
        ("https://github.com/acme/manifests", "gitea", "bad-config"),
        ("https://github.com/acme", None, "bad-url"),
        ("https://github.com/acme/team/manifests", None, "bad-url"),
        ("https://gitlab.com/manifests", None, "bad-url"),
        ("https://gitlab.com/", None, "bad-url"),
        ("http://github.com/acme/manifests", None, "bad-url"),
        ("/srv/git/manifests.git", "github", "bad-url"),
    ],
)
def test_what_is_no_repository_of_a_forge(url: str, kind: str | None, id: str) -> None:
    with pytest.raises(InputError) as caught:
        locate(url, kind, None, NO_CI)
    assert caught.value.id == id


@given(st.text(max_size=60), st.sampled_from([None, "github", "gitlab", "none"]))
def test_any_text_is_an_address_or_an_error_of_ours(url: str, kind: str | None) -> None:
    with suppress(InputError):
        assert locate(url, kind, None, NO_CI).kind in ("github", "gitlab", "none")


def test_pages_around_a_repository() -> None:
    assert GITHUB.commit_url("abc") == "https://github.com/acme/manifests/commit/abc"
    assert GITHUB.compare_url("a", "b") == "https://github.com/acme/manifests/compare/a...b"
    assert GITLAB.commit_url("abc") == "https://gitlab.com/acme/team/manifests/-/commit/abc"
    assert GITLAB.compare_url("a", "b") == "https://gitlab.com/acme/team/manifests/-/compare/a...b"
    assert (GITLAB.server, GITLAB.owner) == ("https://gitlab.com", "acme")


def test_source_links_only_where_the_forge_is_known() -> None:
    assert source_links("https://github.com/acme/shop", NO_CI, "a", "b") == "https://github.com/acme/shop/compare/a...b"
    assert (
        source_links("https://ghe.example/acme/shop", ON_GHES, "a", "b")
        == "https://ghe.example/acme/shop/compare/a...b"
    )
    assert source_links("https://git.example/acme/shop", NO_CI, "a", "b") is None
    assert source_links("/srv/shop", NO_CI, "a", "b") is None


def test_without_a_token_the_variable_is_named() -> None:
    with pytest.raises(NotPermitted) as caught:
        forge_for(
            "https://gitlab.com/acme/manifests", None, None, None, NO_CI, environ={"GITHUB_TOKEN": "ghs_canary_1"}
        )
    assert caught.value.id == "no-token"
    assert "GITLAB_TOKEN" in str(caught.value.next)


def test_the_token_comes_from_the_environment_of_its_kind() -> None:
    environ = {"GITHUB_TOKEN": "ghs_canary_1", "GITLAB_TOKEN": "glpat-canary"}
    forge = forge_for("https://github.com/acme/manifests", None, None, None, NO_CI, environ=environ)
    assert forge.address == GITHUB
    assert forge.noun == "pull request"
    forge.shutdown()
    forge = forge_for("https://gitlab.com/acme/manifests", None, None, Secret("T", "glpat-canary"), NO_CI, environ={})
    assert forge.noun == "merge request"
    forge.shutdown()


def test_no_library_is_imported_before_a_forge_is_opened() -> None:
    program = (
        "import sys\n"
        "import pipelinegen.edge.forge, pipelinegen.edge.forge.propose, pipelinegen.edge.ci, pipelinegen.edge.http\n"
        "import pipelinegen.redact, pipelinegen.pull_request, pipelinegen.trailers\n"
        "heavy = {'requests', 'github', 'gitlab', 'urllib3', 'jinja2', 'subprocess', 'pydantic'}\n"
        "print(sorted(heavy.intersection(sys.modules)))\n"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"
