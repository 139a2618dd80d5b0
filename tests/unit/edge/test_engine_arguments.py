from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipelinegen.edge.engines import arguments
from pipelinegen.edge.engines.port import BuildRequest
from pipelinegen.errors import InputError


def request(root: Path = Path("/app"), **values: object) -> BuildRequest:
    return BuildRequest("api", Path("services/api"), root=root, **values)  # type: ignore[arg-type]


def test_paths_start_at_the_root_and_a_dockerfile_is_found_in_the_context() -> None:
    assert arguments.context_of(request()) == Path("/app/services/api")
    assert arguments.dockerfile_of(request()) == Path("/app/services/api/Dockerfile")
    assert arguments.dockerfile_of(request(dockerfile=Path("docker/../api.Dockerfile"))) == Path("/app/api.Dockerfile")
    assert arguments.dockerfile_of(request(dockerfile=Path("/other/Dockerfile"))) == Path("/other/Dockerfile")


def test_what_every_engine_spells_alike() -> None:
    words = arguments.common(
        request(
            target="run",
            platforms=("linux/amd64", "linux/arm64"),
            build_args={"V": "1 $x", "EMPTY": ""},
            labels={"a.b": "c=d"},
            ssh=("default", "x=key"),
            no_cache=True,
        )
    )
    assert words == [
        "--file=/app/services/api/Dockerfile",
        "--target=run",
        "--platform=linux/amd64,linux/arm64",
        "--build-arg=V=1 $x",
        "--build-arg=EMPTY=",
        "--label=a.b=c=d",
        "--ssh=default",
        "--ssh=x=key",
        "--no-cache",
    ]


def test_a_build_argument_that_looks_like_a_secret_is_kept_out_of_the_command_line() -> None:
    build_args = {"NPM_TOKEN": "s3cret-value", "DOCKER_AUTH_CONFIG": "x", "V": "1"}
    assert [word for word in arguments.common(request(build_args=build_args)) if "build-arg" in word] == [
        "--build-arg=NPM_TOKEN",
        "--build-arg=DOCKER_AUTH_CONFIG=x",
        "--build-arg=V=1",
    ]
    # A variable that the engine itself would read keeps its place in the command line.
    assert arguments.hidden(build_args) == {"NPM_TOKEN": "s3cret-value"}


@pytest.mark.parametrize(
    ("name", "value", "warned"),
    [
        ("NPM_TOKEN", "abc", True),
        ("password", "abc", True),
        ("DB_PASSWD", "abc", True),
        ("API_KEY", "abc", True),
        ("APIKEY", "abc", True),
        ("AWS_SECRET_ACCESS_KEY", "abc", True),
        ("BASIC_AUTH", "abc", True),
        ("HARMLESS", "ghp_" + "a" * 36, True),
        ("HARMLESS", "AKIA" + "A" * 16, True),
        ("HARMLESS", "-----BEGIN OPENSSH PRIVATE KEY-----", True),
        ("NPM_TOKEN", "", False),
        ("TOKEN_URL", "https://example.com", False),
        ("PUBLIC_KEY", "abc", False),
        ("SECRET_FILE", "/run/x", False),
        ("KEYCLOAK_VERSION", "1", False),
        ("AUTHOR", "me", False),
        ("MONKEY", "x", False),
        ("VERSION", "1.2.3", False),
    ],
)
def test_secrets_in_build_arguments_are_warned_about_without_their_value(name: str, value: str, warned: bool) -> None:
    found = list(arguments.secret_looking({name: value}))
    assert len(found) == warned
    assert all(name in text and "secrets: [id=" in text for text in found)
    assert not value or all(value not in text for text in found)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("id=npm,env=NPM", "id=npm,env=NPM"),
        ("id=npm,type=env,env=NPM", "id=npm,env=NPM"),
        ("type=env,id=NPM", "id=NPM,env=NPM"),
        ("id=NPM", "id=NPM,env=NPM"),
        ("id=key,src=key.pem", "id=key,src={root}/key.pem"),
        ("id=key,type=file,src=./key.pem", "id=key,src={root}/key.pem"),
        ("id=key.pem", "id=key.pem,src={root}/key.pem"),
        ('id=key,"src=a,b"', 'id=key,"src={root}/a,b"'),
    ],
)
def test_secrets_are_spelled_as_buildx_reads_them(tmp_path: Path, text: str, spelled: str) -> None:
    for name in ("key.pem", "a,b"):
        (tmp_path / name).write_text("x")
    (secret,) = arguments.read_secrets(request(tmp_path, secrets=(text,)), {"NPM": "hunter22"})
    assert secret.spelled() == spelled.format(root=tmp_path)
    assert "hunter22" not in repr(secret)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id=npm,env=NPM_TOKEN", "comes from the variable NPM_TOKEN, which is not set"),
        ("id=npm,env=EMPTY", "comes from the variable EMPTY, which is not set"),
        ("id=key,src=gone.pem", "comes from a file that is not there or cannot be read"),
        ("id=gone", "comes from a file that is not there"),
    ],
)
def test_a_secret_that_is_not_there_stops_the_build_before_it_begins(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        arguments.read_secrets(request(tmp_path, secrets=(text,)), {"EMPTY": ""})
    assert error.value.id == "bad-secret"


def test_named_contexts_that_are_folders_start_at_the_root() -> None:
    contexts = {"lib": "libs/x", "up": "../y", "base": "docker-image://alpine:3", "built": "oci-layout://out@sha256:1"}
    assert arguments.contexts(request(contexts=contexts)) == [
        "--build-context=lib=/app/libs/x",
        "--build-context=up=/y",
        "--build-context=base=docker-image://alpine:3",
        "--build-context=built=oci-layout://out@sha256:1",
    ]


def test_a_time_without_a_zone_is_utc() -> None:
    assert arguments.epoch(request()) is None
    assert arguments.epoch(request(created=datetime(2024, 1, 1))) == 1704067200
    zone = timezone(timedelta(hours=1))
    assert arguments.epoch(request(created=datetime(2024, 1, 1, 1, tzinfo=zone))) == 1704067200


def test_caches_are_images_in_a_registry_or_something_else() -> None:
    caches = ["ghcr.io/a/b:cache", "type=registry,ref=ghcr.io/a/c:x,mode=max", "type=gha,scope=x", "type=local,src=c"]
    assert arguments.registry_caches(caches) == (
        ["ghcr.io/a/b:cache", "ghcr.io/a/c:x"],
        ["type=gha,scope=x", "type=local,src=c"],
    )
    both = request(cache_from=("ghcr.io/a/b:cache",), cache_to=("type=gha",))
    assert arguments.cache_types(both) == {"registry", "gha"}
