"""The registries.conf of podman and buildah, with the registries of this machine, which speak http."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pipelinegen.edge.http_rules import is_loopback

_VARIABLE = "CONTAINERS_REGISTRIES_CONF"
_SYSTEM = "/etc/containers/registries.conf"
# The format before TOML tables of registries (containers-registries.conf(5), version 1) cannot be added to.
_VERSION_1 = re.compile(r"^\s*\[\s*registries\s*\.", re.MULTILINE)


def registries_conf(folder: Path, environ: Mapping[str, str], registries: Sequence[str]) -> dict[str, str]:
    """Write a file of our own and return the variable that names it; nothing where no registry is of this machine.

    docker takes loopback addresses for insecure by itself, as we do; podman and buildah want to be told.
    """
    theirs = _theirs(environ)
    ours = [each for each in registries if _is_local(each) and f'"{each}"' not in theirs]
    if not ours or _VERSION_1.search(theirs):
        return {}
    tables = "".join(f'\n[[registry]]\nlocation = "{each}"\ninsecure = true\n' for each in ours)
    path = folder / "registries.conf"
    path.write_text(f"{theirs}\n{tables}", encoding="utf-8")
    return {_VARIABLE: str(path)}


def _is_local(registry: str) -> bool:
    return is_loopback(urlsplit(f"//{registry}").hostname or "")


def _theirs(environ: Mapping[str, str]) -> str:
    """The file in force: the one that is named, else the user's, else the system's."""
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")
    usual = (os.path.join(config, "containers", "registries.conf"), _SYSTEM)
    named = (environ[_VARIABLE],) if environ.get(_VARIABLE) else usual
    return next(filter(None, map(_text, named)), "")


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
