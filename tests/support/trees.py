"""Manifest repositories in memory, and one call from files and references to the bumped files and the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipelinegen.images.reference import parse
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.plan import Plan
from pipelinegen.manifests.planning import make_plan
from pipelinegen.manifests.request import Request, request_of
from pipelinegen.manifests.splice import apply
from pipelinegen.manifests.tree import Unreadable


class Memory:
    """A tree of regular files; `unreadable` says of some listed files why they must not be read."""

    def __init__(self, files: Mapping[str, bytes | str], unreadable: Mapping[str, str] | None = None) -> None:
        self.files = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
        self.unreadable = dict(unreadable or {})

    def paths(self) -> Sequence[str]:
        return sorted(self.files)

    def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
        return [
            [path for path, data in sorted(self.files.items()) if any(word in data for word in words)]
            for words in groups
        ]

    def read(self, path: str) -> bytes:
        if path in self.unreadable:
            raise Unreadable(self.unreadable[path])
        return self.files[path]


class Bumped(NamedTuple):
    """What a bump made of a tree: all its files, and the plan."""

    files: dict[str, bytes]
    plan: Plan

    def text(self, path: str = "a.yaml") -> str:
        return self.files[path].decode()

    @property
    def reasons(self) -> list[str]:
        """`file:line:column: reason` of all that was left alone."""
        return [f"{skip.file}:{skip.line}:{skip.column}: {skip.reason}" for skip in self.plan.skipped]

    @property
    def warnings(self) -> list[str]:
        """The reasons that a person is told without asking."""
        return [f"{skip.file}:{skip.line}:{skip.column}: {skip.reason}" for skip in self.plan.skipped if skip.warn]

    @property
    def changes(self) -> list[tuple[str, int, int, str, str]]:
        return [(edit.file, edit.line, edit.column, edit.before, edit.after) for edit in self.plan.edits]


def requests(references: Sequence[str]) -> list[Request]:
    """The requests that references state."""
    return [request_of(parse(reference)) for reference in references]


def bump(
    files: Mapping[str, bytes | str] | Memory | str | bytes, *references: str, selection: Selection | None = None
) -> Bumped:
    """The bumped files; a single text stands for `a.yaml`. A second plan on the result must find nothing to do."""
    if isinstance(files, (str, bytes)):
        files = {"a.yaml": files}
    tree = files if isinstance(files, Memory) else Memory(files)
    plan = make_plan(tree, requests(references), selection)
    after = Memory({**tree.files, **apply(plan, tree)}, tree.unreadable)
    again = make_plan(after, requests(references), selection)
    if again.edits:
        raise AssertionError(f"a second bump is not idle: {again.edits}")
    return Bumped(after.files, plan)
