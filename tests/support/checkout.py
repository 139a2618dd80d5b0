"""A checkout of a manifest repository on the disk, and the real command run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.inside import run_inside
from tests.support.repos import git


class Ran(NamedTuple):
    """How a run of the command ended."""

    code: int
    out: bytes
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        document = json.loads(self.out)
        if not isinstance(document, dict):
            raise TypeError(f"no JSON object: {document}")
        return document


class Checkout:
    """Files in a folder, committed with git unless told otherwise."""

    def __init__(self, folder: Path, files: Mapping[str, str | bytes], *, in_git: bool = True) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write(files)
        if in_git:
            self.git("init", "--quiet", "--initial-branch=main", "--template=")
            self.commit()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for path, data in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data.encode() if isinstance(data, str) else data)

    def commit(self, message: str = "all") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments).decode()

    def status(self) -> str:
        return self.git("status", "--porcelain")

    def read(self, path: str) -> str:
        return (self.folder / path).read_bytes().decode()

    def files(self) -> dict[str, bytes]:
        """All files below the folder but git's own."""
        found = {}
        for folder, names, files in os.walk(os.fsencode(self.folder)):
            if b".git" in names:
                names.remove(b".git")
            for name in files:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as file:
                        found[os.fsdecode(os.path.relpath(path, os.fsencode(self.folder)))] = file.read()
        return found

    def environment(self, **variables: str) -> dict[str, str]:
        """What the command is given; nothing of the person who runs the tests."""
        identity = {f"GIT_{who}_{what}": "Test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            **identity,
            **variables,
        }

    def run(self, *arguments: str | bytes, variables: Mapping[str, str] | None = None, **options: Any) -> Ran:
        """`pipelinegen ARGUMENTS`, started in the folder."""
        done = subprocess.run(
            [sys.executable, "-m", "pipelinegen", *arguments],
            **{"cwd": self.folder, **options},
            env=self.environment(**(variables or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode("utf-8", "surrogateescape"))

    def bump_here(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Ran:
        """As `bump`, in this process: for what is not about processes."""
        said = run_inside(("bump", *arguments), self.environment(**(variables or {})), self.folder)
        return Ran(said.code, said.out, said.err.decode())

    def bump(self, *arguments: str | bytes, variables: Mapping[str, str] | None = None, **options: Any) -> Ran:
        """`pipelinegen bump ARGUMENTS`."""
        return self.run("bump", *arguments, variables=variables, **options)
