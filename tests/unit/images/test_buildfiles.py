"""What bake and compose files say of images. The texts are those that buildx 0.20 and compose 2.32 print."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelinegen.config.images import Image
from pipelinegen.images.buildfiles import Target, Unfit, bake_targets, compose_services, unfit_references

BAKED: dict[str, Any] = {
    "attest": [{"mode": "max", "type": "provenance"}],
    "context": "services/api",
    "contexts": {"alpine": "docker-image://alpine:3.20", "base": "target:base", "docs": "docs"},
    "dockerfile": "build/Dockerfile",
    "args": {"GO": "1.22", "FROM_ENV": None},
    "labels": {"team": "a b"},
    "tags": ["ghcr.io/acme/api:v1.2", "ghcr.io/acme/api:latest", "quay.io/acme/api:v1.2"],
    "cache-from": [{"ref": "ghcr.io/acme/api:cache", "type": "registry"}],
    "cache-to": [{"mode": "max", "ref": "ghcr.io/acme/api:cache", "type": "registry"}],
    "target": "prod",
    "secret": [{"id": "npm", "env": "NPM_TOKEN"}, {"id": "key", "src": "key.pem"}],
    "ssh": [{"id": "default"}, {"id": "key", "paths": ["/run/agent"]}],
    "platforms": ["linux/amd64", "linux/arm64"],
    "output": [{"type": "registry"}],
}
# As older versions print them.
BAKED_AS_TEXTS = {
    **BAKED,
    "attest": ["type=provenance,mode=max"],
    "cache-from": ["type=registry,ref=ghcr.io/acme/api:cache"],
    "cache-to": ["type=registry,mode=max,ref=ghcr.io/acme/api:cache"],
    "secret": ["id=npm,env=NPM_TOKEN", "id=key,src=key.pem"],
    "ssh": ["default", "key=/run/agent"],
}
COMPOSED: dict[str, Any] = {
    "name": "shop",
    "services": {
        "api": {
            "build": {
                "context": "/repo/services/api",
                "dockerfile": "build/Dockerfile",
                "args": {"GO": "1.22", "TOKEN_FILE": None, "DEBUG": True},
                "ssh": ["default"],
                "labels": {"team": "a b"},
                "cache_from": ["type=registry,ref=ghcr.io/acme/api:cache"],
                "additional_contexts": {"base": "service:base", "docs": "/repo/docs", "x": "docker-image://alpine:3"},
                "target": "prod",
                "secrets": [{"source": "npm"}, {"source": "key", "target": "k"}],
                "tags": ["quay.io/acme/api:x"],
                "platforms": ["linux/amd64"],
            },
            "image": "ghcr.io/acme/api:dev",
        },
        "base": {"build": {"context": "/repo/base", "dockerfile": "Dockerfile"}, "image": "ghcr.io/acme/base"},
        "db": {"image": "postgres:16"},
    },
    "secrets": {"npm": {"environment": "NPM_TOKEN"}, "key": {"file": "/repo/key.pem"}},
}


def bake(target: dict[str, Any], name: str = "api") -> Target:
    (found,) = bake_targets({"target": {name: target}}, "/repo")
    return found


@pytest.mark.parametrize("target", [BAKED, BAKED_AS_TEXTS], ids=["objects", "texts"])
def test_a_target_of_bake(target: dict[str, Any]) -> None:
    found = bake(target)
    assert found.keys == {
        "context": "services/api",
        "dockerfile": "build/Dockerfile",
        "target": "prod",
        "contexts": {"alpine": "docker-image://alpine:3.20", "base": "target:base", "docs": "docs"},
        "build-args": {"GO": "1.22"},
        "labels": {"team": "a b"},
        "platforms": ["linux/amd64", "linux/arm64"],
        "secrets": ["id=npm,env=NPM_TOKEN", "id=key,src=key.pem"],
        "ssh": ["default", "key=/run/agent"],
        "attest": ["type=provenance,mode=max"],
        "cache": {
            "from": ["type=registry,ref=ghcr.io/acme/api:cache"],
            "to": ["type=registry,mode=max,ref=ghcr.io/acme/api:cache"],
        },
    }
    assert found.repositories == ("ghcr.io/acme/api", "quay.io/acme/api")
    assert found.tags == ("type=raw,value=v1.2", "type=raw,value=latest")


def test_services_of_compose_that_are_built() -> None:
    api, base = compose_services(COMPOSED, "/repo")
    assert api.keys == {
        "context": "services/api",
        "dockerfile": "build/Dockerfile",
        "target": "prod",
        "contexts": {"base": "target:base", "docs": "docs", "x": "docker-image://alpine:3"},
        "build-args": {"GO": "1.22", "DEBUG": "true"},
        "labels": {"team": "a b"},
        "platforms": ["linux/amd64"],
        "secrets": ["id=npm,env=NPM_TOKEN", "id=k,src=/repo/key.pem"],
        "ssh": ["default"],
        "cache": {"from": ["type=registry,ref=ghcr.io/acme/api:cache"]},
    }
    assert (api.repositories, api.tags) == (
        ("ghcr.io/acme/api", "quay.io/acme/api"),
        ("type=raw,value=dev", "type=raw,value=x"),
    )
    assert base == Target("base", {"context": "base", "dockerfile": "Dockerfile"}, ("ghcr.io/acme/base",))


def test_another_service_as_older_versions_print_it() -> None:
    build = {"context": "/repo", "additional_contexts": {"base": "/repo/service:base"}}
    (found,) = compose_services({"services": {"api": {"build": build}}}, "/repo")
    assert found.keys["contexts"] == {"base": "target:base"}


def test_all_that_is_read_fits_the_configuration() -> None:
    for target in (bake(BAKED), *compose_services(COMPOSED, "/repo")):
        Image.model_validate_json(json.dumps({"repository": target.repositories[0], **target.keys}))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"context": "https://github.com/a/b.git"}, "not a folder here"),
        ({"context": "git@github.com:a/b.git"}, "not a folder here"),
        ({"context": "../other"}, "outside of the repository"),
        ({"context": "/etc"}, "outside of the repository"),
        ({"contexts": {"x": "../x"}}, "a context of api is outside"),
        ({"dockerfile-inline": "FROM scratch"}, "has its Dockerfile inside"),
    ],
)
def test_what_cannot_be_followed_is_said(target: dict[str, Any], said: str) -> None:
    with pytest.raises(Unfit, match=said):
        bake(target)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        ({"context": ".", "dockerfile_inline": "FROM scratch"}, "has its Dockerfile inside"),
        ({"context": ".", "secrets": [{"source": "gone"}]}, "the secret gone of api is not defined"),
        ({"context": ".", "secrets": [{"source": "odd"}]}, "neither a variable nor a file"),
        ({"context": "/elsewhere"}, "outside of the repository"),
    ],
)
def test_what_of_a_service_cannot_be_followed_is_said(build: dict[str, Any], said: str) -> None:
    printed = {"services": {"api": {"build": build}}, "secrets": {"odd": {"external": True}}}
    with pytest.raises(Unfit, match=said):
        compose_services(printed, "/repo")


@pytest.mark.parametrize("printed", [{}, {"target": {}}, {"target": None}])
def test_nothing_is_nothing(printed: dict[str, Any]) -> None:
    assert bake_targets(printed, "/repo") == []
    assert compose_services({**printed, "services": None}, "/repo") == []


def test_names_that_are_none_are_told() -> None:
    assert unfit_references(["ghcr.io/acme/api:1", "UPPER"]) is not None
    assert unfit_references(["ghcr.io/acme/api:1"]) is None
