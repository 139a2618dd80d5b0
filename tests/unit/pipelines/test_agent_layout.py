"""Where overlays lie, and what objects are called: whatever the configuration's rules let through."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.config import rules
from pipelinegen.pipelines.agents.layout import layout_of
from pipelinegen.pipelines.agents.names import LONGEST, dns_label, dns_labels, namespace
from pipelinegen.pipelines.agents.place import place_of
from pipelinegen.pipelines.application import Repository
from tests.support.applications import PRODUCTION, STAGING, shop

LABEL = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST - 2}}}[a-z0-9])?")


@pytest.mark.parametrize(
    ("staging", "production", "folders"),
    [
        (
            ["apps/*/overlays/staging/**"],
            ["apps/*/overlays/production/**"],
            ["apps/shop/overlays/staging", "apps/shop/overlays/production"],
        ),
        (["staging"], ["production"], ["apps/shop/overlays/staging", "apps/shop/overlays/production"]),
        (["**/staging/**"], ["**/production/*"], ["apps/shop/overlays/staging", "apps/shop/overlays/production"]),
        (["envs/staging/**"], ["envs/production/**"], ["envs/staging", "envs/production"]),
        (["envs/stage/*/**"], ["envs/prod/*/**"], ["envs/stage/shop", "envs/prod/shop"]),
        (["stage/kustomization.yaml"], ["prod/*.yaml"], ["stage", "prod"]),
        (["charts/x.yaml", "k8s/stage/"], ["!a", "k8s/prod/"], ["k8s/stage", "k8s/prod"]),
        (["clusters/eu/**"], ["clusters/us/**"], ["clusters/eu/shop", "clusters/us/shop"]),
        (["argocd/**"], ["checks/**"], ["argocd/shop", "checks/shop"]),
    ],
    ids=["as in the demo", "names", "any depth", "folders", "by project", "files", "several", "clusters", "ours"],
)
def test_an_overlay_lies_where_the_paths_look_for_it(
    staging: list[str], production: list[str], folders: list[str]
) -> None:
    environments = (replace(STAGING, paths=tuple(staging)), replace(PRODUCTION, paths=tuple(production)))
    layout = layout_of(replace(shop(), environments=environments))
    assert [(overlay.folder, overlay.selected) for overlay in layout.overlays] == [(folder, True) for folder in folders]


@pytest.mark.parametrize(
    ("staging", "production"),
    [
        (["**"], ["**"]),
        (["apps/**"], ["apps/**"]),
        (["{env}/stage?/**"], ["$(touch x)/**"]),
        (["charts/*/values-staging.yaml", "!**"], [".hidden/**"]),
        (["k8s/base/**"], ["a b/**"]),
        (["apps/shop/overlays/production/**", "!**/*.yaml"], ["'x'/[ab]/**"]),
    ],
    ids=["everything", "the same", "marks", "taken out", "a base", "hostile"],
)
def test_where_no_pattern_selects_an_overlay_it_lies_at_the_usual_place(
    staging: list[str], production: list[str]
) -> None:
    environments = (replace(STAGING, paths=tuple(staging)), replace(PRODUCTION, paths=tuple(production)))
    layout = layout_of(replace(shop(), environments=environments))
    assert [(overlay.folder, overlay.selected) for overlay in layout.overlays] == [
        ("apps/shop/overlays/staging", False),
        ("apps/shop/overlays/production", False),
    ]


def test_no_two_environments_share_a_folder() -> None:
    """The first one's patterns mean the usual place of the second."""
    first = replace(STAGING, paths=("apps/shop/overlays/production/**",))
    layout = layout_of(replace(shop(), environments=(first, replace(PRODUCTION, paths=("nowhere?/**",)))))
    assert [overlay.folder for overlay in layout.overlays] == [
        "apps/shop/overlays/production",
        "environments/production",
    ]


