"""By which credential a job of a CI system opens a registry or the manifest repository."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import Credential, Fact, Literally, Permission, Secret, System, Value

_PARTS = ("username", "password")
_PUSH = "push images and read them"


class Login(NamedTuple):
    """A registry, the credential for it, and the values of user name and password."""

    host: str
    credential: Credential
    username: Value
    password: Value


def logins(application: Application, system: System) -> tuple[Login, ...]:
    """For each registry of the images: the CI system's own token where the registry takes it, else a stored one."""
    several = len(application.registries) > 1
    return tuple(_login(host, application, system, several) for host in application.registries)


def manifests(application: Application, system: System, *, write: bool) -> Credential:
    """What opens the manifest repository: an app on GitHub, whose token lives for an hour, else a token."""
    repository = application.manifests
    why = "to change image references in the manifest repository" if write else "to read what became of the change"
    if system == "github" and repository.forge == "github":
        return Credential(
            name="MANIFESTS_APP",
            kind="app",
            target="manifest-repository",
            rights=f"{'write' if write else 'read'} contents and pull requests of the manifest repository alone",
            why=why,
            repository=repository.path,
            grants=_grants(write=write),
        )
    return Credential(
        name="MANIFESTS_TOKEN",
        kind="token",
        target="manifest-repository",
        rights=_TOKEN_RIGHTS[repository.forge],
        why=why,
        repository=repository.path,
    )


_TOKEN_RIGHTS = {
    "github": "fine-grained, the manifest repository alone: contents and pull requests (read and write), "
    "commit statuses (read)",
    "gitlab": "project access token of the manifest repository: role Developer, scopes api and write_repository",
    "none": "push to the manifest repository",
}


def _grants(*, write: bool) -> tuple[Permission, ...]:
    if write:
        return (
            Permission("contents", "write", "to push the change"),
            Permission("pull-requests", "write", "to open or update the pull request"),
        )
    return (
        Permission("contents", "read", "to read the commits of the branch"),
        Permission("pull-requests", "read", "to see whether it is merged"),
        Permission("statuses", "read", "to read what the agent reports"),
        Permission("checks", "read", "to read what the agent reports as checks"),
    )


def _login(host: str, application: Application, system: System, several: bool) -> Login:
    why = "to push the images" if not several else f"to push the images of {host}"
    if system == "github" and host == "ghcr.io":
        own = Credential("REGISTRY", "job-token", "registry", _PUSH, why)
        return Login(host, own, Fact("actor"), Secret("REGISTRY"))
    if system == "gitlab" and _is_gitlab_registry(host, application):
        own = Credential("REGISTRY", "job-token", "registry", _PUSH, why)
        return Login(host, own, Literally("gitlab-ci-token"), Secret("REGISTRY"))
    name = f"REGISTRY_{re.sub('[^A-Z0-9]+', '_', host.upper())}" if several else "REGISTRY"
    stored = Credential(name, "password", "registry", _PUSH, why, parts=_PARTS)
    return Login(host, stored, Secret(name, "username"), Secret(name, "password"))


def _is_gitlab_registry(host: str, application: Application) -> bool:
    """The registry of gitlab.com, or of the GitLab that also holds the manifests, under its customary names."""
    if host == "registry.gitlab.com":
        return True
    forge = application.manifests
    domain = forge.host.partition(":")[0].removeprefix("gitlab.")
    own = (f"registry.{domain}", f"registry.gitlab.{domain}")
    return forge.forge == "gitlab" and (host in own or host.rpartition(":")[0] == forge.host)
