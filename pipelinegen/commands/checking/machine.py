"""Checks of this machine: git, the container engine, the programs that render, the configuration."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelinegen.commands.checking.finding import Finding, failed
from pipelinegen.errors import InputError, PipelinegenError

if TYPE_CHECKING:
    from pipelinegen.config import Config


def configuration(directory: str) -> tuple[Config | None, Finding]:
    """The configuration, if there is one that can be read."""
    from pipelinegen.config import find, load

    try:
        path = find(directory)
        if path is None:
            why = "there is no pipelinegen.yaml here; bump works without one"
            return None, Finding("configuration", "unsure", why, "pipelinegen init")
        config = load(path)
    except InputError as error:
        return None, failed("configuration", error)
    names = (", ".join(config.images) or "none", ", ".join(config.manifests.environments) or "none")
    return config, Finding("configuration", "ok", f"{path.name}: images {names[0]}; environments {names[1]}")


def git() -> Finding:
    """Whether git is there and new enough."""
    from pipelinegen.edge.git.version import installed_git, lacks_fixes, require_git

    try:
        require_git()
    except PipelinegenError as error:
        return failed("git", error)
    version = installed_git()
    shown = ".".join(map(str, version))
    if lacks_fixes(version):
        why = f"git {shown}: by its number it lacks the fixes of July 2025, unless the distribution has put them in"
        return Finding("git", "unsure", why, "install the newest git of your distribution")
    return Finding("git", "ok", f"git {shown}")


def engine(config: Config | None) -> Finding:
    """What builds images here. Without an engine only Dockerfiles without RUN can be built."""
    from pipelinegen.edge.engines import detect_all

    wanted = config.build.engine if config is not None else "auto"
    found = detect_all()
    working = [each for each in found if each.works and each.name != "oci"]
    refused = tuple(f"{each.name}: {each.reason}" for each in found if not each.works)
    if wanted not in ("auto", "oci") and not any(each.name == wanted for each in working):
        why = next((each.reason for each in found if each.name == wanted), f"{wanted} is not known")
        return Finding("engine", "bad", f"{wanted}, which pipelinegen.yaml asks for: {why}", _INSTALL, refused)
    if not working:
        why = "no container engine: only Dockerfiles without RUN can be built, and no test that runs the image"
        return Finding("engine", "bad", why, _INSTALL, refused)
    first = next((each for each in working if each.name == wanted), working[0])
    return Finding("engine", "ok", first.reason)


def renderers() -> Iterator[Finding]:
    """What shows in a pull request which objects of the cluster change."""
    for name, what in (("kustomize", "overlays"), ("helm", "charts")):
        if name == "kustomize" and shutil.which("kubectl"):
            yield Finding(name, "ok", "kubectl has it built in")
        elif shutil.which(name):
            yield Finding(name, "ok", f"{name} is there")
        else:
            why = f"not installed: pull requests cannot show what changes in the cluster by {what}"
            yield Finding(name, "unsure", why, f"install {name}" + (" or kubectl" if name == "kustomize" else ""))


_INSTALL = "install and start docker, podman or buildah (apt-get install docker.io)"
