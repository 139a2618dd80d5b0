"""The private configuration of an engine: what registries are shown, without the caller's files being written."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelinegen.edge.registry.authfile import FILE_LIMIT, HUB_KEY, broken
from pipelinegen.edge.registry.credentials import auth_file_paths
from pipelinegen.images.reference import DOCKER_HUB

if TYPE_CHECKING:
    from pipelinegen.edge.registry.authfile import Credential

# What of the user's config.json an engine needs to reach the same daemon and the same registries.
_KEPT = ("auths", "credHelpers", "credsStore", "HttpHeaders", "proxies", "currentContext", "cliPluginsExtraDirs")
# What credential helpers of the clouds read; they are programs of the user's, and builds do not see them.
_HELPER_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "GCLOUD_", "ECR_", "ACR_")


def docker_config(folder: Path, environ: Mapping[str, str], logins: Mapping[str, Credential]) -> dict[str, str]:
    """Write a DOCKER_CONFIG of our own into `folder`, and return the variables that make docker use it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    theirs = Path(environ.get("DOCKER_CONFIG") or os.path.join(environ.get("HOME", "/"), ".docker"))
    content = {name: value for name, value in _read(theirs / "config.json").items() if name in _KEPT}
    content["auths"] = _auths(content, environ, logins)
    content["cliPluginsExtraDirs"] = [*content.get("cliPluginsExtraDirs", []), str(theirs / "cli-plugins")]
    _drop_helpers(content, logins)
    _write(folder / "config.json", content)
    if (theirs / "contexts").is_dir() and not (folder / "contexts").exists():
        (folder / "contexts").symlink_to(theirs / "contexts")
    variables = {
        "DOCKER_CONFIG": str(folder),
        "BUILDX_CONFIG": environ.get("BUILDX_CONFIG") or str(theirs / "buildx"),
        **_helper_variables(content, environ),
    }
    if environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_TLS"):
        variables["DOCKER_CERT_PATH"] = environ.get("DOCKER_CERT_PATH") or str(theirs)
    return variables


def current_context(folder: Path, environ: Mapping[str, str]) -> str:
    """The docker context in force, whose name is also that of its builder: `default` where the daemon is named."""
    if environ.get("DOCKER_HOST"):
        return "default"
    return environ.get("DOCKER_CONTEXT") or str(_read(folder / "config.json").get("currentContext") or "default")


def auth_file(folder: Path, environ: Mapping[str, str], logins: Mapping[str, Credential]) -> dict[str, str]:
    """Write an auth.json of our own, and return the variable that makes podman and buildah use it.

    Without logins of ours they find the user's by themselves, in more places than we know.
    """
    theirs = next((content for path, _ in auth_file_paths(environ) if (content := _read(Path(path)))), {})
    variables = _helper_variables(theirs, environ)
    if not logins and not environ.get("DOCKER_AUTH_CONFIG"):
        return variables
    content = {name: value for name, value in theirs.items() if name in ("auths", "credHelpers", "credsStore")}
    content["auths"] = _auths(content, environ, logins)
    _drop_helpers(content, logins)
    _write(folder / "auth.json", content)
    return {**variables, "REGISTRY_AUTH_FILE": str(folder / "auth.json")}


def _auths(content: Mapping[str, Any], environ: Mapping[str, str], logins: Mapping[str, Credential]) -> dict[str, Any]:
    """Ours before GitLab's login before its variable; elsewhere the variable before the login, as in docker itself."""
    inline = environ.get("DOCKER_AUTH_CONFIG", "")
    variable = _parse("DOCKER_AUTH_CONFIG", inline.encode()).get("auths") or {}
    file = content.get("auths") or {}
    merged = {**variable, **file} if environ.get("GITLAB_CI") == "true" else {**file, **variable}
    ours = {_key(registry): _entry(login) for registry, login in logins.items() if login}
    return {**merged, **ours}


def _drop_helpers(content: dict[str, Any], logins: Mapping[str, Credential]) -> None:
    """A helper would be asked before the file: where the login is ours it must not be."""
    keys = {_key(registry) for registry in logins}
    helpers = content.get("credHelpers")
    if isinstance(helpers, dict):
        content["credHelpers"] = {name: helper for name, helper in helpers.items() if name not in keys}
    if content.get("credsStore") and keys:
        # An empty helper for one registry takes it out of the store's hands (docker/cli, configfile).
        content["credHelpers"] = {**(content.get("credHelpers") or {}), **dict.fromkeys(sorted(keys), "")}


def _helper_variables(content: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    if not content.get("credHelpers") and not content.get("credsStore"):
        return {}
    return {name: value for name, value in environ.items() if name.startswith(_HELPER_PREFIXES)}


def _key(registry: str) -> str:
    return HUB_KEY if registry == DOCKER_HUB else registry


def _entry(login: Credential) -> dict[str, str]:
    if login.identity_token:
        # Docker's CLI wants a user name beside the token, and sends none of it.
        pair = base64.b64encode(f"{login.username or '<token>'}:".encode()).decode()
        return {"auth": pair, "identitytoken": login.identity_token}
    if login.registry_token:
        return {"registrytoken": login.registry_token}
    return {"auth": base64.b64encode(f"{login.username}:{login.password}".encode()).decode()}


def _read(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read(FILE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise broken(str(path), os.strerror(error.errno or 0)) from error
    return _parse(str(path), text)


def _parse(where: str, text: bytes) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not all(_shape(name, content.get(name)) for name in _KEPT):
        raise broken(where, "not the JSON that docker writes")
    return content


def _shape(name: str, value: object) -> bool:
    kinds = {"credsStore": str, "currentContext": str, "cliPluginsExtraDirs": list}
    return value is None or isinstance(value, kinds.get(name, dict))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(json.dumps(content).encode())
