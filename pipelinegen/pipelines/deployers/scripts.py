"""The shell scripts of the deployers: files under templates/deploy/, the same in every CI system."""

from __future__ import annotations

from functools import cache

from pipelinegen.pipelines import pins
from pipelinegen.pipelines.model import Fact, Literally, Run
from pipelinegen.shipped import template_root

TEMPORARY = Fact("temporary-folder")


@cache
def script(*paths: str) -> tuple[str, ...]:
    """The lines of one script, or of several that run one after the other in the same shell."""
    return tuple(line for path in paths for line in _lines(path))


@cache
def install(tool: str) -> Run:
    """A step that brings a program of tools.lock."""
    pinned = pins.tools()[tool]
    env = {"TOOL": Literally(tool)}
    for arch, checksum in pinned.sha256.items():
        for name, text in (("URL", pinned.url), ("MEMBER", pinned.member), ("SHA256", checksum)):
            env[f"{name}_{arch.upper()}"] = Literally(
                text.format(version=pinned.version, arch=pinned.arch.get(arch, arch))
            )
    return Run(f"Install {tool} {pinned.version}", script("tools/install.sh"), env, installs=True)


def _lines(path: str) -> list[str]:
    text = template_root().joinpath("deploy", *path.split("/")).read_text(encoding="utf-8")
    # Those are for the editor and the linter of this repository.
    return [line for line in text.splitlines() if not line.startswith("# shellcheck ")]
