"""One file in which the container tools keep credentials: Docker's config.json and Podman's auth.json (one format)."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelinegen.errors import InputError
from pipelinegen.images.reference import DOCKER_HUB

FILE_LIMIT = 1024 * 1024
# Docker's CLI logs in to Docker Hub under the address of its first registry, and nothing else finds that entry.
HUB_KEY = "https://index.docker.io/v1/"
_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
# Docker Desktop keeps tokens of its own beside HUB_KEY; they are no credentials of the registry.
_DESKTOP_KEYS = ("/access-token", "/refresh-token")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credential:
    """What a registry is shown. `identity_token` is an OAuth2 refresh token, `registry_token` a ready Bearer token."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    source: str = ""

    def secrets(self) -> tuple[str, ...]:
        """The parts that must not be shown."""
        return tuple(text for text in (self.password, self.identity_token, self.registry_token) if text)

    def __bool__(self) -> bool:
        return bool((self.username and self.password) or self.identity_token or self.registry_token)


@dataclass(frozen=True, slots=True)
class AuthFile:
    """A file's entries as written; an entry is decoded when it is asked for, so a broken other one does no harm."""

    where: str
    auths: Mapping[str, object]
    helpers: Mapping[str, object]
    store: str

    def helper(self, registry: str) -> str | None:
        """The program suffix that keeps the credential of this registry, None when it is in the file."""
        by_host = {_host(key): name for key, name in sorted(self.helpers.items(), key=_exact_last)}
        name = by_host.get(registry, self.store)
        if not isinstance(name, str) or not re.fullmatch(r"[0-9A-Za-z_][0-9A-Za-z_.-]*|", name):
            raise self._broken(f"the credential helper of {registry} is not the name of a program")
        return name or None

    def credential(self, registry: str, path: str) -> Credential | None:
        """The entry of the repository, else of a namespace above it, else of the registry (containers-auth.json(5))."""
        entries = {_normalise(key): key for key in sorted(self.auths, key=lambda key: _exact_last((key, None)))}
        for name in prefixes(registry, path):
            key = entries.get(name)
            credential = self._decode(key) if key is not None else None
            if credential:
                return credential
        return None

    def _decode(self, key: str) -> Credential:
        entry = self.auths[key]
        if not isinstance(entry, Mapping):
            raise self._broken(f"auths, {key}: not an object")
        texts = {
            name: entry.get(name) or "" for name in ("auth", "username", "password", "identitytoken", "registrytoken")
        }
        odd = next((name for name, text in texts.items() if not isinstance(text, str)), None)
        if odd is not None:
            raise self._broken(f"auths, {key}, {odd}: not a string")
        username, password = self._pair(key, texts["auth"]) if texts["auth"] else (texts["username"], texts["password"])
        for name in ("identitytoken", "registrytoken"):
            if not re.fullmatch(r"[\x21-\x7e]*", texts[name]):
                raise self._broken(f"auths, {key}, {name}: a token has no blanks and no control characters")
        return Credential(username, password, texts["identitytoken"], texts["registrytoken"], self.where)

    def _pair(self, key: str, encoded: str) -> tuple[str, str]:
        try:
            decoded = base64.b64decode(encoded, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            decoded = ""
        username, colon, password = decoded.partition(":")
        if not colon:
            # The value is a secret, whatever is wrong with it: it is not shown.
            raise self._broken(f"auths, {key}, auth: not the base64 of USERNAME:PASSWORD")
        return username, password.strip("\0")

    def _broken(self, what: str) -> InputError:
        return broken(self.where, what)


def broken(where: str, what: str) -> InputError:
    return InputError(
        f"this file of registry credentials is broken: {what}",
        id="bad-config",
        where=where,
        next="log in again (docker login, podman login), or mend or remove the file",
    )


def read_auth_file(path: str) -> AuthFile | None:
    """The file's entries; None when there is no such file."""
    try:
        with open(path, "rb") as file:
            text = file.read(FILE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise broken(path, os.strerror(error.errno or 0)) from error
    if len(text) > FILE_LIMIT:
        raise broken(path, f"larger than {FILE_LIMIT} bytes")
    return parse_auth_file(path, text)


def parse_auth_file(where: str, text: bytes) -> AuthFile:
    """The entries of a file's bytes, or of a variable that holds such a file (DOCKER_AUTH_CONFIG)."""
    try:
        content = json.loads(text.decode("utf-8-sig")) if text.strip() else {}
    except json.JSONDecodeError as error:
        raise broken(f"{where}:{error.lineno}:{error.colno}", error.msg) from None
    except (UnicodeDecodeError, RecursionError):
        raise broken(where, "not JSON in UTF-8") from None
    if not isinstance(content, dict):
        raise broken(where, "not a JSON object")
    auths, helpers = (content.get(name) or {} for name in ("auths", "credHelpers"))
    store = content.get("credsStore") or ""
    if not isinstance(auths, dict) or not isinstance(helpers, dict) or not isinstance(store, str):
        raise broken(where, "auths and credHelpers are objects, credsStore is a string")
    return AuthFile(where, auths, helpers, store)


def prefixes(registry: str, path: str) -> Iterator[str]:
    """ghcr.io/acme/api, ghcr.io/acme, ghcr.io."""
    name = f"{registry}/{path}" if path else registry
    while name:
        yield name
        name = name.rpartition("/")[0]


def _normalise(key: str) -> str:
    """The repository, namespace or registry that a key names: with a scheme only the host counts, as in both tools."""
    scheme = _SCHEME.match(key)
    if scheme is None:
        host, slash, path = key.rstrip("/").partition("/")
        return _canonical(host) + (slash + path if path not in {"v1", "v2"} else "")
    return "" if key.rstrip("/").endswith(_DESKTOP_KEYS) else _host(key)


def _host(key: str) -> str:
    scheme = _SCHEME.match(key)
    return _canonical((key[scheme.end() :] if scheme else key).partition("/")[0])


def _canonical(host: str) -> str:
    return DOCKER_HUB if host.lower() in _HUB_HOSTS else host.lower()


def _exact_last(item: tuple[str, object]) -> tuple[bool, bool]:
    """Order in which the key that a tool itself would look up comes last, and so wins."""
    key = item[0]
    return key == HUB_KEY, _SCHEME.match(key) is None and key not in _HUB_HOSTS
