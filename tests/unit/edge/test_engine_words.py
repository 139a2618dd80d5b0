"""The command lines of builds, held to what each engine's documentation says it takes."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from pipelinegen.edge.engines.arguments import read_secrets
from pipelinegen.edge.engines.buildx import Buildx
from pipelinegen.edge.engines.docker import Docker
from pipelinegen.edge.engines.podman import build_words, lacks
from pipelinegen.edge.engines.port import BuildRequest, Setup
from pipelinegen.errors import InputError

ENVIRON = {"NPM": "hunter22", "PATH": "/nowhere"}
EVERYTHING = BuildRequest(
    "api",
    Path("ctx"),
    root=Path("/app"),
    target="run",
    build_args={"V": "1"},
    secrets=("id=npm,env=NPM",),
    ssh=("default",),
    labels={"l": "1"},
    annotations={"a": "b"},
    cache_from=("ghcr.io/acme/api:cache", "type=gha"),
    cache_to=("type=registry,ref=ghcr.io/acme/api:cache,mode=max", "type=local,dest=c"),
    contexts={"base": "docker-image://alpine:3"},
    created=datetime(2024, 1, 1, tzinfo=timezone.utc),
)
COMMON = [
    "--file=/app/ctx/Dockerfile",
    "--target=run",
    "--build-arg=V=1",
    "--label=l=1",
    "--ssh=default",
]


def words_of(engine: Docker, request: BuildRequest, said: list[str] | None = None) -> list[str]:
    secrets = read_secrets(request, ENVIRON)
    return engine.build_words(request, secrets, (said if said is not None else []).append)


def docker(*, buildkit: bool, plugin: bool) -> Docker:
    engine = Docker(Setup(environ=ENVIRON))
    engine._buildkit, engine._plugin = buildkit, plugin
    return engine


def test_the_classic_builder_gets_what_it_knows_and_the_rest_is_said() -> None:
    said: list[str] = []
    request = BuildRequest(
        "api", Path("ctx"), root=Path("/app"), cache_from=EVERYTHING.cache_from, cache_to=("type=gha",)
    )
    assert words_of(docker(buildkit=False, plugin=False), request, said) == [
        "--file=/app/ctx/Dockerfile",
        "--cache-from=ghcr.io/acme/api:cache",
        "/app/ctx",
    ]
    assert said == ["the cache type=gha is not used: only buildx with a builder of its own can"] * 2


def test_dockers_own_buildkit_loads_into_the_daemon() -> None:
    assert words_of(docker(buildkit=True, plugin=True), EVERYTHING) == [
        *COMMON,
        "--cache-from=ghcr.io/acme/api:cache",
        "--load",
        "--build-context=base=docker-image://alpine:3",
        "--build-arg=SOURCE_DATE_EPOCH=1704067200",
        "--progress=plain",
        "--secret=id=npm,env=NPM",
        "/app/ctx",
    ]


def test_buildx_gets_everything() -> None:
    assert words_of(Buildx(Setup(environ=ENVIRON)), EVERYTHING) == [
        *COMMON,
        "--build-context=base=docker-image://alpine:3",
        "--cache-from=ghcr.io/acme/api:cache",
        "--cache-from=type=gha",
        "--cache-to=type=registry,ref=ghcr.io/acme/api:cache,mode=max",
        "--cache-to=type=local,dest=c",
        "--secret=id=npm,env=NPM",
        "--build-arg=SOURCE_DATE_EPOCH=1704067200",
        "--progress=plain",
        "/app/ctx",
    ]


def test_podman_and_buildah_keep_caches_in_repositories() -> None:
    said: list[str] = []
    assert build_words(EVERYTHING, read_secrets(EVERYTHING, ENVIRON), said.append) == [
        "--format=oci",
        "--layers",
        *COMMON,
        "--build-context=base=docker-image://alpine:3",
        "--cache-from=ghcr.io/acme/api",
        "--cache-to=ghcr.io/acme/api",
        "--secret=id=npm,env=NPM",
        "--timestamp=1704067200",
        "/app/ctx",
    ]
    assert [text.split()[2] for text in said] == ["type=gha", "type=local,dest=c"]


@pytest.mark.parametrize(
    ("buildkit", "plugin", "change", "lacking"),
    [
        (False, False, {}, None),
        (False, False, {"secrets": ("id=x",)}, "build secrets"),
        (False, False, {"ssh": ("default",)}, "build secrets and ssh"),
        (True, False, {"secrets": ("id=x",), "ssh": ("default",)}, None),
        (True, False, {"contexts": {"a": "b"}}, "named contexts"),
        (True, True, {"contexts": {"a": "b"}}, None),
        (True, True, {"platforms": ("linux/amd64",)}, None),
        (True, True, {"platforms": ("linux/amd64", "linux/arm64")}, "several platforms"),
        (True, True, {"attest": ("type=sbom",)}, "attestations"),
        # A cache that cannot be used makes a build slow, not wrong.
        (False, False, {"cache_to": ("type=gha",)}, None),
    ],
)
def test_what_docker_lacks(buildkit: bool, plugin: bool, change: dict[str, object], lacking: str | None) -> None:
    request = BuildRequest("api", Path("ctx"), **change)  # type: ignore[arg-type]
    said = docker(buildkit=buildkit, plugin=plugin).lacks(request)
    assert said is None if lacking is None else said is not None and said.startswith(lacking)


def test_what_podman_and_buildah_lack_and_buildx_does_not() -> None:
    many = BuildRequest("api", Path("ctx"), platforms=("linux/amd64", "linux/arm64"))
    attested = BuildRequest("api", Path("ctx"), attest=("type=sbom",))
    assert lacks(many) == "several platforms in one image"
    assert lacks(attested) == "attestations"
    assert lacks(EVERYTHING) is None
    assert Buildx(Setup(environ=ENVIRON)).lacks(many) is None


def test_what_an_engine_lacks_stops_it_before_it_begins(tmp_path: Path) -> None:
    request = BuildRequest("api", Path("ctx"), platforms=("linux/amd64", "linux/arm64"))
    with docker(buildkit=True, plugin=True) as engine, pytest.raises(InputError) as told:
        engine.build(request, tmp_path / "layout")
    assert told.value.id == "engine-lacks"
    assert "several platforms" in told.value.what
    assert "docker buildx create --use" in str(told.value.next)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("type=gha", {"ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL"}),
        ("type=s3,bucket=x", {"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"}),
        ("ghcr.io/acme/api:cache", set()),
    ],
)
def test_a_build_gets_the_variables_of_the_caches_that_it_names_alone(kind: str, names: set[str]) -> None:
    request = BuildRequest("api", Path("ctx"), cache_from=(kind,))
    found = set(Buildx(Setup(environ=ENVIRON)).build_variables(request))
    assert names <= found
    assert bool(names) == bool(found)
