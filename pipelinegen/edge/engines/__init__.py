"""The engines that build and run images, and which of them is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from pipelinegen.errors import InputError, WorldError

if TYPE_CHECKING:
    from pipelinegen.edge.engines.port import Detected, Engine, Setup

AUTO = "auto"


def _engine(module: str, name: str) -> Callable[[Setup], Engine]:
    """Imported when it is made: a build of what is unchanged makes none, and should not wait for all of them."""

    def make(setup: Setup) -> Engine:
        kind = getattr(import_module(f"pipelinegen.edge.engines.{module}"), name)
        return cast("Engine", kind(setup))

    return make


# In the order in which `auto` tries them.
ENGINES: Mapping[str, Callable[[Setup], Engine]] = MappingProxyType(
    {
        "buildx": _engine("buildx", "Buildx"),
        "docker": _engine("docker", "Docker"),
        "podman": _engine("podman", "Podman"),
        "buildah": _engine("buildah", "Buildah"),
        "oci": _engine("oci", "Oci"),
    }
)


def choose(wanted: str = AUTO, setup: Setup | None = None) -> tuple[Engine, str]:
    """The engine to use, not yet entered, and a sentence that says why.

    wanted: a name of ENGINES, or auto: the first that works. Raises InputError for a name that is none, WorldError
    (engine-missing) for a named engine that does not work here. `auto` always finds one: the built-in `oci`.
    """
    from pipelinegen.edge.engines.port import Setup

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
    from pipelinegen.edge.engines.port import Setup

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
