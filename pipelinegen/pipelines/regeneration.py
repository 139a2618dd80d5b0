"""What becomes of each file when pipelines are written again: a plan in which no edit of the user's is lost. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pipelinegen.pipelines.blocks import Broken, Homeless, Parts, emptied, kept, names_of, parts_of, text_of
from pipelinegen.pipelines.lock import Locked, blob_id
from pipelinegen.pipelines.model import GeneratedFile

How = Literal["plain", "merge", "force"]
Action = Literal["create", "update", "unchanged", "merge", "conflict", "refuse", "remove", "leave"]


class Found(NamedTuple):
    """What stands at a path."""

    data: bytes
    executable: bool


class Merged(NamedTuple):
    """A merge of three versions; where both sides changed the same lines, it holds conflict marks."""

    text: str
    conflicts: int


# The merge of (path, id of the base, ours, theirs); None where nobody has the base any more.
Merge = Callable[[str, str, str, str], "Merged | None"]
Read = Callable[[str], "Found | None"]


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one file. after: the bytes to be there, for "refuse" those that would be; None for none."""

    path: str
    action: Action
    before: bytes | None
    after: bytes | None
    executable: bool = False
    why: str = ""

    @property
    def differs(self) -> bool:
        """Is what stands there another thing than what is generated?"""
        return self.action not in ("unchanged", "leave")

    @property
    def writes(self) -> bool:
        return self.action in ("create", "update", "merge", "conflict")


class Regeneration(NamedTuple):
    """All steps, in the order of their paths, and the lock that is true once they are done."""

    steps: tuple[Step, ...]
    lock: dict[str, Locked]

    @property
    def refused(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.action == "refuse")

    @property
    def differing(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.differs)


def plan(
    files: Iterable[GeneratedFile],
    locked: Mapping[str, Locked],
    *,
    read: Read,
    merge: Merge,
    how: How,
    in_scope: Callable[[str], bool] = lambda _: True,
) -> Regeneration:
    """The steps by which the tree gets these files.

    in_scope: whether a file that the lock knows and that is not among them would be, were it still generated.
    """
    steps: list[Step] = []
    lock = dict(locked)
    for file in files:
        step, entry = _File(file, read(file.path), locked.get(file.path), how, merge).planned()
        steps.append(step)
        lock[file.path] = entry
    there = {step.path for step in steps}
    for path in sorted(set(locked) - there):
        if not in_scope(path):
            continue
        found = read(path)
        if found is not None:
            steps.append(_gone(path, found, locked[path], how))
        if found is None or steps[-1].action == "remove":
            del lock[path]
    return Regeneration(tuple(sorted(steps, key=lambda step: step.path)), lock)


class _File:
    """One generated file, and what stands in its place."""

    def __init__(self, file: GeneratedFile, found: Found | None, locked: Locked | None, how: How, merge: Merge) -> None:
        self.file = file
        self.found = found
        self.locked = locked
        self.how = how
        self.merge = merge
        self.entry = Locked(blob_id(file.text.encode(), locked.generated if locked else ""))

    def planned(self) -> tuple[Step, Locked]:
        """The step, and what the lock says of the file after it."""
        if self.found is None:
            return self._step("create", self.file.text, "written again, though it was deleted" if self.locked else "")
        old = decoded(self.found.data)
        parts, broken = _parts(old)
        if old is None or parts is None:
            return self._edited(self.file.text, broken)
        try:
            new = text_of(kept(parts, parts_of(self.file.text)))
        except Homeless as block:
            lost = f"the block {block} holds lines and has no place in the new version"
            return self._edited(text_of(parts_of(self.file.text)), lost)
        if old == new:
            return self._same()
        if self.locked is not None and _untouched(parts, self.locked.generated, names_of(parts_of(self.file.text))):
            return self._step("update", new)
        if self._accepted(parts):
            return self._same(self.locked)
        return self._merged(old, new) if self.how == "merge" else self._edited(new, _EDITED)

    def _accepted(self, parts: Parts) -> bool:
        """Does it hold edits that --merge has kept, and nothing newer is generated?"""
        locked = self.locked
        if locked is None or locked.accepted is None or locked.generated != self.entry.generated:
            return False
        return blob_id(emptied(parts).encode(), locked.accepted) == locked.accepted

    def _edited(self, new: str, why: str) -> tuple[Step, Locked]:
        if self.how == "force":
            return self._step("update", new, why)
        unknown = self.locked is None
        return self._step("refuse", new, UNKNOWN if unknown else why)

    def _merged(self, old: str, new: str) -> tuple[Step, Locked]:
        if self.locked is None:
            return self._edited(new, "")
        merged = self.merge(self.file.path, self.locked.generated, old, new)
        if merged is None:
            return self._step("refuse", new, "the version that it was made from is not in git any more")
        if merged.conflicts:
            return self._step("conflict", merged.text, f"{merged.conflicts} conflicts to resolve")
        parts, _ = _parts(merged.text)
        accepted = emptied(parts) if parts is not None else merged.text
        entry = Locked(self.entry.generated, blob_id(accepted.encode(), self.entry.generated))
        return self._step("merge" if merged.text != old else "unchanged", merged.text)[0], entry

    def _same(self, entry: Locked | None = None) -> tuple[Step, Locked]:
        """Nothing to write, unless it is to be executable."""
        found = self.found
        if found is not None and self.file.executable and not found.executable:
            step = Step(self.file.path, "update", found.data, found.data, True, "made executable")
        else:
            data = found.data if found else None
            step = Step(self.file.path, "unchanged", data, data)
        return step, entry or self.entry

    def _step(self, action: Action, text: str, why: str = "") -> tuple[Step, Locked]:
        before = self.found.data if self.found else None
        executable = self.file.executable or (self.found is not None and self.found.executable)
        return Step(self.file.path, action, before, _encoded(text, before), executable, why), self.entry


# Why a file is refused that stands there without an entry in the lock.
UNKNOWN = "it was not written by pipelinegen"
_EDITED = "it was edited outside of the blocks that are kept"


def decoded(data: bytes) -> str | None:
    """The text with the line breaks of ours, None where it is not UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n") if _has_crlf(data) else text


def _encoded(text: str, before: bytes | None) -> bytes:
    """The text with the line breaks of the file that it takes the place of (git's core.autocrlf)."""
    return text.replace("\n", "\r\n").encode() if before is not None and _has_crlf(before) else text.encode()


def _has_crlf(data: bytes) -> bool:
    return data.count(b"\n") == data.count(b"\r\n") > 0


def _parts(text: str | None) -> tuple[Parts | None, str]:
    """The parts, or why there are none."""
    if text is None:
        return None, "it is not UTF-8"
    try:
        return parts_of(text), ""
    except Broken as error:
        return None, f"its blocks are broken: {error}"


def _untouched(parts: Parts, generated: str, blocks: frozenset[str]) -> bool:
    """Is it, but for the contents of blocks and for blocks that the user has made, as it was generated?"""
    own = names_of(parts) - blocks
    return any(blob_id(emptied(parts, without).encode(), generated) == generated for without in (frozenset(), own))


def _gone(path: str, found: Found, locked: Locked, how: How) -> Step:
    """A file that is generated no longer goes, unless somebody has edited it."""
    text = decoded(found.data)
    if how == "force" or (text is not None and blob_id(text.encode(), locked.generated) == locked.generated):
        return Step(path, "remove", found.data, None)
    return Step(path, "leave", found.data, found.data, why="it is generated no longer, and was edited")
