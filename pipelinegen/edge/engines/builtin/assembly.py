"""The image of one platform: its stages one after the other, then its configuration and manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipelinegen.edge.engines.arguments import context_of, dockerfile_of, epoch
from pipelinegen.edge.engines.builtin.context import Context
from pipelinegen.edge.engines.builtin.origins import Origins
from pipelinegen.edge.engines.builtin.reading import Source, ignored_in
from pipelinegen.edge.engines.builtin.stage import Bad, Built, StageBuild, Surroundings
from pipelinegen.edge.engines.port import BuildRequest, Tell
from pipelinegen.edge.layout import NOTHING, Descriptor, Layout
from pipelinegen.errors import InputError
from pipelinegen.images.dockerfile import Instruction, Problem
from pipelinegen.images.dockerfile.needed import Asked, Needed, global_arguments
from pipelinegen.images.media_types import OCI_CONFIG, OCI_MANIFEST
from pipelinegen.images.platforms import host, platform_of

if TYPE_CHECKING:
    from pipelinegen.edge.engines.builtin.layer import Files
    from pipelinegen.edge.registry import Registry

T = TypeVar("T")


class Assembly:
    """The image of one platform."""

    def __init__(
        self,
        source: Source,
        request: BuildRequest,
        layout: Layout,
        scratch: Path,
        platform: str,
        registry: Callable[[], Registry],
        tell: Tell,
        check: Callable[[], None],
    ) -> None:
        self._source = source
        self._request = request
        self._asked_for = platform if request.platforms else None
        self._check = check
        seconds = epoch(request) or 0
        context = context_of(request)
        self._around = Surroundings(
            layout=layout,
            scratch=scratch,
            escape=source.dockerfile.escape,
            seconds=seconds,
            created=datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            build_args=request.build_args,
            global_args=global_arguments(source.dockerfile, asked_of(request, platform)),
            tell=tell,
        )
        self._context = Context(context, ignored_in(context, dockerfile_of(request)), seconds)
        self._origins = Origins(self._around, registry, request.root, platform, strict=self._asked_for is not None)
        self._built: dict[int, Built] = {}

    def build(self, stages: Sequence[Needed]) -> Descriptor:
        for each in stages:
            self._built[each.stage.number] = self._stage(each)
        return self._store(self._built[stages[-1].stage.number])

    def _stage(self, each: Needed) -> Built:
        start = self._at(each.stage.source, lambda: self._start(each))
        self._around.tell(f"{_label(each)}: FROM {each.stage.base.text}")
        build = StageBuild(start, self._around, lambda instruction: self._files(each, instruction))
        for instruction in each.stage.instructions:
            self._check()
            self._around.tell(f"{_label(each)}: {instruction.name} {instruction.text}"[:200])
            self._at(instruction, lambda: build.carry_out(instruction))  # noqa: B023 - called at once
        return build.built

    def _start(self, each: Needed) -> Built:
        if each.base.stage is not None:
            return self._built[each.base.stage].upon()
        return self._origins.start(each.base)

    def _files(self, each: Needed, instruction: Instruction) -> Files:
        origin = each.sources.get(instruction.place)
        if origin is None:
            return self._context
        return self._built[origin.stage].files if origin.stage is not None else self._origins.files(origin)

    def _at(self, instruction: Instruction, do: Callable[[], T]) -> T:
        """What goes wrong is told at the place of the instruction."""
        try:
            return do()
        except Bad as error:
            problem = Problem(error.place or instruction.place, error.what)
            raise self._source.wrong([problem], id="bad-dockerfile") from None
        except InputError as error:
            if error.id != "bad-dockerfile":
                raise
            raise self._source.wrong(
                [Problem(instruction.place, error.what)], id="bad-dockerfile", next=error.next
            ) from None

    def _store(self, built: Built) -> Descriptor:
        settings = built.settings
        if self._request.labels:
            settings.values["Labels"] = {**(settings.values.get("Labels") or {}), **self._request.labels}
        content = settings.finished(self._around.created, self._asked_for)
        layout = self._around.layout
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": layout.add_document(content, OCI_CONFIG).data(),
            "layers": [layer._replace(annotations=NOTHING).data() for layer in built.layers],
        }
        return layout.add_document(manifest, OCI_MANIFEST)._replace(platform=platform_of(content))


def asked_of(request: BuildRequest, platform: str) -> Asked:
    """What a request asks of its Dockerfile for one platform."""
    return Asked(platform, host(), request.build_args, request.contexts, request.target)


def _label(each: Needed) -> str:
    return each.stage.name or f"stage {each.stage.number}"
