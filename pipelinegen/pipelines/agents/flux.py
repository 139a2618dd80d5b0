"""Flux: a source, a Kustomization with a service account of its own for each environment, and its commit statuses."""

from __future__ import annotations

from collections.abc import Iterator

from pipelinegen.pipelines.agents.documents import place_values, readme, recovery
from pipelinegen.pipelines.agents.files import own_block, written
from pipelinegen.pipelines.agents.layout import Layout, Overlay, layout_of
from pipelinegen.pipelines.agents.place import Place, place_of
from pipelinegen.pipelines.agents.repository import skeleton
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import GeneratedFile
from pipelinegen.pipelines.rendering.engine import render

NAME = "flux"

_EVENTS = {"github": ("ping", "push"), "gitlab": ("Push Hook",)}


def files(application: Application) -> tuple[GeneratedFile, ...]:
    """The whole manifest repository, with Flux's files in clusters/ENVIRONMENT/."""
    layout = layout_of(application)
    place = place_of(application.manifests)
    return (
        *skeleton(layout, agent_folders=("clusters/",), flux=True),
        *(file for overlay in layout.overlays for file in _home(layout, overlay, place)),
        readme(layout, place, NAME, {each.environment.name: context(layout, each) for each in layout.overlays}),
        recovery(layout, place, NAME, **_names(layout, place)),
    )


def setup(application: Application) -> str:
    layout, place = layout_of(application), place_of(application.manifests)
    return render("agent/flux/setup.md.j2", **place_values(place), **_names(layout, place))


def _names(layout: Layout, place: Place) -> dict[str, str]:
    return {
        "git_secret": git_secret(layout),
        "status_secret": status_secret(layout, place),
        "webhook_secret": webhook_secret(layout),
    }


def context(layout: Layout, overlay: Overlay) -> str:
    """The name of the commit status."""
    return f"kustomization/{layout.status(overlay)}"


def git_secret(layout: Layout) -> str:
    """With what Flux reads the repository; at GitHub also with what it writes statuses."""
    return f"{layout.project}-manifests"


def status_secret(layout: Layout, place: Place) -> str:
    return git_secret(layout) if place.forge == "github" else f"{layout.project}-status"


def webhook_secret(layout: Layout) -> str:
    return f"{layout.project}-webhook"


def _home(layout: Layout, overlay: Overlay, place: Place) -> Iterator[GeneratedFile]:
    """All files of one environment, in the order in which they are listed."""
    made = [_root(layout, overlay, place), _access(overlay), _sync(layout, overlay)]
    made += _notifications(layout, overlay, place)
    names = ["namespace.yaml", *(file.path.rpartition("/")[2] for file in made)]
    yield written(
        f"{overlay.home}/kustomization.yaml", "flux/kustomization.yaml", files=names, more=own_block("resources")
    )
    yield from made


def _root(layout: Layout, overlay: Overlay, place: Place) -> GeneratedFile:
    return written(
        f"{overlay.home}/root.yaml",
        "flux/root.yaml",
        "The one file to apply by hand: from it Flux makes all else in this folder.",
        name=overlay.name,
        interval=layout.application.interval,
        url=place.url,
        branch=place.branch or "main",
        github=place.forge == "github",
        secret=git_secret(layout),
        path=f"./{overlay.home}",
        verify=own_block("verify"),
    )


def _access(overlay: Overlay) -> GeneratedFile:
    return written(
        f"{overlay.home}/access.yaml",
        "flux/access.yaml",
        name=overlay.name,
        namespace=overlay.namespace,
        rights=own_block("rights"),
    )


def _sync(layout: Layout, overlay: Overlay) -> GeneratedFile:
    heals = (
        ()
        if layout.application.self_heal
        else ("Flux undoes changes made by hand at every interval; `self-heal: false` has no counterpart.",)
    )
    return written(
        f"{overlay.home}/sync.yaml",
        "flux/sync.yaml",
        *heals,
        name=overlay.name,
        interval=layout.application.interval,
        path=f"./{overlay.folder}",
        prune=layout.application.prune,
        suspended=not overlay.environment.auto_sync,
        namespace=overlay.namespace,
    )


def _notifications(layout: Layout, overlay: Overlay, place: Place) -> Iterator[GeneratedFile]:
    if place.forge == "none":
        return
    yield written(
        f"{overlay.home}/notifications.yaml",
        "flux/notifications.yaml",
        "Reports on commits, for `pipelinegen observe`; Flux 2.6 and newer.",
        name=overlay.name,
        forge=place.forge,
        page=place.page,
        # A literal of CEL: names of the configuration hold neither quotes nor backslashes.
        expression=f"'{context(layout, overlay)}'",
        secret=status_secret(layout, place),
        webhook=webhook_secret(layout),
        events=_EVENTS[place.forge],
    )
