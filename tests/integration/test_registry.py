"""The registry client against a real registry, open, behind htpasswd and behind a token server; skopeo is the judge."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.http import Clock
from pipelinegen.edge.registry import Found, Missing, Registry, Tags, Unknown, pin, verify
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, Refused
from pipelinegen.images.reference import ImageReference
from tests.support.registry import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INSTALL,
    OCI_INDEX,
    OCI_MANIFEST,
    PASSWORD,
    REFRESH_TOKEN,
    USERNAME,
    Auth,
    RunningRegistry,
    Server,
    every_third,
    flaky,
    push_image,
    push_index,
    start_registry,
)

ABSENT = "sha256:" + "0" * 64
KINDS: list[Auth] = ["open", "htpasswd", "token"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Auth, RunningRegistry]]:
    """One registry of each kind; a test uses repositories of its own name."""
    started: dict[Auth, RunningRegistry] = {}
    with (
        start_registry(tmp_path_factory.mktemp("open"), "open") as started["open"],
        start_registry(tmp_path_factory.mktemp("htpasswd"), "htpasswd") as started["htpasswd"],
        start_registry(tmp_path_factory.mktemp("token"), "token") as started["token"],
    ):
        yield started


@pytest.fixture(params=KINDS)
def registry(request: pytest.FixtureRequest, running: dict[Auth, RunningRegistry]) -> RunningRegistry:
    return running[request.param]


@pytest.fixture
def open_registry(running: dict[Auth, RunningRegistry]) -> RunningRegistry:
    return running["open"]


@pytest.fixture
def token_registry(running: dict[Auth, RunningRegistry]) -> RunningRegistry:
    return running["token"]


class Desk:
    """A home folder and the clients that were opened with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"HOME": str(folder), "PATH": str(folder / "bin") + ":/usr/bin:/bin"}
        self.notes: list[str] = []
        self.waits: list[float] = []
        self.secrets: list[tuple[str, str]] = []
        self.opened: list[Registry] = []

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def log_in(self, registry: RunningRegistry) -> None:
        self.write(".docker/config.json", registry.docker_config())

    def client(self, host: str, **options: Clock) -> Registry:
        clock = options.get("clock") or Clock(sleep=self.waits.append, jitter=lambda: 0.1)
        client = Registry(
            [host],
            environ=self.environ,
            clock=clock,
            warn=self.notes.append,
            tell=self.notes.append,
            on_secret=lambda source, value: self.secrets.append((source, value)),
        )
        self.opened.append(client)
        return client


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    for client in desk.opened:
        client.close()


def image(
    registry: RunningRegistry | Server, path: str, tag: str | None = None, digest: str | None = None
) -> ImageReference:
    return ImageReference(registry.host, path, tag, digest)


# Is it there?


def test_an_image_is_found_by_its_tag_and_by_its_digest(desk: Desk, registry: RunningRegistry) -> None:
    digest = push_image(registry, "exists/api", "1.0.0")
    desk.log_in(registry)
    client = desk.client(registry.host)
    assert client.exists(image(registry, "exists/api", "1.0.0")) == Found(digest, OCI_MANIFEST)
    assert client.exists(image(registry, "exists/api", digest=digest)) == Found(digest, OCI_MANIFEST)


def test_what_is_not_there_is_missing(desk: Desk, registry: RunningRegistry) -> None:
    push_image(registry, "missing/api", "1.0.0")
    desk.log_in(registry)
    client = desk.client(registry.host)
    for reference in (image(registry, "missing/api", "1.0.1"), image(registry, "missing/api", digest=ABSENT)):
        found = client.exists(reference)
        assert isinstance(found, Missing)
        assert not found.repository
        assert "MANIFEST_UNKNOWN" in found.said
    repository = client.tags(image(registry, "missing/web"))
    assert isinstance(repository, Missing)
    assert repository.repository
    assert "NAME_UNKNOWN" in repository.said


def test_a_tag_is_asked_for_by_one_request_that_docker_hub_does_not_count(
    desk: Desk, open_registry: RunningRegistry
) -> None:
    digest = push_image(open_registry, "count/api", "1.0.0")
    with flaky(open_registry.host, lambda *_: None) as proxy:
        assert desk.client(proxy.host).exists(image(proxy, "count/api", "1.0.0")) == Found(digest, OCI_MANIFEST)
        assert proxy.asked() == ["HEAD /v2/count/api/manifests/1.0.0"]


