"""How the user signs commits: read from the user's own git configuration, handed on to the one command that signs."""

from __future__ import annotations

import os
from typing import NamedTuple

from pipelinegen.edge.process import capture, environment
from pipelinegen.errors import InputError

# Where gpg and ssh-agent are found; these are the user's, unlike all the rest of git's environment.
VARIABLES = ("HOME", "GNUPGHOME", "GPG_TTY", "GPG_AGENT_INFO", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR")
CONFIGURATION = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
SETTINGS = r"^(user\.(signingkey|name|email)|gpg\.(format|program|mintrustlevel|.*\.(program|defaultkeycommand)))$"


class Signing(NamedTuple):
    """The settings (`key=value`) and the environment with which git signs."""

    settings: tuple[str, ...]
    env: dict[str, str]


def read_signing() -> Signing:
    """The user's configuration for signing. Only the user's and the system's files count, never a repository's."""
    found = _user_settings()
    chosen = {name: value for name, value in found.items() if name not in ("user.name", "user.email")}
    if chosen.get("gpg.format") == "ssh" and not {"user.signingkey", "gpg.ssh.defaultkeycommand"} & set(chosen):
        raise InputError(
            "git is to sign with ssh, and no key is configured",
            id="bad-config",
            next="git config --global user.signingkey FILE",
        )
    return Signing(tuple(f"{name}={value}" for name, value in chosen.items()), environment(*VARIABLES))


def read_identity() -> tuple[str, str] | None:
    """The user's name and address as git has them; a signature belongs to an address."""
    found = _user_settings()
    if "user.name" in found and "user.email" in found:
        return found["user.name"], found["user.email"]
    return None


def _user_settings() -> dict[str, str]:
    # With a repository that is none, git reads the system's and the user's files and no others.
    env = environment(*CONFIGURATION, GIT_DIR=os.devnull, LC_ALL="C")
    done = capture(["git", "config", "-z", "--get-regexp", SETTINGS], env=env, timeout=30.0)
    if done.returncode not in (0, 1):
        raise InputError(
            "the git configuration cannot be read",
            id="bad-config",
            details=done.stderr.decode("utf-8", "replace").splitlines()[-10:],
        )
    pairs = (entry.partition("\n") for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1])
    return {name: value for name, _, value in pairs}
