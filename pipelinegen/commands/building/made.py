"""What became of one image: built, unchanged or not pushed, under which digest and tags, with which tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipelinegen.commands.building.asked import Wanted
from pipelinegen.errors import PipelinegenError
from pipelinegen.images.reference import ImageReference
from pipelinegen.images.tags import TagPlan

if TYPE_CHECKING:
    from pipelinegen.edge.image_tests.spec import TestReport

Result = Literal["built", "unchanged", "unpushed"]


class Made(NamedTuple):
    """`tags` are those that hold the image now. `layout` is where its bytes are, where it was built here, and `local`
    the engine's name of it. `notes` is what a person should know: a tag that stayed where it was, and why."""

    wanted: Wanted
    result: Result
    digest: str
    tags: tuple[str, ...]
    plan: TagPlan
    inputs: str = ""
    platforms: tuple[str, ...] = ()
    tests: TestReport | None = None
    engine: str | None = None
    notes: tuple[str, ...] = ()
    layout: Path | None = None
    local: str | None = None

    @property
    def tag(self) -> str | None:
        """The tag that is handed on: the most exact of those that hold it."""
        fixed = [tag.name for tag in self.plan.fixed if tag.name in self.tags]
        return next(iter([*fixed, *self.tags]), None)

    @property
    def reference(self) -> ImageReference:
        return self.wanted.repository._replace(tag=self.tag, digest=self.digest)

    @property
    def pinned(self) -> ImageReference:
        """By its digest alone, as other images are built from it."""
        return self.wanted.repository._replace(tag=None, digest=self.digest)


class Failed(NamedTuple):
    """An image that could not be made; `tests` where it was they that have failed."""

    wanted: Wanted
    error: PipelinegenError
    tests: TestReport | None = None