@pytest.mark.parametrize(
    ("index", "single"), [(OCI_INDEX, OCI_MANIFEST), (DOCKER_LIST, DOCKER_MANIFEST)], ids=["oci", "docker"]
)
def test_the_platforms_of_an_image(desk: Desk, open_registry: RunningRegistry, index: str, single: str) -> None:
    name = f"platforms/{'oci' if index == OCI_INDEX else 'docker'}"
    platforms = ("linux/amd64", "linux/arm64", "linux/arm/v7")
    many, children = push_index(open_registry, name, "many", platforms, media_type=index, attested=True)
    one = push_image(open_registry, name, "one", platform="linux/arm/v7", media_type=single)
    client = desk.client(open_registry.host)
    assert client.inspect(image(open_registry, name, "many")) == Found(many, index, platforms)
    assert client.inspect(image(open_registry, name, "one")) == Found(one, single, ("linux/arm/v7",))
    child = children["linux/arm64"]
    assert client.inspect(image(open_registry, name, digest=child)) == Found(child, single, ("linux/arm64",))
    assert client.exists(image(open_registry, name, "many")) == Found(many, index)
    assert isinstance(client.inspect(image(open_registry, name, "none")), Missing)


@pytest.mark.skipif(shutil.which("skopeo") is None, reason=f"skopeo is not installed ({INSTALL})")
def test_skopeo_reads_the_same_digests_and_tags(desk: Desk, registry: RunningRegistry) -> None:
    push_image(registry, "judged/api", "single")
    push_index(registry, "judged/api", "several")
    desk.log_in(registry)
    login = ["--tls-verify=false", f"--creds={USERNAME}:{PASSWORD}"]

    def skopeo(*words: str) -> str:
        argv = ["skopeo", words[0], *login, *words[1:]]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout.strip()

    client = desk.client(registry.host)
    for tag in ("single", "several"):
        found = client.exists(image(registry, "judged/api", tag))
        judged = skopeo("inspect", "--format", "{{.Digest}}", f"docker://{registry.host}/judged/api:{tag}")
        assert isinstance(found, Found)
        assert found.digest == judged
    tags = client.tags(image(registry, "judged/api"))
    assert isinstance(tags, Tags)
    assert tags.complete
    assert sorted(tags.names) == sorted(json.loads(skopeo("list-tags", f"docker://{registry.host}/judged/api"))["Tags"])


# Who is asked for what, and shown what.


def test_every_way_to_give_the_credential(desk: Desk, running: dict[Auth, RunningRegistry]) -> None:
    registry = running["htpasswd"]
    digest = push_image(registry, "ways/api", "1.0.0")
    helper = desk.write("bin/docker-credential-tests", f"#!/bin/sh\ncat >/dev/null\ncat {desk.folder}/answer\n")
    helper.chmod(0o755)
    desk.write("answer", json.dumps({"Username": USERNAME, "Secret": PASSWORD}))
    ways: dict[str, dict[str, str]] = {
        "own variables": {"PIPELINEGEN_REGISTRY_USERNAME": USERNAME, "PIPELINEGEN_REGISTRY_PASSWORD": PASSWORD},
        "docker": {"DOCKER_CONFIG": str(desk.write("docker/config.json", registry.docker_config()).parent)},
        "podman": {"REGISTRY_AUTH_FILE": str(desk.write("podman.json", registry.docker_config()))},
        "variable": {"DOCKER_AUTH_CONFIG": registry.docker_config()},
        "helper": {"DOCKER_CONFIG": str(desk.write("h/config.json", '{"credsStore": "tests"}').parent)},
        "gitlab": {"CI_REGISTRY": registry.host, "CI_REGISTRY_USER": USERNAME, "CI_REGISTRY_PASSWORD": PASSWORD},
    }
    given = dict(desk.environ)
    for way, variables in ways.items():
        desk.environ = {**given, **variables}
        assert desk.client(registry.host).exists(image(registry, "ways/api", "1.0.0")) == Found(digest, OCI_MANIFEST), (
            way
        )
    assert desk.notes == []
    assert {value for _, value in desk.secrets} == {PASSWORD}


