"""Git as the benchmark uses it: without the user's configuration, and repositories of one commit by fast-import."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.marks import ChangedLine, changed_lines, text_before

_PERSON = b"Bench <bench@example.com> 1700000000 +0000"
CONFIGURATION = (
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.compression=1",
    "-c",
    "gc.auto=0",
    "-c",
    "core.fsmonitor=false",
)


def isolated_environment() -> dict[str, str]:
    """The caller's environment without anything that changes what git does or how programs speak."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON", "LC_"))}
    return kept | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TEMPLATE_DIR": "",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def git(folder: Path, *arguments: str, feed: bytes | None = None) -> bytes:
    """Run git in `folder` and return what it wrote. Raises CalledProcessError; git's own words go to standard error."""
    argv = ["git", *CONFIGURATION, "-C", str(folder), *arguments]
    stdin = subprocess.DEVNULL if feed is None else None
    return subprocess.run(
        argv, check=True, stdout=subprocess.PIPE, input=feed, stdin=stdin, env=isolated_environment()
    ).stdout


def write_repository(folder: Path, files: Iterable[tuple[str, str]]) -> tuple[str, list[ChangedLine]]:
    """Make a repository of one commit, checked out, from marked files; its id and the lines that will change."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--object-format=sha1", "--initial-branch=main", ".")
    lines = _import(folder, files)
    git(folder, "reset", "--quiet", "--hard", "main")
    return git(folder, "rev-parse", "main").decode().strip(), sorted(lines)


def _import(folder: Path, files: Iterable[tuple[str, str]]) -> list[ChangedLine]:
    argv = ["git", *CONFIGURATION, "-C", str(folder), "fast-import", "--quiet", "--depth=0", "--date-format=raw"]
    lines: list[ChangedLine] = []
    with subprocess.Popen(argv, stdin=subprocess.PIPE, env=isolated_environment()) as importer:
        if importer.stdin is None:
            raise AssertionError
        write = importer.stdin.write
        write(b"commit refs/heads/main\ncommitter %s\ndata 7\nInitial\n" % _PERSON)
        for path, marked in files:
            lines += changed_lines(path, marked)
            content = text_before(marked).encode()
            write(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    if importer.returncode:
        raise subprocess.CalledProcessError(importer.returncode, argv)
    return lines


def blobs(folder: Path, treeish: str, paths: Sequence[str]) -> dict[str, bytes]:
    """The bytes of `paths` in `treeish`; a path that is not there is left out."""
    if not paths:
        return {}
    asked = "".join(f"{treeish}:{path}\n" for path in paths).encode()
    answer = git(folder, "cat-file", "--batch", feed=asked)
    found: dict[str, bytes] = {}
    position = 0
    for path in paths:
        end = answer.index(b"\n", position)
        header = answer[position:end]
        position = end + 1
        if not header.endswith(b" missing"):
            size = int(header.rsplit(b" ", 1)[1])
            found[path] = answer[position : position + size]
            position += size + 1
    return found
