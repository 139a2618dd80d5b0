"""Argo CD: a project that says what may be done, an Application for each environment, and its commit statuses."""

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

NAME = "argocd"
FOLDER = "argocd"

# Name, state in GitHub's and in GitLab's words, which commit, and what is said, as Go's templates have it.
_COMPARED = ".app.status.sync.revision"
_REPORTS = (
    (
        "waiting",
        "pending",
        "pending",
        _COMPARED,
        'ternary "Not synced yet" "Waits for a person to sync it" (hasKey .app.spec.syncPolicy "automated")',
    ),
    ("running", "pending", "running", ".app.status.operationState.operation.sync.revision", '"Is being synced"'),
    (
        "failed",
        "failure",
        "failed",
        ".app.status.operationState.syncResult.revision",
        '.app.status.operationState.message | default "The sync failed"',
    ),
    ("degraded", "failure", "failed", _COMPARED, '"Synced, but not healthy"'),
    ("healthy", "success", "success", _COMPARED, '"Synced and healthy"'),
)


def files(application: Application) -> tuple[GeneratedFile, ...]:
    """The whole manifest repository, with Argo CD's files in argocd/."""
    layout = layout_of(application)
    place = place_of(application.manifests)
    return (
        *skeleton(layout, agent_folders=(f"{FOLDER}/", "clusters/")),
        _project(layout, place),
        *(_application(layout, overlay, place) for overlay in layout.overlays),
        _kustomization(layout),
        _root(layout, place),
        *_notifications(layout, place),
        readme(layout, place, NAME, {each.environment.name: context(layout, each) for each in layout.overlays}),
        recovery(layout, place, NAME, **_names(layout)),
    )


def setup(application: Application) -> str:
    layout = layout_of(application)
    return render("agent/argocd/setup.md.j2", **place_values(place_of(application.manifests)), **_names(layout))


def _names(layout: Layout) -> dict[str, str]:
    return {"service": service(layout), "repository_secret": f"{layout.project}-manifests"}


def service(layout: Layout) -> str:
    """The name of the notification service, of its trigger, and the beginning of the keys of its secret."""
    return f"{layout.project}-status"


def context(layout: Layout, overlay: Overlay) -> str:
    """The name of the commit status."""
    return f"argocd/{layout.status(overlay)}"


def _destination(overlay: Overlay) -> dict[str, str]:
    key = "server" if overlay.at_address else "name"
    return {"key": key, "cluster": overlay.cluster, "namespace": overlay.namespace}


def _project(layout: Layout, place: Place) -> GeneratedFile:
    windowed = [each.name for each in layout.overlays if each.guarded and each.environment.auto_sync]
    return written(
        f"{FOLDER}/project.yaml",
        "argocd/project.yaml",
        project=layout.project,
        url=place.url,
        destinations=[_destination(overlay) for overlay in layout.overlays],
        kinds=own_block("kinds"),
        windowed=windowed,
    )


def _application(layout: Layout, overlay: Overlay, place: Place) -> GeneratedFile:
    return written(
        f"{FOLDER}/{overlay.name}.yaml",
        "argocd/application.yaml",
        name=overlay.name,
        project=layout.project,
        status=layout.status(overlay) if place.forge != "none" else "",
        service=service(layout),
        url=place.url,
        revision=place.branch or "HEAD",
        path=overlay.folder,
        destination=_destination(overlay),
        automated=overlay.environment.auto_sync,
        prune=layout.application.prune,
        self_heal=layout.application.self_heal,
        options=own_block("sync-options"),
    )


def _kustomization(layout: Layout) -> GeneratedFile:
    return written(
        f"{FOLDER}/kustomization.yaml",
        "argocd/kustomization.yaml",
        "root.yaml and notifications.yaml are applied by people: see RECOVERY.md.",
        applications=[f"{overlay.name}.yaml" for overlay in layout.overlays],
        more=own_block("resources"),
    )


def _root(layout: Layout, place: Place) -> GeneratedFile:
    return written(
        f"{FOLDER}/root.yaml",
        "argocd/root.yaml",
        "The one file to apply by hand: from it Argo CD makes all else in this folder.",
        root=f"{layout.project}-root",  # of the AppProject; the Application has no environment in its name
        project=layout.project,
        url=place.url,
        revision=place.branch or "HEAD",
    )


def _notifications(layout: Layout, place: Place) -> Iterator[GeneratedFile]:
    if place.forge == "none":
        return
    yield written(
        f"{FOLDER}/notifications.yaml",
        f"argocd/notifications-{place.forge}.yaml",
        "Reports on commits, for `pipelinegen observe`. It joins what your Argo CD has in this ConfigMap already:",
        "kubectl apply --server-side --field-manager=pipelinegen -f argocd/notifications.yaml",
        service=service(layout),
        reports=_REPORTS,
        page=place.page,
        api=place.api,
        encoded=place.encoded,
        enterprise=place.enterprise,
    )