@pytest.mark.parametrize("kind", ["htpasswd", "token"])
def test_without_a_credential_nothing_is_known(desk: Desk, running: dict[Auth, RunningRegistry], kind: Auth) -> None:
    registry = running[kind]
    push_image(registry, "private/api", "1.0.0")
    found = desk.client(registry.host).exists(image(registry, "private/api", "1.0.0"))
    assert isinstance(found, Unknown)
    assert isinstance(found.error, NotPermitted)
    assert found.error.id == "no-token"
    assert f"docker login {registry.host}" in "\n".join(found.error.lines())
    assert "authentication required" in found.reason


@pytest.mark.parametrize("kind", ["htpasswd", "token"])
def test_a_wrong_password_is_told_with_its_source_and_without_itself(
    desk: Desk, running: dict[Auth, RunningRegistry], kind: Auth
) -> None:
    registry = running[kind]
    push_image(registry, "wrong/api", "1.0.0")
    desk.environ |= {"PIPELINEGEN_REGISTRY_USERNAME": USERNAME, "PIPELINEGEN_REGISTRY_PASSWORD": "wrong-canary"}
    found = desk.client(registry.host).exists(image(registry, "wrong/api", "1.0.0"))
    assert isinstance(found, Unknown)
    assert found.error.id == "bad-token"
    assert found.error.exit_code == 4
    message = "\n".join([*found.error.lines(), found.reason, repr(found)])
    assert "PIPELINEGEN_REGISTRY_USERNAME" in message
    assert "canary" not in message


def test_what_is_open_to_everyone_needs_no_credential(desk: Desk, token_registry: RunningRegistry) -> None:
    digest = push_image(token_registry, "public/api", "1.0.0")
    found = desk.client(token_registry.host).exists(image(token_registry, "public/api", "1.0.0"))
    assert found == Found(digest, OCI_MANIFEST)


def test_a_token_is_fetched_once_for_a_repository_and_again_when_it_has_expired(
    desk: Desk, token_registry: RunningRegistry
) -> None:
    for name in ("once/api", "once/web"):
        push_image(token_registry, name, "1.0.0")
    desk.log_in(token_registry)
    now = [1000.0]
    client = desk.client(token_registry.host, clock=Clock(monotonic=lambda: now[0]))
    assert token_registry.tokens is not None
    assert token_registry.tokens.server is not None
    server = token_registry.tokens.server
    before = len(server.requests)

    def ask(name: str) -> int:
        assert isinstance(client.exists(image(token_registry, name, "1.0.0")), Found)
        return len(server.requests) - before

    assert [ask("once/api"), ask("once/api"), ask("once/web"), ask("once/api")] == [1, 1, 2, 2]
    now[0] += token_registry.tokens.seconds + 1
    assert ask("once/api") == 3


def test_the_password_goes_to_the_token_server_and_not_to_the_registry(
    desk: Desk, token_registry: RunningRegistry
) -> None:
    push_image(token_registry, "apart/api", "1.0.0")
    with flaky(token_registry.host, lambda *_: None) as proxy:
        desk.environ |= {"PIPELINEGEN_REGISTRY_USERNAME": USERNAME, "PIPELINEGEN_REGISTRY_PASSWORD": PASSWORD}
        assert isinstance(desk.client(proxy.host).exists(image(proxy, "apart/api", "1.0.0")), Found)
        shown = [request.headers.get("Authorization", "") for request in proxy.requests]
    assert [header.partition(" ")[0] for header in shown] == ["", "Bearer"]
    assert token_registry.tokens is not None
    assert token_registry.tokens.server is not None
    query = token_registry.tokens.server.requests[-1].query
    assert query == {
        "kept": ["1"],
        "account": [USERNAME],
        "service": ["registry.tests"],
        "scope": ["repository:apart/api:pull"],
    }
    # The token itself is a secret as well, and is told before it is used.
    assert shown[1] in {f"Bearer {value}" for _, value in desk.secrets}


def test_an_identity_token_is_exchanged_by_post(desk: Desk, token_registry: RunningRegistry) -> None:
    digest = push_image(token_registry, "identity/api", "1.0.0")
    desk.write(".docker/config.json", json.dumps({"auths": {token_registry.host: {"identitytoken": REFRESH_TOKEN}}}))
    client = desk.client(token_registry.host)
    assert client.exists(image(token_registry, "identity/api", "1.0.0")) == Found(digest, OCI_MANIFEST)
    assert token_registry.tokens is not None
    assert token_registry.tokens.server is not None
    last = token_registry.tokens.server.requests[-1]
    assert last.method == "POST"
    assert REFRESH_TOKEN not in last.path


