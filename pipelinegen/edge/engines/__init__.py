"""The engines that build and run images, and which of them is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pipelinegen.edge.engines.port import Detected, Engine, Setup

# In the order in which `auto` tries them.
ENGINES: Mapping[str, Callable[[Setup], Engine]] = MappingProxyType({})


def choose(wanted: str = "auto", setup: Setup | None = None) -> tuple[Engine, str]:
    """The engine to use, not yet entered, and a sentence that says why.

    wanted: a name of ENGINES, or auto: the first that works. Raises InputError for a name that is none, WorldError
    (engine-missing) for a named engine that does not work here. `auto` always finds one: the built-in `oci`.
    """
    raise NotImplementedError


def detect_all(setup: Setup | None = None) -> list[Detected]:
    """What each engine says of itself here, for `doctor`."""
    raise NotImplementedError
