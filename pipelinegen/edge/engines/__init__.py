"""The engines that build and run images, and which of them is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pipelinegen.edge.engines.buildah import Buildah
from pipelinegen.edge.engines.buildx import Buildx
from pipelinegen.edge.engines.docker import Docker
from pipelinegen.edge.engines.oci import Oci
from pipelinegen.edge.engines.podman import Podman
from pipelinegen.edge.engines.port import Detected, Engine, Setup
from pipelinegen.errors import InputError, WorldError

AUTO = "auto"
# In the order in which `auto` tries them.
ENGINES: Mapping[str, Callable[[Setup], Engine]] = MappingProxyType(
    {
        "buildx": Buildx,
        "docker": Docker,
        "podman": Podman,
        "buildah": Buildah,
        "oci": Oci,
    }
)


def choose(wanted: str = AUTO, setup: Setup | None = None) -> tuple[Engine, str]:
    """The engine to use, not yet entered, and a sentence that says why.

    wanted: a name of ENGINES, or auto: the first that works. Raises InputError for a name that is none, WorldError
    (engine-missing) for a named engine that does not work here. `auto` always finds one: the built-in `oci`.
    """
    setup = setup or Setup()
    if wanted != AUTO and wanted not in ENGINES:
        raise InputError(f'"{wanted}" is no engine; there are {", ".join((AUTO, *ENGINES))}', id="bad-config")
    refused: list[str] = []
    for name, make in ENGINES.items():
        if wanted not in (AUTO, name):
            continue
        engine = make(setup)
        found = engine.detect()
        if found.works:
            return engine, _why(found, wanted, refused)
        engine.close()
        refused.append(f"{name}: {found.reason}")
    raise WorldError(
        f"the engine {wanted} does not work here: {refused[-1].partition(': ')[2]}",
        id="engine-missing",
        next="install or start it, or leave the choice to --engine auto",
    )


def detect_all(setup: Setup | None = None) -> list[Detected]:
    """What each engine says of itself here, for `doctor`."""
    found = []
    for make in ENGINES.values():
        engine = make(setup or Setup())
        try:
            found.append(engine.detect())
        finally:
            engine.close()
    return found


def _why(found: Detected, wanted: str, refused: list[str]) -> str:
    if wanted != AUTO:
        return f"{found.reason}, as asked"
    return f"{found.reason}" + (f" ({'; '.join(refused)})" if refused else "")