def test_a_wrong_identity_token_is_told(desk: Desk, token_registry: RunningRegistry) -> None:
    path = desk.write(
        ".docker/config.json", json.dumps({"auths": {token_registry.host: {"identitytoken": "stale-canary"}}})
    )
    found = desk.client(token_registry.host).exists(image(token_registry, "identity/api", "1.0.0"))
    assert isinstance(found, Unknown)
    assert found.error.id == "bad-token"
    assert str(path) in found.reason
    assert "incorrect username or password" in found.reason
    assert "canary" not in found.reason


def test_a_ready_token_of_the_file_is_shown_as_it_is(desk: Desk, token_registry: RunningRegistry) -> None:
    digest = push_image(token_registry, "ready/api", "1.0.0")
    assert token_registry.tokens is not None
    token = token_registry.tokens.issue(["repository:ready/api:pull"], USERNAME)
    desk.write(".docker/config.json", json.dumps({"auths": {token_registry.host: {"registrytoken": token}}}))
    client = desk.client(token_registry.host)
    assert client.exists(image(token_registry, "ready/api", "1.0.0")) == Found(digest, OCI_MANIFEST)


def test_two_credentials_for_two_namespaces_of_one_registry(desk: Desk, token_registry: RunningRegistry) -> None:
    digest = push_image(token_registry, "ours/api", "1.0.0")
    push_image(token_registry, "theirs/api", "1.0.0")
    host = token_registry.host
    ours = json.loads(token_registry.docker_config())["auths"][host]
    desk.write("podman.json", json.dumps({"auths": {f"{host}/ours": ours, f"{host}/theirs": {"auth": "bWU6d3Jvbmc="}}}))
    desk.environ["REGISTRY_AUTH_FILE"] = str(desk.folder / "podman.json")
    client = desk.client(host)
    assert client.exists(image(token_registry, "ours/api", "1.0.0")) == Found(digest, OCI_MANIFEST)
    assert isinstance(client.exists(image(token_registry, "theirs/api", "1.0.0")), Unknown)
    assert client.exists(image(token_registry, "ours/api", "1.0.0")) == Found(digest, OCI_MANIFEST)


# What a command makes of it.


def test_a_tag_with_its_digest_is_verified(desk: Desk, registry: RunningRegistry) -> None:
    digest = push_image(registry, "verified/api", "1.0.0")
    several, children = push_index(registry, "verified/api", "2.0.0")
    desk.log_in(registry)
    client = desk.client(registry.host)
    for tag, given in (("1.0.0", digest), ("2.0.0", several), ("2.0.0", children["linux/arm64"])):
        found = verify(image(registry, "verified/api", tag, given), client)
        assert isinstance(found, Found)
        assert found.digest == given
        assert pin(image(registry, "verified/api", tag, given), client) == given


def test_the_tag_gets_the_digest_of_all_its_platforms(desk: Desk, registry: RunningRegistry) -> None:
    several, _ = push_index(registry, "pinned/api", "2.0.0")
    desk.log_in(registry)
    assert pin(image(registry, "pinned/api", "2.0.0"), desk.client(registry.host)) == several


@pytest.mark.parametrize("elsewhere", [True, False], ids=["image of another tag", "image of no tag"])
def test_a_tag_that_holds_another_image_is_refused(desk: Desk, open_registry: RunningRegistry, elsewhere: bool) -> None:
    holds = push_image(open_registry, f"moved/{elsewhere}".lower(), "1.0.0")
    other = push_image(open_registry, f"moved/{elsewhere}".lower(), "1.0.1") if elsewhere else ABSENT
    with pytest.raises(Refused) as caught:
        verify(image(open_registry, f"moved/{elsewhere}".lower(), "1.0.0", other), desk.client(open_registry.host))
    assert caught.value.id == "tag-holds-other-content"
    message = "\n".join(caught.value.lines())
    assert holds in message
    assert other in message
    assert ("is in the repository" in message) == elsewhere


