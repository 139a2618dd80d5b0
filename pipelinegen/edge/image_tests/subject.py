"""The image under test: in the layout for what reads it, in the engine for what runs it, loaded when that is needed."""

from __future__ import annotations

import threading

from pipelinegen.edge.engines.port import Engine
from pipelinegen.edge.layout import Layout
from pipelinegen.errors import PipelinegenError, WorldError


class Subject:
    """One image of a layout, by the digest of its manifest."""

    def __init__(self, layout: Layout, digest: str, engine: Engine | None, local: str | None) -> None:
        self.layout = layout
        self.digest = digest
        self._engine = engine
        self._local = local
        self._error: PipelinegenError | None = None
        self._lock = threading.Lock()

    def engine(self) -> Engine:
        """The engine that runs it; raises where there is none."""
        if self._engine is None:
            raise WorldError(
                "there is no engine to run the image with",
                id="engine-missing",
                next="install docker, podman or buildah, or test files and metadata alone, which need none",
            )
        return self._engine

    def local(self) -> str:
        """The engine's name of it. A load that has failed is not tried again."""
        engine = self.engine()
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._local is None:
                try:
                    self._local = engine.load(self.layout, self.digest)
                except PipelinegenError as error:
                    self._error = error
                    raise
            return self._local

    def variables(self, reference: str | None) -> dict[str, str]:
        """By which commands on this machine find it: IMAGE for the engine's tools, the layout for all others."""
        if reference is None:
            try:
                reference = self.local()
            except PipelinegenError:
                reference = f"oci:{self.layout.folder}"
        return {"IMAGE": reference, "IMAGE_LAYOUT": str(self.layout.folder), "IMAGE_DIGEST": self.digest}
