"""Which credential a registry gets: our own variables, then the container tools' files and helpers, then GitLab's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from pipelinegen.edge import process
from pipelinegen.edge.registry.authfile import HUB_KEY, AuthFile, Credential, parse_auth_file, read_auth_file
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.reference import DOCKER_HUB

USERNAME = "PIPELINEGEN_REGISTRY_USERNAME"
PASSWORD = "PIPELINEGEN_REGISTRY_PASSWORD"  # noqa: S105 - the name of a variable
# Where a credential is from that no file of the container tools holds.
VARIABLE_SOURCES = frozenset({USERNAME, "CI_REGISTRY_PASSWORD", "CI_JOB_TOKEN"})
NO_LOGINS: Mapping[str, Credential] = MappingProxyType({})
HELPER_SECONDS = 30.0
HELPER_BYTES = 64 * 1024


class Keyring:
    """Finds the credential of a repository, in the order of the contract (2.4), and remembers what helpers answered.

    registries: those that this run asks; our own variables name no registry, so they count only where there is one.
    logins: what the caller has for registries, by host. warn: told of what does not end the run (a helper that fails);
    on_secret: told of each secret (where it is from, its value) before it is used.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        registries: Collection[str],
        logins: Mapping[str, Credential] = NO_LOGINS,
        *,
        warn: Callable[[str], object],
        on_secret: Callable[[str, str], object],
    ) -> None:
        self._environ = environ
        self._logins = {host.lower(): credential for host, credential in logins.items()}
        self._registries = frozenset(registry.lower() for registry in registries)
        self._warn = warn
        self._on_secret = on_secret
        self._files: list[AuthFile] | None = None
        self._answers: dict[tuple[str, str], Credential | None] = {}
        self._own = self._read_own()

    @property
    def has_own(self) -> bool:
        """Whether our own variables hold a credential that is used."""
        return self._own is not None

    def find(self, registry: str, path: str) -> Credential | None:
        """The credential to show for registry/path (as normalised); None means anonymous."""
        for credential in self._candidates(registry.lower(), path):
            if credential:
                for secret in credential.secrets():
                    self._on_secret(credential.source, secret)
                return credential
        return None

    def _candidates(self, registry: str, path: str) -> Iterator[Credential | None]:
        yield self._logins.get(registry)
        if registry in self._registries:
            yield self._own
        if self._files is None:
            self._files = list(self._read_files())
        for file in self._files:
            helper = file.helper(registry)
            if helper is not None:
                yield self._ask(helper, HUB_KEY if registry == DOCKER_HUB else registry, file.where)
            yield file.credential(registry, path)
        yield gitlab_credential(self._environ, registry)

    def _read_own(self) -> Credential | None:
        username, password = self._environ.get(USERNAME, ""), self._environ.get(PASSWORD, "")
        if bool(username) != bool(password):
            given, lacking = (USERNAME, PASSWORD) if username else (PASSWORD, USERNAME)
            raise InputError(f"{given} is set and {lacking} is not", id="bad-config", next=f"set {lacking} too")
        if not username:
            return None
        if len(self._registries) > 1:
            # The pair names no registry: given to all of them, it would reach those it is not meant for.
            names = ", ".join(sorted(self._registries))
            self._warn(
                f"{USERNAME} is not used, for this run asks several registries ({names}): log in to each instead"
            )
            return None
        return Credential(username, password, source=USERNAME)

    def _read_files(self) -> Iterator[AuthFile]:
        in_gitlab = self._environ.get("GITLAB_CI") == "true"
        inline = self._environ.get("DOCKER_AUTH_CONFIG", "")
        variable = [parse_auth_file("DOCKER_AUTH_CONFIG", inline.encode())] if inline else []
        # Docker's CLI prefers the variable, but in GitLab jobs, where it is the runner's, the login (docker/cli#6171).
        yield from () if in_gitlab else variable
        for path, named in auth_file_paths(self._environ):
            file = read_auth_file(path)
            if file is not None:
                yield file
            elif named:
                self._warn(f"there is no file {path}, which {named} names")
        yield from variable if in_gitlab else ()

    def _ask(self, helper: str, server: str, where: str) -> Credential | None:
        key = (helper, server)
        if key not in self._answers:
            try:
                self._answers[key] = ask_helper(helper, server, self._environ)
            except WorldError as error:
                self._answers[key] = None
                self._warn(f"{where}: {error.what}; going on without it")
        return self._answers[key]


def auth_file_paths(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(path, the variable that names this very file); chosen files come before those at their usual places."""
    home = environ.get("HOME", "")
    if environ.get("DOCKER_CONFIG"):
        yield os.path.join(environ["DOCKER_CONFIG"], "config.json"), ""
    if environ.get("REGISTRY_AUTH_FILE"):
        yield environ["REGISTRY_AUTH_FILE"], "REGISTRY_AUTH_FILE"
    if home and not environ.get("DOCKER_CONFIG"):
        yield os.path.join(home, ".docker", "config.json"), ""
    runtime = environ.get("XDG_RUNTIME_DIR")
    yield os.path.join(runtime or f"/run/containers/{os.getuid()}", "containers" if runtime else "", "auth.json"), ""
    config = environ.get("XDG_CONFIG_HOME") or (os.path.join(home, ".config") if home else "")
    if config:
        yield os.path.join(config, "containers", "auth.json"), ""


def gitlab_credential(environ: Mapping[str, str], registry: str) -> Credential | None:
    """What a GitLab job holds for the registry of its own instance, and for no other."""
    if not environ.get("CI_REGISTRY") or environ["CI_REGISTRY"].lower() != registry.lower():
        return None
    username, password = environ.get("CI_REGISTRY_USER", ""), environ.get("CI_REGISTRY_PASSWORD", "")
    if username and password:
        return Credential(username, password, source="CI_REGISTRY_PASSWORD")
    return Credential("gitlab-ci-token", environ.get("CI_JOB_TOKEN", ""), source="CI_JOB_TOKEN")


def ask_helper(helper: str, server: str, environ: Mapping[str, str]) -> Credential | None:
    """`docker-credential-HELPER get`: None when it keeps nothing for the server, WorldError when it fails.

    It may need the variables of its cloud, so it gets ours, but for what is our own and what would steer git.
    """
    program = f"docker-credential-{helper}"
    env = {name: value for name, value in environ.items() if not name.startswith(("PIPELINEGEN_", "GIT_"))}
    ended = process.capture(
        [program, "get"], env=env, stdin=server.encode(), timeout=HELPER_SECONDS, limit=HELPER_BYTES
    )
    if ended.returncode != 0:
        words = " ".join((ended.stdout.strip() or ended.stderr.strip()).decode("utf-8", "replace").split())
        # By their protocol helpers say so on standard output, with exit code 1, when they hold nothing.
        if words.startswith("credentials not found in native keychain"):
            return None
        said = "".join(char for char in words if char.isprintable())[:200]
        raise WorldError(f"{program} failed (exit code {ended.returncode}): {said}", id="program-failed")
    try:
        answer = json.loads(ended.stdout)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, TypeError, KeyError, RecursionError):
        username = secret = None
    if not isinstance(username, str) or not isinstance(secret, str):
        # What it wrote may hold the secret, so it is not quoted.
        raise WorldError(f"{program} did not answer with Username and Secret", id="program-failed")
    if username == "<token>":
        return Credential(identity_token=secret, source=program)
    return Credential(username, secret, source=program)
