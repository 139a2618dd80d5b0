from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.engines.logins import auth_file, current_context, docker_config
from pipelinegen.edge.registry.authfile import Credential
from pipelinegen.errors import InputError

HUB = "https://index.docker.io/v1/"


def entry(pair: str) -> dict[str, str]:
    return {"auth": base64.b64encode(pair.encode()).decode()}


class Home:
    """A home with docker's folder, and what our own folder beside it then holds."""

    def __init__(self, folder: Path, config: object = None) -> None:
        self.docker = folder / "home" / ".docker"
        self.docker.mkdir(parents=True)
        self.ours = folder / "ours"
        self.environ = {"HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "run")}
        if config is not None:
            (self.docker / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))

    def make(self, **logins: Credential) -> tuple[dict[str, str], dict[str, Any]]:
        named = {name.replace("_", "."): login for name, login in logins.items()}
        variables = docker_config(self.ours, self.environ, named)
        return variables, json.loads((self.ours / "config.json").read_text())


def test_without_a_configuration_ours_is_empty_and_private(tmp_path: Path) -> None:
    home = Home(tmp_path)
    variables, content = home.make()
    assert variables == {"DOCKER_CONFIG": str(home.ours), "BUILDX_CONFIG": str(home.docker / "buildx")}
    assert content == {"auths": {}, "cliPluginsExtraDirs": [str(home.docker / "cli-plugins")]}
    assert stat.S_IMODE(home.ours.stat().st_mode) == 0o700
    assert stat.S_IMODE((home.ours / "config.json").stat().st_mode) == 0o600


def test_what_reaches_the_same_daemon_and_registries_is_kept_and_the_users_file_stays(tmp_path: Path) -> None:
    theirs = {
        "auths": {"ghcr.io": entry("me:pw")},
        "credHelpers": {"ecr.example": "ecr-login"},
        "currentContext": "colima",
        "proxies": {"default": {"httpProxy": "http://proxy"}},
        "cliPluginsExtraDirs": ["/plugins"],
        "detachKeys": "ctrl-x",
        "psFormat": "table",
    }
    home = Home(tmp_path, theirs)
    (home.docker / "contexts").mkdir()
    home.environ["AWS_PROFILE"] = "prod"
    variables, content = home.make()
    assert content == {
        **{name: theirs[name] for name in ("auths", "credHelpers", "currentContext", "proxies")},
        "cliPluginsExtraDirs": ["/plugins", str(home.docker / "cli-plugins")],
    }
    # The helper is a program of the user's and may need its cloud.
    assert variables["AWS_PROFILE"] == "prod"
    assert (home.ours / "contexts").resolve() == home.docker / "contexts"
    assert current_context(home.ours, home.environ) == "colima"
    assert current_context(home.ours, {**home.environ, "DOCKER_HOST": "unix:///x"}) == "default"
    assert current_context(home.ours, {**home.environ, "DOCKER_CONTEXT": "other"}) == "other"
    assert json.loads((home.docker / "config.json").read_text()) == theirs


def test_a_login_of_ours_wins_and_no_helper_is_asked_for_it(tmp_path: Path) -> None:
    theirs = {
        "auths": {"ghcr.io": entry("me:old"), "quay.io": entry("me:quay")},
        "credHelpers": {"ghcr.io": "x", "other.io": "y"},
        "credsStore": "desktop",
    }
    home = Home(tmp_path, theirs)
    _, content = home.make(
        ghcr_io=Credential("robot", "new"),
        docker_io=Credential("hub", "pw"),
        azure_io=Credential(identity_token="refresh"),
    )
    assert content["auths"]["ghcr.io"] == entry("robot:new")
    assert content["auths"]["quay.io"] == entry("me:quay")
    assert content["auths"][HUB] == entry("hub:pw")
    assert content["auths"]["azure.io"] == {**entry("<token>:"), "identitytoken": "refresh"}
    assert content["credHelpers"] == {"ghcr.io": "", "other.io": "y", HUB: "", "azure.io": ""}


@pytest.mark.parametrize(("gitlab", "winner"), [("true", "file"), ("", "variable")])
def test_the_variable_with_credentials_is_read_as_docker_does(tmp_path: Path, gitlab: str, winner: str) -> None:
    home = Home(tmp_path, {"auths": {"ghcr.io": entry("me:file")}})
    variable = {"auths": {"ghcr.io": entry("me:variable"), "quay.io": entry("q:q")}}
    home.environ |= {"DOCKER_AUTH_CONFIG": json.dumps(variable), "GITLAB_CI": gitlab}
    _, content = home.make()
    assert content["auths"] == {"ghcr.io": entry(f"me:{winner}"), "quay.io": entry("q:q")}


def test_certificates_beside_the_users_file_are_still_found(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.environ["DOCKER_TLS_VERIFY"] = "1"
    assert home.make()[0]["DOCKER_CERT_PATH"] == str(home.docker)


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": []}', '{"credsStore": 1}', "\xff"])
def test_a_broken_file_is_named_and_not_quoted(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path, text)
    with pytest.raises(InputError, match="file of registry credentials is broken") as told:
        home.make()
    assert told.value.where == str(home.docker / "config.json")


def test_podman_finds_the_users_own_file_by_itself(tmp_path: Path) -> None:
    home = Home(tmp_path, {"auths": {"ghcr.io": entry("me:pw")}})
    home.ours.mkdir()
    assert auth_file(home.ours, home.environ, {}) == {}
    assert not list(home.ours.iterdir())


def test_podman_gets_a_file_with_our_logins_beside_the_users(tmp_path: Path) -> None:
    home = Home(tmp_path, {"auths": {"ghcr.io": entry("me:pw")}, "psFormat": "x"})
    home.ours.mkdir()
    variables = auth_file(home.ours, home.environ, {"quay.io": Credential("robot", "pw2")})
    path = Path(variables["REGISTRY_AUTH_FILE"])
    assert json.loads(path.read_text()) == {"auths": {"ghcr.io": entry("me:pw"), "quay.io": entry("robot:pw2")}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
