"""A work tree that is judged and put back after each run, outside the measured time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.check import Verdict, check_expected, judge
from bench.marks import ChangedLine
from bench.repository import blobs, git


class WorkTree:
    """The checked out repository of a case: `after(lines)` judges a run that should have changed `lines`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def after(self, lines: Sequence[ChangedLine]) -> Callable[[], Verdict]:
        """A judge for one contender: its first run is compared byte by byte, later ones where git sees a change."""
        seen: list[Verdict] = []

        def judge_and_restore() -> Verdict:
            changed = self._changed_paths()
            verdict = self._judge(changed, lines) if seen else check_expected(self.folder, lines)
            seen.append(verdict)
            self._restore(changed)
            return verdict

        return judge_and_restore

    def _judge(self, changed: Sequence[str], lines: Sequence[ChangedLine]) -> Verdict:
        before = blobs(self.folder, "HEAD", sorted({*changed, *(line.file for line in lines)}))
        now = {path: self._read(path) for path in changed}
        return judge(before, {path: data for path, data in now.items() if data != before.get(path)}, lines)

    def _read(self, path: str) -> bytes | None:
        file = self.folder / path
        return file.read_bytes() if file.is_file() and not file.is_symlink() else None

    def _changed_paths(self) -> list[str]:
        dirty = git(self.folder, "diff-files", "--name-only", "-z").decode().split("\0")[:-1]
        return dirty + git(self.folder, "ls-files", "--others", "-z").decode().split("\0")[:-1]

    def _restore(self, changed: Sequence[str]) -> None:
        """Write back the changed files only: the page cache and the index stay as warm as they were."""
        before = blobs(self.folder, "HEAD", changed)
        for path in changed:
            file = self.folder / path
            if path in before:
                file.write_bytes(before[path])
            else:
                file.unlink()
        if changed:
            git(self.folder, "reset", "--quiet", "HEAD")
