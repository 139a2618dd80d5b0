"""Platforms as Docker spells them (linux/arm/v7): read from documents, normalised, compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_PART = re.compile(r"[A-Za-z0-9_.-]+")
# containerd/platforms, database.go: other names of the same machines.
_SYSTEMS = {"macos": "darwin"}
_MACHINES = {
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
}
_DEFAULT_VARIANTS = {"arm64": ("8", "v8"), "arm": ("7",), "amd64": ("v1",)}


def platform_of(content: object) -> str:
    """linux/arm/v7 of a descriptor's platform or of a configuration; empty where it says none."""
    if not isinstance(content, Mapping):
        return ""
    parts = [content.get(name) for name in ("os", "architecture", "variant")]
    texts = [part for part in parts if isinstance(part, str) and part]
    return "/".join(texts) if parts[0] and parts[1] else ""


def parts_of(platform: str) -> dict[str, str]:
    """The parts under the names that they have in descriptors and configurations."""
    return dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))


def normalise(platform: str) -> str | None:
    """linux/arm64 of linux/aarch64/v8, linux/arm/v7 of linux/armhf; None for what is no OS/ARCHITECTURE[/VARIANT]."""
    parts = platform.lower().split("/")
    if not 2 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
        return None
    system, machine, variant = parts[0], parts[1], parts[2] if len(parts) == 3 else ""
    system = _SYSTEMS.get(system, system)
    machine, implied = _MACHINES.get(machine, (machine, ""))
    variant = variant or implied
    if variant in _DEFAULT_VARIANTS.get(machine, ()):
        variant = ""
    if machine == "arm":
        variant = variant if variant.startswith("v") else f"v{variant}" if variant else "v7"
    return f"{system}/{machine}/{variant}" if variant else f"{system}/{machine}"


def host() -> str:
    """The platform of Linux containers on this machine."""
    import os

    return normalise(f"linux/{os.uname().machine}") or "linux/amd64"


def choose(wanted: str, offered: Iterable[str]) -> str | None:
    """The offered platform that is the wanted one under any of its names; else an older arm that it runs."""
    names = {normalise(each): each for each in offered}
    for name in _runs(normalise(wanted) or wanted):
        if name in names:
            return names[name]
    return None


def _runs(platform: str) -> list[str]:
    """The platform itself, then what its machines run too (containerd/platforms: arm v7 runs v6 and v5)."""
    front, _, variant = platform.rpartition("/v")
    if not front.endswith("/arm") or not variant.isdigit():
        return [platform]
    return [platform, *(f"{front}/v{number}" for number in range(int(variant) - 1, 4, -1))]
