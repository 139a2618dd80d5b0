"""Compare a tree after a bump with the expected lines: none missing, none extra, every other byte as it was.

    python -m bench.check DIRECTORY [--image IMAGE]...

DIRECTORY is what bench.generate made. The work tree is read whole, file by file; nothing is believed from the index.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from bench.generate import read_expected
from bench.marks import ChangedLine
from bench.repository import blobs, git


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bump did to the tree; `extra` holds "file:line" of lines and whole files that should not have changed."""

    expected: int
    right: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def exact(self) -> bool:
        return not self.missing and not self.extra

    def __str__(self) -> str:
        head = f"{self.right} of {self.expected} lines right, {len(self.missing)} missing, {len(self.extra)} extra"
        return "\n".join([head, *(f"missing {at}" for at in self.missing), *(f"extra   {at}" for at in self.extra)])


def check_expected(repository: Path, lines: Collection[ChangedLine], base: str = "HEAD") -> Verdict:
    """Judge the work tree against the commit `base`."""
    changed, extra = _changes_of_work_tree(repository, base)
    paths = sorted({line.file for line in lines} | set(changed))
    return judge(blobs(repository, base, paths), changed, lines, extra)


def check_commit(repository: Path, base: str, commit: str, lines: Collection[ChangedLine]) -> Verdict:
    """Judge the commit `commit` against the commit `base`; the repository may be bare."""
    listing = git(repository, "diff-tree", "-r", "-z", "--no-renames", "--raw", base, commit).decode()
    fields = listing.split("\0")[:-1]
    modes = {path: raw[1:].split(" ")[:2] for raw, path in zip(fields[::2], fields[1::2], strict=True)}
    extra = [f"{path}: mode {old} is {new}" for path, (old, new) in modes.items() if old != new]
    paths = sorted({line.file for line in lines} | set(modes))
    after = blobs(repository, commit, paths)
    return judge(blobs(repository, base, paths), {path: after.get(path) for path in modes}, lines, extra)


def judge(
    before: Mapping[str, bytes],
    changed: Mapping[str, bytes | None],
    lines: Collection[ChangedLine],
    extra: Iterable[str] = (),
) -> Verdict:
    """Judge the changed files (None: deleted) against the expected lines."""
    by_file: dict[str, list[ChangedLine]] = defaultdict(list)
    for line in sorted(lines):
        by_file[line.file].append(line)
    missing: list[str] = []
    surplus = list(extra)
    for path in sorted({*by_file, *changed}):
        was, now = before.get(path, b""), changed.get(path, before.get(path))
        if now is None or path not in before:
            surplus.append(f"{path}: {'deleted' if now is None else 'made'}")
        else:
            lost, more = _damage(path, after_bump(was, by_file[path]), now, {line.line for line in by_file[path]})
            missing += lost
            surplus += more
    return Verdict(len(lines), len(lines) - len(missing), tuple(missing), tuple(surplus))


def after_bump(before: bytes, lines: Iterable[ChangedLine]) -> bytes:
    """The file with its expected lines, which are in order. Raises ValueError if it is not the file they are for."""
    result = before.split(b"\n")
    for line in lines:
        if line.before is None:
            result.insert(line.line - 1, line.after.encode())
        elif result[line.line - 1] == line.before.encode():
            result[line.line - 1] = line.after.encode()
        else:
            raise ValueError(f"{line.file}:{line.line}: the repository is not the one that the expected lines are for")
    return b"\n".join(result)


def _damage(path: str, wanted: bytes, now: bytes, expected: set[int]) -> tuple[list[str], list[str]]:
    """Where the file is not as wanted: expected lines that it lacks, and other lines changed, lost or made."""
    missing: list[str] = []
    extra: list[str] = []
    if wanted == now:
        return missing, extra
    matcher = SequenceMatcher(None, wanted.split(b"\n"), now.split(b"\n"), autojunk=False)
    for kind, start, end, now_start, now_end in matcher.get_opcodes():
        if kind != "equal":
            here = [number for number in range(start + 1, end + 1) if number in expected]
            missing += [f"{path}:{number}" for number in here]
            others = max(end - start, now_end - now_start) - len(here)
            extra += [f"{path}:{now_start + 1 + number}" for number in range(others)]
    return missing, extra


def _changes_of_work_tree(repository: Path, base: str) -> tuple[dict[str, bytes | None], list[str]]:
    """The files whose bytes differ from `base` (None: deleted); what else is not as it was: modes, new files."""
    listing = git(repository, "ls-tree", "-r", "-z", base).decode().split("\0")[:-1]
    entries = {path: meta.split(" ") for meta, _, path in (entry.partition("\t") for entry in listing)}
    extra = [f"{path}: made" for path in _files_of(repository) if path not in entries]
    present = []
    changed: dict[str, bytes | None] = {}
    for path, (mode, _, _) in entries.items():
        file = repository / path
        if file.is_symlink() or not file.is_file():
            changed[path] = None
        else:
            present.append(path)
            if bool(file.stat().st_mode & 0o100) != (mode == "100755"):
                extra.append(f"{path}: mode {mode} is {file.stat().st_mode:o}")
    feed = "".join(f"{path}\n" for path in present).encode()
    names = git(repository, "hash-object", "--no-filters", "--stdin-paths", feed=feed).decode().split()
    differ = [path for path, name in zip(present, names, strict=True) if name != entries[path][2]]
    return changed | {path: (repository / path).read_bytes() for path in differ}, extra


def _files_of(repository: Path) -> list[str]:
    """Every path that is not git's own: untracked and ignored files count."""
    return git(repository, "ls-files", "-z", "--cached", "--others").decode().split("\0")[:-1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.check", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path, help="what bench.generate made")
    parser.add_argument("--image", action="append", help="the images that were bumped (default: the first)")
    given = parser.parse_args()
    expected = given.directory / "expected.json"
    images = given.image or json.loads(expected.read_text(encoding="utf-8"))["images"][:1]
    lines = [line for line in read_expected(expected) if line.image in images]
    verdict = check_expected(given.directory / "repository", lines)
    print(verdict)
    sys.exit(0 if verdict.exact else 1)


if __name__ == "__main__":
    main()
