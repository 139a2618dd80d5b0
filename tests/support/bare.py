"""Bare repositories without a process of git for each: an empty one copied from memory, and refs read as files."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

# What git needs no file for, and a template would bring.
_FOLDERS = ("hooks", "info", "objects/info", "objects/pack", "refs/heads", "refs/tags")


@functools.cache
def _empty() -> dict[str, bytes]:
    """The files of an empty bare repository, as git itself makes it, without samples of hooks."""
    with tempfile.TemporaryDirectory() as folder:
        # Refs as files, also where a later git would make another store.
        subprocess.run(
            ["git", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", folder],
            env={
                "PATH": os.environ["PATH"],
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_DEFAULT_REF_FORMAT": "files",
            },
            check=True,
        )
        made = Path(folder)
        return {str(path.relative_to(made)): path.read_bytes() for path in made.rglob("*") if path.is_file()}


def make_bare(folder: Path, branch: str = "main", **config: str) -> None:
    """An empty bare repository; config: `section__name="value"`."""
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path, data in _empty().items():
        (folder / path).write_bytes(data)
    (folder / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
    configure(folder, **config)


def configure(folder: Path, **config: str) -> None:
    """Add settings, `section__name="value"`; the last of a name counts."""
    with (folder / "config").open("a") as file:
        for name, value in config.items():
            section, _, key = name.partition("__")
            file.write(f"[{section}]\n\t{key} = {value}\n")


def read_branch(folder: Path, branch: str) -> str | None:
    """The commit of a branch."""
    try:
        return (folder / "refs" / "heads" / branch).read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return _packed(folder).get(branch)


def read_branches(folder: Path) -> dict[str, str]:
    """All branches and their commits, in the order of their names."""
    heads = folder / "refs" / "heads"
    loose = {}
    for place, _, names in os.walk(heads):
        for name in names:
            branch = os.path.relpath(os.path.join(place, name), heads)
            # Not one that is being written, or was deleted a moment ago.
            if not name.endswith(".lock") and (commit := read_branch(folder, branch)):
                loose[branch] = commit
    return dict(sorted({**_packed(folder), **loose}.items()))


def _packed(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / "packed-refs").read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split(" ", 1) for line in lines if line[:1] not in ("#", "^"))
    return {name.removeprefix("refs/heads/"): commit for commit, name in pairs if name.startswith("refs/heads/")}
