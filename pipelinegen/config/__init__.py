"""pipelinegen.yaml: found upwards, read as a typed model, every error with its place. The only user of pydantic.

Importing this package costs nothing: pydantic and the model come in when a file is really read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelinegen.config.load import NAMES, find, load, loads

if TYPE_CHECKING:
    from pipelinegen.config.model import Config, Delivery, Environment, Manifests

__all__ = ["NAMES", "Config", "Delivery", "Environment", "Manifests", "find", "load", "loads", "schema"]


def schema() -> dict[str, Any]:
    """The JSON Schema of pipelinegen.yaml."""
    from pipelinegen.config import json_schema

    return json_schema.schema()


def __getattr__(name: str) -> Any:
    if name in ("Config", "Delivery", "Environment", "Manifests"):
        from pipelinegen.config import model

        return getattr(model, name)
    raise AttributeError(name)
