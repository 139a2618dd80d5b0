"""The built-in engine: images from Dockerfiles without RUN, by the standard library alone, always the same bytes."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from pipelinegen import __version__
from pipelinegen.edge.engines.annotate import annotate
from pipelinegen.edge.engines.arguments import context_of, dockerfile_of, epoch, secret_looking
from pipelinegen.edge.engines.builtin.context import Context
from pipelinegen.edge.engines.builtin.origins import Origins
from pipelinegen.edge.engines.builtin.reading import Source, ignored_in
from pipelinegen.edge.engines.builtin.refusing import WAYS_OUT, refuse, refused
from pipelinegen.edge.engines.builtin.stage import Bad, Built, StageBuild, Surroundings
from pipelinegen.edge.engines.port import (
    NONE,
    RUN_SECONDS,
    BuildRequest,
    Container,
    Detected,
    Ran,
    Setup,
    State,
    Tell,
    silent,
)
from pipelinegen.edge.engines.port import Built as BuiltImage
from pipelinegen.edge.layout import Descriptor, Layout, make_index
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.dockerfile import Instruction, Malformed, Problem
from pipelinegen.images.dockerfile.needed import Asked, Needed, global_arguments, needed
from pipelinegen.images.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from pipelinegen.images.platforms import host, normalise, platform_of

if TYPE_CHECKING:
    from pipelinegen.edge.engines.builtin.layer import Files
    from pipelinegen.edge.registry import Registry


class Oci:
    """Copies, and reads bases from registries. It runs no container, so it can test only files and settings."""

    name = "oci"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._closed = threading.Event()

    def __enter__(self) -> Oci:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def detect(self) -> Detected:
        return Detected(self.name, __version__, True, "the built-in engine oci, for Dockerfiles without RUN")

    def lacks(self, request: BuildRequest) -> str | None:
        if request.attest:
            return "attestations (attest): they are buildx's"
        source = _source(request)
        problem = next(
            (found for each in _platforms(request) for found in refused(source, _stages(source, request, each))), None
        )
        return None if problem is None else f"{source.where(problem)}: {problem.what}"

    def build(self, request: BuildRequest, folder: Path, tell: Tell = silent) -> BuiltImage:
        if request.attest:
            raise InputError(
                "the built-in engine makes no attestations (attest)", id="engine-lacks", next="use --engine buildx"
            )
        source = _source(request)
        stages = {platform: _stages(source, request, platform) for platform in _platforms(request)}
        refuse(source, [each for found in stages.values() for each in found])
        for warning in secret_looking(request.build_args):
            tell(warning)
        layout = Layout.create(folder)
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pipelinegen-oci-")))
            registry = self._opened(stack, tell)
            images = [
                _Image(source, request, layout, scratch, platform, registry, tell, self._check).build(found)
                for platform, found in stages.items()
            ]
        root = images[0]
        if len(images) > 1:
            root = layout.add_document(make_index(images), OCI_INDEX)
        layout.set_root(root)
        annotate(layout, request.annotations)
        layout.prune()
        return BuiltImage(layout)

    def load(self, layout: Layout, digest: str | None = None) -> str:
        del layout, digest
        raise _runs_nothing()

    def run(
        self,
        local: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] = NONE,
        timeout: float = RUN_SECONDS,
        keep: bool = False,
    ) -> Ran:
        del local, argv, env, timeout, keep
        raise _runs_nothing()

    def start(self, local: str, *, ports: Sequence[int] = (), env: Mapping[str, str] = NONE) -> Container:
        del local, ports, env
        raise _runs_nothing()

    def addresses(self, container: Container, port: int) -> tuple[tuple[str, int], ...]:
        del container, port
        raise _runs_nothing()

    def state(self, container: Container) -> State:
        del container
        raise _runs_nothing()

    def logs(self, container: Container) -> bytes:
        del container
        raise _runs_nothing()

    def stop(self, container: Container) -> None:
        """There is none that could run."""

    def remove(self, container: Container) -> None:
        """There is none that could be there."""

    def close(self) -> None:
        self._closed.set()

    def _check(self) -> None:
        if self._closed.is_set():
            raise WorldError("the build was stopped", id="interrupted")

    def _opened(self, stack: ExitStack, tell: Tell) -> Callable[[], Registry]:
        """The client of registries, opened with the first base that is not scratch."""
        opened: list[Registry] = []

        def registry() -> Registry:
            from pipelinegen.edge.registry import Registry

            if not opened:
                environ = os.environ if self._setup.environ is None else self._setup.environ
                client = Registry((), environ=environ, logins=self._setup.logins, tell=lambda line: _tell(tell, line))
                opened.append(stack.enter_context(client))
            return opened[0]

        return registry


class _Image:
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
            global_args=global_arguments(source.dockerfile, _asked(request, platform)),
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

    def _at(self, instruction: Instruction, do: Callable[[], Built | None]) -> Built:
        """What goes wrong is told at the place of the instruction."""
        try:
            return do()  # type: ignore[return-value]
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
            "layers": [layer._replace(annotations={}).data() for layer in built.layers],
        }
        return layout.add_document(manifest, OCI_MANIFEST)._replace(platform=platform_of(content))


def _source(request: BuildRequest) -> Source:
    path = dockerfile_of(request)
    name = os.path.relpath(path, request.root)
    return Source(path, name if not name.startswith("..") else str(path))


def _platforms(request: BuildRequest) -> list[str]:
    names = []
    for written in request.platforms:
        name = normalise(written)
        if name is None or not name.startswith("linux/"):
            raise InputError(f"{written} is no platform of Linux: linux/amd64, linux/arm64", id="bad-platform")
        names.append(name)
    return list(dict.fromkeys(names)) or [host()]


def _asked(request: BuildRequest, platform: str) -> Asked:
    return Asked(platform, host(), request.build_args, request.contexts, request.target)


def _stages(source: Source, request: BuildRequest, platform: str) -> list[Needed]:
    try:
        return needed(source.dockerfile, _asked(request, platform))
    except Malformed as error:
        raise source.wrong(error.problems) from None


def _label(each: Needed) -> str:
    return each.stage.name or f"stage {each.stage.number}"


def _tell(tell: Tell, line: str) -> None:
    tell(line)


def _runs_nothing() -> WorldError:
    return WorldError("the built-in engine runs no containers", id="engine-missing", next=WAYS_OUT)
