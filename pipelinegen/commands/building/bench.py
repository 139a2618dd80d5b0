"""What the images of one build share: options, source, report, the engine once it is needed, a place for layouts."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelinegen.commands.building.asked import BuildOptions, Wanted
from pipelinegen.commands.building.source import Source, own_files
from pipelinegen.commands.connect import mask
from pipelinegen.errors import WorldError
from pipelinegen.images.tags import NOTHING_KNOWN, Known
from pipelinegen.redact import Secret, unfit
from pipelinegen.report import Report

if TYPE_CHECKING:
    from pipelinegen.config import Config
    from pipelinegen.edge.engines.port import Engine, Setup
    from pipelinegen.edge.registry import Registry

FOLDER_PREFIX = "pipelinegen-build-"


class Bench:
    """Use in a `with` block: it ends the engine's work and removes the layouts, whatever happens."""

    def __init__(self, options: BuildOptions, config: Config, source: Source, images: Iterable[Wanted], report: Report):
        self.options = options
        self.config = config
        self.source = source
        self.report = report
        self.pushes = options.push is not False and not source.fork
        self.tests = options.test is not False
        self.live = True
        self.own_files = own_files(options)
        self.known: Known = NOTHING_KNOWN
        self.hosts = frozenset(each.registry for image in images for each in image.repositories)
        self._engine: Engine | None = None
        self._stopped = threading.Event()
        self._folder: Path | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._engine is not None:
                self._engine.close()
        finally:
            if self._folder is not None:
                _remove(self._folder)

    def stop(self) -> None:
        """End what the engine is doing, from another thread than the one that waits for it."""
        # First this: an engine that is being chosen at this moment is seen by whoever chooses it.
        self._stopped.set()
        if self._engine is not None:
            self._engine.close()

    def engine(self) -> Engine:
        """The engine, chosen when the first image needs it: what is unchanged needs none."""
        from pipelinegen.edge.engines import choose

        with self._lock:
            if self._engine is None:
                engine, why = choose(self.options.engine or self.config.build.engine, self._setup())
                self.report.say(f"engine: {why}")
                self._engine = engine.__enter__()
            if self._stopped.is_set():
                self._engine.close()
                raise _stopped()
            return self._engine

    def folder(self) -> Path:
        """A folder of ours alone, for layouts."""
        import tempfile

        with self._lock:
            if self._folder is None:
                try:
                    self._folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
                except OSError as error:
                    raise WorldError(
                        f"no temporary folder can be made: {error.strerror}", id="disk", next="set TMPDIR to another"
                    ) from None
            return self._folder

    @contextmanager
    def registry(self, patience: float | None = None) -> Iterator[Registry]:
        """What asks registries, in this thread."""
        from pipelinegen.edge.http import Clock
        from pipelinegen.edge.registry import Registry
        from pipelinegen.edge.registry.client import PATIENCE_SECONDS

        with Registry(
            self.hosts,
            environ=os.environ,
            clock=Clock(sleep=self._wait),
            patience=PATIENCE_SECONDS if patience is None else patience,
            warn=self.report.warn,
            tell=self.report.detail,
            on_secret=self._learn,
        ) as registry:
            yield registry

    def _wait(self, seconds: float) -> None:
        """Between two tries of a request, unless the build is stopped meanwhile."""
        if self._stopped.wait(seconds):
            raise _stopped()

    def _learn(self, name: str, value: str) -> None:
        if not unfit(value):
            with self._lock:
                mask(self.report, Secret(name, value))

    def _setup(self) -> Setup:
        """The logins that CI gives us in variables; those in files the engines find by themselves."""
        from pipelinegen.edge.engines.port import Setup
        from pipelinegen.edge.registry.credentials import VARIABLE_SOURCES, Keyring

        keyring = Keyring(os.environ, self.hosts, warn=self.report.warn, on_secret=self._learn)
        gitlab = os.environ.get("CI_REGISTRY", "").lower()
        asked = sorted({*(self.hosts if keyring.has_own else ()), *filter(None, [gitlab])})
        found = {host: keyring.find(host, "") for host in asked}
        logins = {host: login for host, login in found.items() if login and login.source in VARIABLE_SOURCES}
        return Setup(logins, registries=tuple(sorted(self.hosts)))


def _stopped() -> WorldError:
    return WorldError("the build was stopped", id="interrupted")


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
