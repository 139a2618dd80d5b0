"""The built-in engine: images from Dockerfiles without RUN, by the standard library alone, always the same bytes."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pipelinegen import __version__
from pipelinegen.edge.engines.annotate import annotate
from pipelinegen.edge.engines.arguments import dockerfile_of
from pipelinegen.edge.engines.builtin.assembly import Assembly, asked_of
from pipelinegen.edge.engines.builtin.reading import Source
from pipelinegen.edge.engines.builtin.refusing import WAYS_OUT, refuse, refused
from pipelinegen.edge.engines.port import (
    NONE,
    RUN_SECONDS,
    BuildRequest,
    Built,
    Container,
    Detected,
    Ran,
    Setup,
    State,
    Tell,
    silent,
)
from pipelinegen.edge.layout import Layout, make_index
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.dockerfile import Malformed
from pipelinegen.images.dockerfile.needed import Needed, needed
from pipelinegen.images.media_types import OCI_INDEX
from pipelinegen.images.platforms import host, normalise

if TYPE_CHECKING:
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

    def build(self, request: BuildRequest, folder: Path, tell: Tell = silent) -> Built:
        if request.attest:
            raise InputError(
                "the built-in engine makes no attestations (attest)", id="engine-lacks", next="use --engine buildx"
            )
        source = _source(request)
        stages = {platform: _stages(source, request, platform) for platform in _platforms(request)}
        refuse(source, [each for found in stages.values() for each in found])
        layout = Layout.create(folder)
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pipelinegen-oci-")))
            registry = self._opened(stack, tell)
            images = [
                Assembly(source, request, layout, scratch, platform, registry, tell, self._check).build(found)
                for platform, found in stages.items()
            ]
        root = images[0]
        if len(images) > 1:
            root = layout.add_document(make_index(images), OCI_INDEX)
        layout.set_root(root)
        annotate(layout, request.annotations)
        layout.prune()
        return Built(layout)

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

        def told(line: str) -> None:
            tell(line)

        def registry() -> Registry:
            from pipelinegen.edge.registry import Registry

            if not opened:
                environ = os.environ if self._setup.environ is None else self._setup.environ
                client = Registry((), environ=environ, logins=self._setup.logins, tell=told)
                opened.append(stack.enter_context(client))
            return opened[0]

        return registry


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


def _stages(source: Source, request: BuildRequest, platform: str) -> list[Needed]:
    try:
        return needed(source.dockerfile, asked_of(request, platform))
    except Malformed as error:
        raise source.wrong(error.problems) from None


def _runs_nothing() -> WorldError:
    return WorldError("the built-in engine runs no containers", id="engine-missing", next=WAYS_OUT)
