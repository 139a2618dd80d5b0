"""The files of a repository beside one of its files: regular ones inside it only, read when a pipeline names them."""

from __future__ import annotations

import fnmatch
import os
import re
import stat

from pipelinegen.errors import InputError

MAX_BYTES = 1024 * 1024
_MAX_FILES = 20_000
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)


class Beside:
    """The files below a root. `before` is what stands before a path of the repository when it is shown."""

    def __init__(self, root: str, before: str = "") -> None:
        self.root = os.path.realpath(root)
        self.before = before

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file inside the root; None where there is none, or where it is too big."""
        if "\0" in path:
            return None
        whole = os.path.realpath(os.path.join(self.root, path))
        if whole != self.root and not whole.startswith(self.root.rstrip("/") + "/"):
            return None
        try:
            return _regular(whole)
        except OSError:
            return None

    def match(self, pattern: str) -> list[str]:
        """The files that a pattern names; `**` stands for any folders."""
        wanted = re.compile(
            "".join(
                "(?:.*/)?" if part == "**/" else ".*" if part == "**" else "[^/]*" if part == "*" else re.escape(part)
                for part in re.split(r"(\*\*/|\*\*|\*)", pattern.lstrip("/"))
            )
        )
        found: list[str] = []
        seen = 0
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if name not in {".git", "node_modules", ".venv"})
            for name in names:
                seen += 1
                path = os.path.relpath(os.path.join(folder, name), self.root)
                if wanted.fullmatch(path):
                    found.append(path)
            if seen > _MAX_FILES:
                break
        return sorted(found)

    def shown(self, path: str) -> str:
        return f"{self.before}{path}"


def _regular(path: str) -> bytes | None:
    with open(os.open(path, _READ), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        data = file.read(MAX_BYTES + 1)
    return data if len(data) <= MAX_BYTES else None


def beside(name: str, directory: str) -> tuple[bytes, Beside]:
    """The bytes of a file that a user named, and the repository that it is in. Raises InputError."""
    path = os.path.join(directory, name)
    try:
        data = _regular(path)
    except IsADirectoryError:
        data = None
    except OSError as error:
        what = f"cannot read the file: {(error.strerror or str(error)).lower()}"
        raise InputError(what, id="bad-path", where=name, next="give the path of a pipeline file") from None
    if data is None:
        raise InputError(
            f"this is no regular file of at most {MAX_BYTES // (1024 * 1024)} MiB",
            id="bad-path",
            where=name,
            next="give the path of a pipeline file",
        )
    root = root_of(path)
    inside = os.path.relpath(os.path.abspath(path), root)
    normal = os.path.normpath(name)
    before = normal[: -len(inside)] if normal.endswith(inside) else f"{os.path.relpath(root, directory)}/"
    return data, Beside(root, "" if before == "./" else before)


def root_of(path: str) -> str:
    """The root of the repository that a pipeline file is in: by the place of a workflow, else by `.git`."""
    folder = os.path.dirname(os.path.abspath(path))
    if folder.endswith("/.github/workflows"):
        return folder.removesuffix("/.github/workflows") or "/"
    at = folder
    while not os.path.lexists(os.path.join(at, ".git")):
        above = os.path.dirname(at)
        if above == at:
            return folder
        at = above
    return at


def pipelines_in(directory: str, name: str) -> list[str]:
    """The pipeline files of a folder: of a repository's root, or a folder of workflows."""
    folder = os.path.join(directory, name)
    found: list[str] = []
    patterns: tuple[str, ...] = (".gitlab-ci.yml", "Jenkinsfile", "Jenkinsfile.*", "*.jenkinsfile", "*.gitlab-ci.yml")
    if os.path.abspath(folder).endswith("/.github/workflows"):
        patterns = ("*.yml", "*.yaml")
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        what = f"cannot read the folder: {(error.strerror or str(error)).lower()}"
        raise InputError(
            what, id="bad-path", where=name, next="give a pipeline file, or the root of a repository"
        ) from None
    found += [entry for entry in entries if any(fnmatch.fnmatchcase(entry, pattern) for pattern in patterns)]
    workflows = os.path.join(folder, ".github", "workflows")
    if os.path.isdir(workflows):
        inner = sorted(os.listdir(workflows))
        found += [f".github/workflows/{entry}" for entry in inner if entry.endswith((".yml", ".yaml"))]
    regular = [entry for entry in found if os.path.isfile(os.path.join(folder, entry))]
    return [os.path.normpath(os.path.join(name, entry)) for entry in regular]
