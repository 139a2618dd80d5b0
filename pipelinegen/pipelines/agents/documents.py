"""What people read in a manifest repository: README.md, and RECOVERY.md with the steps from nothing to running."""

from __future__ import annotations

import json
from typing import Any

from pipelinegen.markdown import span
from pipelinegen.pipelines.agents.files import written
from pipelinegen.pipelines.agents.layout import UNRELEASED, Layout, Overlay
from pipelinegen.pipelines.agents.place import Place
from pipelinegen.pipelines.model import GeneratedFile

_AGENTS = {"argocd": "Argo CD", "flux": "Flux"}
# The version whose manifests, templates and commands these files were tried with.
_ARGOCD = "https://raw.githubusercontent.com/argoproj/argo-cd/v3.4.13/manifests/install.yaml"
_FOLDERS = {
    "argocd": (
        ("argocd/", "the project, the Applications and their reports: `root.yaml` is where Argo CD begins"),
        ("clusters/", "the namespace of each environment, which people make"),
    ),
    "flux": (("clusters/", "what Flux itself needs for each environment: `root.yaml` is where it begins"),),
}
_DELIVERED = {
    "push": "a commit",
    "pull-request": "a pull request",
    "commit": "a commit that a person pushes",
    "worktree": "a commit that a person makes",
}
_NEEDS = {
    "github": "a GitHub App (step {step} says which)",
    "gitlab": "two tokens of the GitLab project (step {step} says which)",
    "none": "a credential that reads the repository (step {step})",
}
# Under which name the login of a registry is kept, where that is not its host.
_LOGINS = {"docker.io": "https://index.docker.io/v1/"}
_STEP = {"argocd": 5, "flux": 3}


def readme(layout: Layout, place: Place, agent: str, contexts: dict[str, str]) -> GeneratedFile:
    """contexts: the name of each environment's commit status."""
    rows = [_row(overlay) | {"status": contexts[overlay.environment.name]} for overlay in layout.overlays]
    return written(
        "README.md",
        "repository/README.md",
        project=layout.project,
        agent_name=_AGENTS[agent],
        environments=rows,
        base=layout.base,
        services=any(workload.image.port for workload in layout.workloads),
        folders=_FOLDERS[agent],
        unselected=[row for row in rows if not row["selected"]],
        unreleased=UNRELEASED,
        images=[workload.image.name for workload in layout.workloads],
        statuses=place.forge != "none",
    )


def recovery(layout: Layout, place: Place, agent: str, **names: object) -> GeneratedFile:
    """names: of the agent's own secrets and services."""
    rows = [_row(overlay) for overlay in layout.overlays]
    pull_secret = f"{layout.project}-pull"
    return written(
        "RECOVERY.md",
        f"{agent}/RECOVERY.md",
        environments=rows,
        remote=[row for row in rows if not row["here"]],
        windowed=[row["object"] for row in rows if row["windowed"]],
        need=_NEEDS[place.forge].format(step=_STEP[agent]),
        hosts=[{"name": host, "key": _LOGINS.get(host, host)} for host in layout.application.registries],
        pull_secret=pull_secret,
        pull_patch=json.dumps({"imagePullSecrets": [{"name": pull_secret}]}),
        install=_ARGOCD,
        interval=layout.application.interval,
        interval_patch=json.dumps({"data": {"timeout.reconciliation": layout.application.interval}}),
        self_heal=layout.application.self_heal,
        **place_values(place),
        **names,
    )


def place_values(place: Place) -> dict[str, Any]:
    """What the steps say of the manifest repository."""
    return {
        "forge": place.forge,
        "url": place.url,
        "path": place.path,
        "root": place.root,
        "api": place.api,
        "enterprise": place.enterprise,
        "over_ssh": place.over_ssh,
        "hooks": f"{place.page}/settings/hooks" if place.forge == "github" else f"{place.page}/-/hooks",
    }


def _row(overlay: Overlay) -> dict[str, Any]:
    environment = overlay.environment
    return {
        "name": environment.name,
        "folder": overlay.folder,
        "home": overlay.home,
        "namespace": overlay.namespace,
        "object": overlay.name,
        "cluster": "that of the agent" if overlay.here else span(overlay.cluster),
        "cluster_name": "" if overlay.at_address else overlay.cluster,
        "here": overlay.here,
        "selected": overlay.selected,
        "auto_sync": environment.auto_sync,
        "windowed": overlay.guarded and environment.auto_sync,
        "deliver": _DELIVERED[environment.deliver],
        "applied": "" if environment.auto_sync else ", which a person applies",
        "reviewers": ", ".join(environment.reviewers) or "nobody is named",
    }
