"""The two repositories of the demo, made with real git from the files under templates/demo: the same commits always."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator

from pipelinegen.edge.process import capture, environment
from pipelinegen.errors import InputError, WorldError
from pipelinegen.shipped import files_under

APPLICATION = "shop"
MANIFESTS = "manifests"

# What CI builds: a commit of the application for each version of the API.
RELEASES = (("v1.10.0", "Show prices with taxes"), ("v1.10.1", "Round the taxes"), ("v1.11.0", "Take gift cards"))

# Nothing of the user's git configuration, and always the same author and time.
_IDENTITY = {"name": "Shop Team", "email": "team@shop.example", "date": "2026-01-05T09:00:00+00:00"}
PLAIN_GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TEMPLATE_DIR": "",
    "LC_ALL": "C",
    **{f"GIT_{role}_{key.upper()}": value for role in ("AUTHOR", "COMMITTER") for key, value in _IDENTITY.items()},
}


@contextlib.contextmanager
def folder_for(keep: str | None) -> Iterator[str]:
    """The folder that the user named, which must be absent or empty, or one that is removed afterwards."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="pipelinegen-demo-") as folder:
            yield os.path.realpath(folder)
        return
    try:
        os.makedirs(keep, exist_ok=True)
        taken = bool(os.listdir(keep))
    except OSError as error:
        raise InputError(
            f"cannot make the folder: {(error.strerror or str(error)).lower()}",
            id="bad-path",
            where=keep,
            next="give --keep a folder that is absent or empty",
        ) from None
    if taken:
        raise InputError(
            "the folder is not empty",
            id="bad-path",
            where=keep,
            state="nothing was changed",
            next="give --keep a folder that is absent or empty",
        )
    yield os.path.realpath(keep)


def make_repositories(folder: str) -> None:
    """The application repository with its releases, and the manifest repository with one commit."""
    for name, subject in ((APPLICATION, "Start the shop"), (MANIFESTS, "Deploy the shop")):
        root = os.path.join(folder, name)
        _write(root, files_under("demo", name))
        git(root, "init", "--quiet", "--initial-branch=main")
        # A user without an identity may commit here, too.
        git(root, "config", "user.name", _IDENTITY["name"])
        git(root, "config", "user.email", _IDENTITY["email"])
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", subject)
    # Nobody asks there: it is the address that generated pipelines have for the manifests.
    git(os.path.join(folder, MANIFESTS), "remote", "add", "origin", "https://github.com/acme/manifests")
    root = os.path.join(folder, APPLICATION)
    for day, (tag, subject) in enumerate(RELEASES, start=6):
        date = f"2026-01-{day:02}T09:00:00+00:00"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        git(root, "commit", "--quiet", "--allow-empty", "--message", subject, **dates)
        git(root, "tag", tag)


def _write(root: str, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        target = os.path.join(root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)


def git(folder: str, *words: str, **variables: str) -> str:
    """What git writes. Raises WorldError where it refuses."""
    done = capture(["git", *words], cwd=folder, env=environment(**{**PLAIN_GIT, **variables}))
    if done.returncode != 0:
        raise WorldError(
            f"git {words[0]} failed",
            id="git-failed",
            where=folder,
            next="mend what git says, then run the command again",
            details=(done.stderr + done.stdout).decode(errors="replace").strip().splitlines()[:10],
        )
    return done.stdout.decode()
