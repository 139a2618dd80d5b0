"""Asking registries about images: found by their credentials, over HTTP, imported only by commands that ask."""

from __future__ import annotations

from pipelinegen.edge.registry.client import Found, Missing, Registry, Tags, Unknown
from pipelinegen.edge.registry.verify import pin, verify

__all__ = ["Found", "Missing", "Registry", "Tags", "Unknown", "pin", "verify"]