@pytest.mark.parametrize(
    ("folders", "base", "way"),
    [
        (("apps/shop/overlays/staging", "apps/shop/overlays/production"), "apps/shop/base", "../../base"),
        (("a/overlays/s", "a/overlays/p"), "a/base", "../../base"),
        (("s", "p"), "apps/shop/base", "../apps/shop/base"),
        (("a/overlays/s", "b/overlays/p"), "apps/shop/base", "../../../apps/shop/base"),
    ],
    ids=["usual", "beside overlays", "at the top", "two places"],
)
def test_the_base_lies_beside_the_overlays(folders: tuple[str, str], base: str, way: str) -> None:
    environments = tuple(
        replace(each, paths=(f"{folder}/**",)) for each, folder in zip((STAGING, PRODUCTION), folders, strict=True)
    )
    layout = layout_of(replace(shop(), environments=environments))
    assert (layout.base, layout.overlays[0].base) == (base, way)


NAMES = st.from_regex(rf"\A{rules.NAME}\Z").filter(lambda name: rules.name_problem(name) is None)


@given(NAMES)
def test_any_name_becomes_a_label_and_a_label_stays(name: str) -> None:
    label = dns_label(name)
    assert LABEL.fullmatch(label)
    assert dns_label(label) == label
    if LABEL.fullmatch(name):
        assert label == name


@given(st.lists(NAMES, unique=True, max_size=8))
def test_no_two_names_become_one_label(names: list[str]) -> None:
    labels = dns_labels(names)
    assert len(set(labels.values())) == len(names)
    assert all(LABEL.fullmatch(label) for label in labels.values())


def test_a_namespace_stays_as_long_as_a_cluster_takes_it() -> None:
    assert namespace("n" * 63) == "n" * 63
    assert dns_label("a--b") == "a--b"
    assert re.fullmatch("my-app-[0-9a-f]{8}", namespace("My_app"))


def test_names_that_differ_only_in_case_are_told_apart() -> None:
    labels = dns_labels(["api", "API", "a.p.i"])
    assert labels["api"] == "api"
    assert len(set(labels.values())) == 3
    assert labels["API"].startswith("api-")
    before = dns_labels([labels["API"], "api", "API"])
    assert len(set(before.values())) == 3


@pytest.mark.parametrize(
    ("repository", "url", "page", "api"),
    [
        (
            Repository("https://github.com/acme/manifests", "github", "github.com", "acme/manifests", None),
            "https://github.com/acme/manifests.git",
            "https://github.com/acme/manifests",
            "https://api.github.com",
        ),
        (
            Repository("git@github.acme.example:acme/m.git", "github", "github.acme.example", "acme/m", "main"),
            "https://github.acme.example/acme/m.git",
            "https://github.acme.example/acme/m",
            "https://github.acme.example/api/v3",
        ),
        (
            Repository("https://gitlab.com/a/b/c", "gitlab", "gitlab.com", "a/b/c", None),
            "https://gitlab.com/a/b/c.git",
            "https://gitlab.com/a/b/c",
            "https://gitlab.com/api/v4",
        ),
        (
            Repository("http://127.0.0.1:3000/a/{{b}}", "gitlab", "127.0.0.1:3000", "a/{{b}}", None),
            "http://127.0.0.1:3000/a/%7B%7Bb%7D%7D.git",
            "http://127.0.0.1:3000/a/%7B%7Bb%7D%7D",
            "http://127.0.0.1:3000/api/v4",
        ),
        (
            Repository("ssh://git@git.example/m", "none", "git.example", "m", None),
            "ssh://git@git.example/m",
            "ssh://git@git.example/m",
            "",
        ),
    ],
    ids=["github.com", "GitHub of one's own, by ssh", "gitlab.com", "marks of templates", "no forge"],
)
def test_how_an_agent_reaches_the_repository(repository: Repository, url: str, page: str, api: str) -> None:
    place = place_of(repository)
    assert (place.url, place.page, place.api) == (url, page, api)
    assert place.over_ssh == (repository.forge == "none")
