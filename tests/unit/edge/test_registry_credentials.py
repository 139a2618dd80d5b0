from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelinegen.edge.registry.authfile import Credential, parse_auth_file, prefixes
from pipelinegen.edge.registry.credentials import Keyring
from pipelinegen.errors import InputError

HUB = "https://index.docker.io/v1/"


def entry(username: str, password: str = "pass") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


class Desk:
    """A home folder with the files of the container tools, and what a keyring over them says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"HOME": str(folder / "home"), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
        self.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
        self.warnings: list[str] = []
        self.secrets: list[str] = []

    def write(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def program(self, name: str, script: str) -> None:
        path = self.write(f"bin/docker-credential-{name}", "#!/bin/sh\n" + script)
        path.chmod(0o755)

    def keyring(self, *registries: str) -> Keyring:
        return Keyring(
            self.environ, registries, warn=self.warnings.append, on_secret=lambda _, secret: self.secrets.append(secret)
        )

    def find(self, registry: str, path: str = "acme/api") -> Credential | None:
        return self.keyring(registry).find(registry, path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_nothing_anywhere_is_anonymous_without_a_word(desk: Desk) -> None:
    assert desk.find("ghcr.io") is None
    assert desk.warnings == []


def test_without_a_home_folder_nothing_is_looked_up_there(desk: Desk) -> None:
    del desk.environ["HOME"]
    assert desk.find("ghcr.io") is None


# Which entry of a file is meant.

KEYS: Mapping[str, tuple[str, str, list[str], str | None]] = {
    # name: (registry, path, keys of the file, the key that counts)
    "the registry": ("ghcr.io", "acme/api", ["quay.io", "ghcr.io"], "ghcr.io"),
    "another registry": ("ghcr.io", "acme/api", ["quay.io"], None),
    "a registry that only begins alike": ("ghcr.io", "acme/api", ["ghcr.io.evil.test", "ghcr"], None),
    "the port counts": ("r.test:5000", "api", ["r.test", "r.test:5001"], None),
    "with its port": ("r.test:5000", "api", ["r.test", "r.test:5000"], "r.test:5000"),
    "the repository before all": (
        "ghcr.io",
        "acme/api",
        ["ghcr.io", "ghcr.io/acme", "ghcr.io/acme/api"],
        "ghcr.io/acme/api",
    ),
    "the nearest namespace": ("ghcr.io", "acme/team/api", ["ghcr.io", "ghcr.io/acme", "ghcr.io/other"], "ghcr.io/acme"),
    "a namespace that only begins alike": ("ghcr.io", "acme/api", ["ghcr.io/ac", "ghcr.io/acme/ap"], None),
    "an address": ("ghcr.io", "acme/api", ["https://ghcr.io"], "https://ghcr.io"),
    "an address with the old path": ("ghcr.io", "acme/api", ["https://ghcr.io/v1/"], "https://ghcr.io/v1/"),
    "an address with http": ("r.test:5000", "api", ["http://r.test:5000"], "http://r.test:5000"),
    "the plain name before an address": ("ghcr.io", "acme/api", ["https://ghcr.io", "ghcr.io"], "ghcr.io"),
    "in capitals": ("ghcr.io", "acme/api", ["GHCR.io"], "GHCR.io"),
    "docker hub's own key": ("docker.io", "library/redis", [HUB], HUB),
    "docker hub as podman writes it": ("docker.io", "library/redis", ["docker.io"], "docker.io"),
    "docker hub's address": ("docker.io", "acme/api", ["registry-1.docker.io"], "registry-1.docker.io"),
    "docker hub's own key before others": ("docker.io", "acme/api", ["docker.io", HUB, "index.docker.io"], HUB),
    "a namespace of docker hub": ("docker.io", "acme/api", [HUB, "docker.io/acme"], "docker.io/acme"),
    "docker desktop's tokens are none": ("docker.io", "acme/api", [HUB + "access-token", HUB + "refresh-token"], None),
}


@pytest.mark.parametrize(("registry", "path", "keys", "expected"), KEYS.values(), ids=KEYS.keys())
def test_the_entry_for_a_repository(
    desk: Desk, registry: str, path: str, keys: list[str], expected: str | None
) -> None:
    for order in (keys, keys[::-1]):
        desk.write("home/.docker/config.json", {"auths": {key: entry("me", f"for {key}") for key in order}})
        found = desk.find(registry, path)
        assert (found.password if found else None) == (f"for {expected}" if expected else None)


def test_the_order_of_the_namespaces() -> None:
    assert list(prefixes("ghcr.io", "acme/api")) == ["ghcr.io/acme/api", "ghcr.io/acme", "ghcr.io"]


ENTRIES: Mapping[str, tuple[object, Credential | None]] = {
    "auth": (entry("me", "a:b"), Credential("me", "a:b")),
    "padding of old clients": ({"auth": base64.b64encode(b"me:pass\0\0").decode()}, Credential("me", "pass")),
    "user name and password": ({"username": "me", "password": "pass"}, Credential("me", "pass")),
    "identity token": (
        {**entry("00000000-0000-0000-0000-000000000000", ""), "identitytoken": "refresh"},
        Credential("00000000-0000-0000-0000-000000000000", "", identity_token="refresh"),
    ),
    "registry token": ({"registrytoken": "ready"}, Credential(registry_token="ready")),
    "empty, as beside a credential store": ({}, None),
    "empty text": ({"auth": ""}, None),
    "no password": (entry("me", ""), None),
}


@pytest.mark.parametrize(("written", "expected"), ENTRIES.values(), ids=ENTRIES.keys())
def test_the_forms_of_an_entry(desk: Desk, written: object, expected: Credential | None) -> None:
    path = desk.write("home/.docker/config.json", {"auths": {"ghcr.io": written}})
    found = desk.find("ghcr.io")
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert found.source == str(path)
        assert (found.username, found.password) == (expected.username, expected.password)
        assert (found.identity_token, found.registry_token) == (expected.identity_token, expected.registry_token)


# Which file is asked first.

PLACES = ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "home/.docker", "run", "home/.config"]
FILES = {
    "DOCKER_CONFIG": "dockercfg/config.json",
    "REGISTRY_AUTH_FILE": "podman.json",
    "home/.docker": "home/.docker/config.json",
    "run": "run/containers/auth.json",
    "home/.config": "home/.config/containers/auth.json",
}


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (PLACES, "DOCKER_CONFIG"),
        (PLACES[1:], "REGISTRY_AUTH_FILE"),
        (PLACES[2:], "home/.docker"),
        (PLACES[3:], "run"),
        (PLACES[4:], "home/.config"),
        (["DOCKER_CONFIG", "run"], "DOCKER_CONFIG"),
    ],
)
def test_the_first_file_with_an_entry_counts(desk: Desk, present: list[str], expected: str) -> None:
    for place in PLACES:
        registry = "ghcr.io" if place in present else "other.test"
        desk.write(FILES[place], {"auths": {registry: entry(place)}})
    if "DOCKER_CONFIG" in present:
        desk.environ["DOCKER_CONFIG"] = str(desk.folder / "dockercfg")
    if "REGISTRY_AUTH_FILE" in present:
        desk.environ["REGISTRY_AUTH_FILE"] = str(desk.folder / "podman.json")
    found = desk.find("ghcr.io")
    assert found is not None
    assert found.username == expected


def test_docker_config_replaces_the_file_in_the_home_folder(desk: Desk) -> None:
    desk.write("home/.docker/config.json", {"auths": {"ghcr.io": entry("home")}})
    desk.environ["DOCKER_CONFIG"] = str(desk.folder / "empty")
    assert desk.find("ghcr.io") is None


def test_a_file_that_is_named_and_not_there_is_said(desk: Desk) -> None:
    desk.environ["REGISTRY_AUTH_FILE"] = str(desk.folder / "absent.json")
    assert desk.find("ghcr.io") is None
    assert desk.warnings == [f"there is no file {desk.folder}/absent.json, which REGISTRY_AUTH_FILE names"]


@pytest.mark.parametrize(
    ("in_gitlab", "expected"), [("", "variable"), ("true", "file")], ids=["elsewhere", "GitLab job"]
)
def test_the_variable_that_holds_a_whole_file(desk: Desk, in_gitlab: str, expected: str) -> None:
    desk.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"ghcr.io": entry("variable"), "quay.io": entry("only")}})
    desk.environ["GITLAB_CI"] = in_gitlab
    desk.write("home/.docker/config.json", {"auths": {"ghcr.io": entry("file")}})
    found, only = desk.find("ghcr.io"), desk.find("quay.io")
    assert found is not None
    assert only is not None
    assert (found.username, only.username) == (expected, "only")


# Our own variables.


def test_our_own_variables_come_first(desk: Desk) -> None:
    desk.write("home/.docker/config.json", {"auths": {"ghcr.io": entry("file")}})
    desk.environ |= {"PIPELINEGEN_REGISTRY_USERNAME": "own", "PIPELINEGEN_REGISTRY_PASSWORD": "hunter22"}
    found = desk.find("ghcr.io")
    assert found == Credential("own", "hunter22", source="PIPELINEGEN_REGISTRY_USERNAME")
    assert "hunter22" in desk.secrets


def test_our_own_variables_reach_no_registry_when_there_are_several(desk: Desk) -> None:
    desk.environ |= {"PIPELINEGEN_REGISTRY_USERNAME": "own", "PIPELINEGEN_REGISTRY_PASSWORD": "hunter22"}
    keyring = desk.keyring("ghcr.io", "docker.io")
    assert keyring.find("ghcr.io", "acme/api") is None
    assert keyring.find("docker.io", "library/redis") is None
    assert len(desk.warnings) == 1
    assert "docker.io, ghcr.io" in desk.warnings[0]


def test_our_own_variables_reach_no_registry_that_was_not_named(desk: Desk) -> None:
    desk.environ |= {"PIPELINEGEN_REGISTRY_USERNAME": "own", "PIPELINEGEN_REGISTRY_PASSWORD": "hunter22"}
    assert desk.keyring("ghcr.io").find("quay.io", "acme/api") is None


@pytest.mark.parametrize("given", ["PIPELINEGEN_REGISTRY_USERNAME", "PIPELINEGEN_REGISTRY_PASSWORD"])
def test_one_half_of_our_own_variables_is_an_error(desk: Desk, given: str) -> None:
    desk.environ[given] = "something"
    with pytest.raises(InputError) as caught:
        desk.find("ghcr.io")
    assert caught.value.id == "bad-config"
    assert "is not" in caught.value.what
    assert "something" not in "\n".join(caught.value.lines())


# GitLab's.

GITLAB = {
    "CI_REGISTRY": "registry.gitlab.test:5050",
    "CI_REGISTRY_USER": "gitlab-ci-token",
    "CI_REGISTRY_PASSWORD": "jobpass",
}


@pytest.mark.parametrize(
    ("registry", "variables", "expected"),
    [
        ("registry.gitlab.test:5050", GITLAB, ("gitlab-ci-token", "jobpass")),
        ("registry.gitlab.test", GITLAB, None),
        ("ghcr.io", GITLAB, None),
        ("ghcr.io", {"CI_JOB_TOKEN": "job", "CI_REGISTRY": ""}, None),
        ("r.test", {"CI_REGISTRY": "r.test", "CI_JOB_TOKEN": "job"}, ("gitlab-ci-token", "job")),
        ("r.test", {"CI_REGISTRY": "r.test"}, None),
    ],
    ids=["its registry", "another port", "another registry", "no registry", "job token", "nothing to show"],
)
def test_the_credential_of_a_gitlab_job(
    desk: Desk, registry: str, variables: dict[str, str], expected: tuple[str, str] | None
) -> None:
    desk.environ |= variables
    found = desk.find(registry)
    assert ((found.username, found.password) if found else None) == expected


def test_a_login_comes_before_the_credential_of_the_job(desk: Desk) -> None:
    desk.environ |= GITLAB
    desk.write("home/.docker/config.json", {"auths": {"registry.gitlab.test:5050": entry("deploy-token")}})
    found = desk.find("registry.gitlab.test:5050")
    assert found is not None
    assert found.username == "deploy-token"


# Credential helpers: real programs.

ANSWERS = 'read -r server; printf \'{"ServerURL":"%s","Username":"me","Secret":"for %s"}\' "$server" "$server"\n'


@pytest.mark.parametrize(
    ("registry", "config", "expected"),
    [
        ("ghcr.io", {"credHelpers": {"ghcr.io": "good"}}, "for ghcr.io"),
        ("ghcr.io", {"credsStore": "good"}, "for ghcr.io"),
        ("ghcr.io", {"credsStore": "none", "credHelpers": {"ghcr.io": "good"}}, "for ghcr.io"),
        ("ghcr.io", {"credHelpers": {"ghcr.io": "good"}, "auths": {"ghcr.io": entry("x")}}, "for ghcr.io"),
        ("ghcr.io", {"credHelpers": {"quay.io": "good"}}, None),
        ("docker.io", {"credHelpers": {"docker.io": "good"}}, f"for {HUB}"),
        ("docker.io", {"credHelpers": {HUB: "good"}}, f"for {HUB}"),
        ("ghcr.io", {"credsStore": "good", "credHelpers": {"ghcr.io": ""}, "auths": {"ghcr.io": entry("x")}}, "pass"),
        ("ghcr.io", {"credsStore": "none", "auths": {"ghcr.io": entry("x")}}, "pass"),
        ("ghcr.io", {"credsStore": "none"}, None),
    ],
    ids=[
        *("of the registry", "store", "of the registry before the store", "before the file", "of another registry"),
        *(
            "docker hub",
            "docker hub's key",
            "switched off for the registry",
            "store without it, file",
            "store without it",
        ),
    ],
)
def test_the_helper_is_asked(desk: Desk, registry: str, config: object, expected: str | None) -> None:
    desk.program("good", ANSWERS)
    desk.program("none", "cat >/dev/null; echo 'credentials not found in native keychain'; exit 1\n")
    desk.write("home/.docker/config.json", config)
    found = desk.find(registry)
    assert (found.password if found else None) == expected
    assert desk.warnings == []


def test_a_token_from_a_helper_is_an_identity_token(desk: Desk) -> None:
    desk.program("acr", 'cat >/dev/null; echo \'{"Username":"<token>","Secret":"refresh"}\'\n')
    desk.write("home/.docker/config.json", {"credsStore": "acr"})
    assert desk.find("acme.azurecr.test") == Credential(identity_token="refresh", source="docker-credential-acr")
    assert desk.secrets == ["refresh"]


FAILURES = {
    "exit code": ("echo 'no keychain here' >&2; exit 3\n", "failed (exit code 3): no keychain here"),
    "no JSON": ("echo secret-text\n", "did not answer with Username and Secret"),
    "another shape": ('echo \'{"Username": 1, "Secret": "secret-text"}\'\n', "did not answer with Username and Secret"),
    "a list": ("echo '[]'\n", "did not answer with Username and Secret"),
    "not installed": (None, "is not installed or not on PATH"),
    "too much": ("head -c 200000 /dev/zero\n", "wrote more than"),
    "control characters": ("printf 'a\\033[31mb' >&2; exit 1\n", "failed (exit code 1): a[31mb"),
}


@pytest.mark.parametrize(("script", "words"), FAILURES.values(), ids=FAILURES.keys())
def test_a_helper_that_fails_is_a_warning_and_the_rest_goes_on(desk: Desk, script: str | None, words: str) -> None:
    if script is not None:
        desk.program("bad", "cat >/dev/null\n" + script)
    desk.write("home/.docker/config.json", {"credsStore": "bad"})
    desk.write("home/.config/containers/auth.json", {"auths": {"quay.io": entry("podman")}})
    keyring = desk.keyring("ghcr.io", "quay.io")
    podman = keyring.find("quay.io", "acme/api")
    assert keyring.find("ghcr.io", "acme/api") is None
    assert keyring.find("ghcr.io", "acme/web") is None
    assert podman is not None
    assert podman.username == "podman"
    assert len(desk.warnings) == 2, "one for each registry that was asked for, and no more"
    assert all(words in warning and "going on without it" in warning for warning in desk.warnings)
    assert "secret-text" not in "".join(desk.warnings)


def test_a_helper_sees_its_cloud_and_not_our_secrets(desk: Desk) -> None:
    desk.program("env", f"cat >/dev/null; env >{desk.folder}/seen; " + 'echo \'{"Username":"a","Secret":"b"}\'\n')
    desk.write("home/.docker/config.json", {"credsStore": "env"})
    desk.environ |= {"AWS_REGION": "eu-central-1", "PIPELINEGEN_TOKEN": "canary-1", "GIT_TRACE": "canary-2"}
    assert desk.find("1.dkr.ecr.test") is not None
    seen = (desk.folder / "seen").read_text()
    assert "AWS_REGION=eu-central-1" in seen
    assert "canary" not in seen


# Broken files: the path, never the value.

BROKEN = {
    "no JSON": ("{", ":1:2:"),
    "a line further": ('{"auths":\n  nope}', ":2:3:"),
    "no object": ("[]", "not a JSON object"),
    "auths is a list": ('{"auths": [1]}', "auths and credHelpers are objects"),
    "store is a number": ('{"credsStore": 1}', "credsStore is a string"),
    "entry is a text": ('{"auths": {"ghcr.io": "s3cr3t"}}', "auths, ghcr.io: not an object"),
    "no base64": ('{"auths": {"ghcr.io": {"auth": "s3cr3t!"}}}', "auths, ghcr.io, auth: not the base64"),
    "base64 and more": ('{"auths": {"ghcr.io": {"auth": "bWU6czNjcjN0!"}}}', "auths, ghcr.io, auth: not the base64"),
    "no colon": ('{"auths": {"ghcr.io": {"auth": "czNjcjN0"}}}', "auths, ghcr.io, auth: not the base64"),
    "not ASCII": ('{"auths": {"ghcr.io": {"auth": "s3cr3té"}}}', "auths, ghcr.io, auth: not the base64"),
    "number": ('{"auths": {"ghcr.io": {"auth": 5}}}', "auths, ghcr.io, auth: not a string"),
    "line break in a token": ('{"auths": {"ghcr.io": {"registrytoken": "s3cr3t\\nX: y"}}}', "no control characters"),
    "helper with a path": ('{"credHelpers": {"ghcr.io": "../../evil"}}', "not the name of a program"),
    "helper is a number": ('{"credHelpers": {"ghcr.io": 7}}', "not the name of a program"),
    "store that is an option": ('{"credsStore": "-x y"}', "not the name of a program"),
    "too deep": ("[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize(("content", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_an_error_with_its_path(desk: Desk, content: str, words: str) -> None:
    path = desk.write("home/.docker/config.json", content)
    with pytest.raises(InputError) as caught:
        desk.find("ghcr.io")
    message = "\n".join(caught.value.lines())
    assert caught.value.id == "bad-config"
    assert message.startswith(str(path))
    assert words in message
    assert "s3cr3t" not in message
    assert "czNjcjN0" not in message


@pytest.mark.parametrize(
    "content", ["", " \n", "{}", '{"auths": null, "credHelpers": null, "credsStore": null}', "\ufeff{}"]
)
def test_an_empty_file_is_no_broken_file(desk: Desk, content: str) -> None:
    desk.write("home/.docker/config.json", content)
    assert desk.find("ghcr.io") is None


def test_a_broken_entry_of_another_registry_does_no_harm(desk: Desk) -> None:
    desk.write("home/.docker/config.json", {"auths": {"quay.io": {"auth": "!"}, "ghcr.io": entry("me")}})
    assert desk.find("ghcr.io") is not None


def test_a_folder_in_the_place_of_the_file_is_an_error(desk: Desk) -> None:
    (desk.folder / "home/.docker/config.json").mkdir(parents=True)
    with pytest.raises(InputError, match="Is a directory"):
        desk.find("ghcr.io")


def test_a_huge_file_is_an_error(desk: Desk) -> None:
    desk.write("home/.docker/config.json", '{"auths": {}}' + " " * 1024 * 1024)
    with pytest.raises(InputError, match="larger than"):
        desk.find("ghcr.io")


def test_a_credential_does_not_show_its_secrets() -> None:
    credential = Credential("me", "canary-1", "canary-2", "canary-3")
    assert "canary" not in repr(credential)
    assert set(credential.secrets()) == {"canary-1", "canary-2", "canary-3"}


def test_a_file_can_be_read_from_a_variable() -> None:
    file = parse_auth_file("DOCKER_AUTH_CONFIG", json.dumps({"auths": {"ghcr.io": entry("me")}}).encode())
    found = file.credential("ghcr.io", "acme/api")
    assert found is not None
    assert found.source == "DOCKER_AUTH_CONFIG"
