"""Tests of an image's files, read from its layers: no container, so they work for images without a shell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from pipelinegen.config.images import FileContentTest, FileExistenceTest
from pipelinegen.edge.filesystem import Entry, ImageFiles
from pipelinegen.edge.image_tests.spec import Case, Found, check_text, judge
from pipelinegen.edge.image_tests.variables import expand

CONTENT_LIMIT = 64 * 1024 * 1024
_EXECUTABLE = {"any": 0o111, "owner": 0o100, "group": 0o010, "other": 0o001}
_KINDS = {"folder": "d", "symlink": "L", "character": "Dc", "block": "D", "fifo": "p"}


def existence_cases(
    tests: Sequence[FileExistenceTest], files: ImageFiles, variables: Mapping[str, str]
) -> Iterator[Case]:
    for test in tests:
        yield judge(test.name, "file-existence", partial(_exists, test, files, variables))


def content_cases(tests: Sequence[FileContentTest], files: ImageFiles) -> Iterator[Case]:
    for test in tests:
        yield judge(test.name, "file-content", partial(_holds, test, files))


def mode_string(entry: Entry) -> str:
    """As container-structure-test, and so Go, shows a mode: the set-uid, set-gid and sticky bits stand in front."""
    special = "".join(letter for letter, bit in (("u", 0o4000), ("g", 0o2000), ("t", 0o1000)) if entry.mode & bit)
    kind = _KINDS.get(entry.kind, "") + special
    bits = "".join(letter if entry.mode & (0o400 >> at) else "-" for at, letter in enumerate("rwxrwxrwx"))
    return (kind or "-") + bits


def _exists(test: FileExistenceTest, files: ImageFiles, variables: Mapping[str, str]) -> Found:
    path = expand(test.path, variables)
    entry = _entry(files, path)
    if entry is None:
        return Found([f"{path} is not in the image"] if test.should_exist else [])
    if not test.should_exist:
        return Found([f"{path} is in the image ({mode_string(entry)})"])
    problems = []
    shown = mode_string(entry)
    if test.permissions is not None and shown != test.permissions:
        problems.append(f"{path} has the permissions {shown}, not {test.permissions}")
    if test.is_executable_by is not None and not entry.mode & _EXECUTABLE[test.is_executable_by]:
        problems.append(f"{path} is not executable by {test.is_executable_by}: it has the permissions {shown}")
    if test.uid is not None and entry.uid != test.uid:
        problems.append(f"{path} belongs to the user {entry.uid}, not {test.uid}")
    if test.gid is not None and entry.gid != test.gid:
        problems.append(f"{path} belongs to the group {entry.gid}, not {test.gid}")
    return Found(problems)


def _entry(files: ImageFiles, path: str) -> Entry | None:
    """What stands at a path itself, be it a link; with a slash at its end a path is a folder, as for `lstat`."""
    if path.rstrip("/") == path or not path.rstrip("/"):
        return files.get(path, follow=False)
    entry = files.get(path.rstrip("/"))
    return entry if entry is not None and entry.kind == "folder" else None


def _holds(test: FileContentTest, files: ImageFiles) -> Found:
    entry = files.get(test.path)
    if entry is None:
        return Found([f"{test.path} is not in the image"])
    if entry.kind != "file":
        return Found([f"{test.path} is no file but a {entry.kind}"])
    text = files.read(test.path, CONTENT_LIMIT).decode("utf-8", "replace")
    return Found(check_text(test.expected_contents, test.excluded_contents, text, test.path))