def test_a_digest_by_another_algorithm_of_the_same_image_is_verified(
    desk: Desk, open_registry: RunningRegistry
) -> None:
    push_image(open_registry, "sha512/api", "1.0.0")
    client = desk.client(open_registry.host)
    manifest = client.manifest(image(open_registry, "sha512/api", "1.0.0"))
    assert not isinstance(manifest, Missing)
    longer = manifest.digest_by("sha512")
    assert verify(image(open_registry, "sha512/api", "1.0.0", longer), client) == Found(longer, OCI_MANIFEST)


def test_a_missing_tag_is_an_error_of_the_input_with_the_nearest_tags(desk: Desk, registry: RunningRegistry) -> None:
    for tag in ("v1.4.0", "v1.4.1", "edge", "v1.4.2"):
        push_image(registry, "near/api", tag)
    desk.log_in(registry)
    for ask in (verify, pin):
        with pytest.raises(InputError) as caught:
            ask(image(registry, "near/api", "1.4.2"), desk.client(registry.host))
        assert caught.value.id == "bad-tag"
        assert caught.value.where == f"{registry.host}/near/api:1.4.2"
        assert caught.value.details[0].startswith("nearest tags: v1.4.2, ")
        assert "edge" not in caught.value.details[0]


def test_a_missing_digest_names_no_tags(desk: Desk, open_registry: RunningRegistry) -> None:
    push_image(open_registry, "digest/api", "1.0.0")
    with pytest.raises(InputError) as caught:
        verify(image(open_registry, "digest/api", digest=ABSENT), desk.client(open_registry.host))
    assert caught.value.id == "bad-image"
    assert not any("tags" in line for line in caught.value.details)


def test_a_missing_tag_far_from_all_others_shows_some(desk: Desk, open_registry: RunningRegistry) -> None:
    push_image(open_registry, "far/api", "nightly")
    with pytest.raises(InputError) as caught:
        verify(image(open_registry, "far/api", "1.0"), desk.client(open_registry.host))
    assert caught.value.details[0] == "tags: nightly"


def test_what_is_not_known_is_a_note_for_verify_and_an_error_for_pin(
    desk: Desk, running: dict[Auth, RunningRegistry]
) -> None:
    registry = running["htpasswd"]
    reference = image(registry, "private/api", "1.0.0")
    client = desk.client(registry.host)
    assert isinstance(verify(reference, client), Unknown)
    assert isinstance(verify(reference._replace(digest=ABSENT), client), Unknown)
    with pytest.raises(NotPermitted):
        pin(reference, client)


# Faults on the way.


@pytest.mark.parametrize("kind", KINDS)
def test_through_a_proxy_that_fails_every_third_request_all_is_right(
    desk: Desk, running: dict[Auth, RunningRegistry], kind: Auth
) -> None:
    registry = running[kind]
    digests = {tag: push_image(registry, "flaky/api", tag) for tag in ("1", "2", "3", "4", "5")}
    with flaky(registry.host, every_third) as proxy:
        desk.environ |= {"PIPELINEGEN_REGISTRY_USERNAME": USERNAME, "PIPELINEGEN_REGISTRY_PASSWORD": PASSWORD}
        for _ in range(5):
            client = desk.client(proxy.host)
            for tag, digest in digests.items():
                assert client.exists(image(proxy, "flaky/api", tag)) == Found(digest, OCI_MANIFEST)
                assert isinstance(client.inspect(image(proxy, "flaky/api", "absent")), Missing)
            tags = client.tags(image(proxy, "flaky/api"))
            assert isinstance(tags, Tags)
            assert sorted(tags.names) == sorted(digests)
    assert desk.waits, "the proxy failed nothing"


def test_a_registry_that_is_not_there_is_waited_for_once(desk: Desk, open_registry: RunningRegistry) -> None:
    with flaky(open_registry.host, lambda *_: None) as proxy:
        gone = proxy.host
    client = desk.client(gone)
    reference = ImageReference(gone, "gone/api", "1.0.0")
    first = client.exists(reference)
    waits = list(desk.waits)
    second = client.exists(reference._replace(path="gone/web"))
    assert isinstance(first, Unknown)
    assert isinstance(second, Unknown)
    assert (first.error.id, first.error.exit_code) == ("net", 3)
    assert len(waits) == 3
    assert desk.waits == waits, "the second image waited again"
    with pytest.raises(PipelinegenError):
        pin(reference, client)
