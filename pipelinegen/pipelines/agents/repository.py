"""The skeleton of a manifest repository, whichever agent reads it: bases, overlays, namespaces, owners and checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pipelinegen.pipelines import pins
from pipelinegen.pipelines.agents.files import own_block, written
from pipelinegen.pipelines.agents.layout import UNRELEASED, Layout, Overlay, Workload
from pipelinegen.pipelines.agents.names import dns_label
from pipelinegen.pipelines.agents.place import place_of
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import GeneratedFile
from pipelinegen.pipelines.rendering.languages import comment

# Bundles the schemas of Kubernetes, so that a check needs no network for them.
_JUDGE = "kubernetes-validate==1.37.0"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_RUNNER = "ubuntu-24.04"
# A user, or a team (GitHub) or group (GitLab).
_OWNER = r"@?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:/[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)*"


def skeleton(layout: Layout, *, agent_folders: tuple[str, ...], flux: bool = False) -> tuple[GeneratedFile, ...]:
    """All but the agent's own files. agent_folders: where those lie, for the owners."""
    return (
        *(_workload(layout, workload) for workload in layout.workloads),
        _base(layout),
        *(_overlay(layout, overlay) for overlay in layout.overlays),
        *(_namespace(overlay, flux=flux) for overlay in layout.overlays),
        *_owners(layout, agent_folders),
        *_checks(layout.application),
    )


def _workload(layout: Layout, workload: Workload) -> GeneratedFile:
    return written(
        f"{layout.base}/{workload.file}",
        "repository/workload.yaml",
        name=workload.name,
        container=dns_label(workload.image.name),
        port=workload.image.port,
        health=workload.image.health_path,
        custom_container=own_block("container"),
        custom_pod=own_block("pod"),
    )


def _base(layout: Layout) -> GeneratedFile:
    return written(
        f"{layout.base}/kustomization.yaml",
        "repository/base.yaml",
        files=[workload.file for workload in layout.workloads],
        project=layout.project,
        more=own_block("resources"),
    )


def _overlay(layout: Layout, overlay: Overlay) -> GeneratedFile:
    return written(
        f"{overlay.folder}/kustomization.yaml",
        "repository/overlay.yaml",
        namespace=overlay.namespace,
        base=overlay.base,
        images=[{"name": each.name, "repository": each.image.repository} for each in layout.workloads],
        unreleased=UNRELEASED,
        replicas=overlay.replicas,
        more=own_block("resources"),
        patches=own_block("patches"),
    )


def _namespace(overlay: Overlay, *, flux: bool) -> GeneratedFile:
    return written(
        f"{overlay.home}/namespace.yaml", "repository/namespace.yaml", namespace=overlay.namespace, flux=flux
    )


def _owners(layout: Layout, agent_folders: tuple[str, ...]) -> Iterator[GeneratedFile]:
    folder = {"github": ".github", "gitlab": ".gitlab"}.get(layout.application.manifests.forge)
    if folder is None:
        return
    all_reviewers = dict.fromkeys(name for overlay in layout.overlays for name in overlay.environment.reviewers)
    lines = ["# Who may change what the agent and the checks do may do anything: those who review an environment."]
    for path in (*agent_folders, "checks/", f"{folder}/", *((".gitlab-ci.yml",) if folder == ".gitlab" else ())):
        lines += _owned(f"/{path}", tuple(all_reviewers))
    lines.append("# What every environment shares, and then each environment.")
    lines += _owned(f"/{layout.base}/", tuple(all_reviewers))
    for overlay in layout.overlays:
        lines += _owned(f"/{overlay.folder}/", overlay.environment.reviewers)
    yield written(f"{folder}/CODEOWNERS", "repository/codeowners", lines=lines, more=own_block("owners"))


def _owned(path: str, reviewers: tuple[str, ...]) -> list[str]:
    owners = [f"@{name.removeprefix('@')}" for name in reviewers if re.fullmatch(_OWNER, name)]
    others = [
        f"# not the name of a user or team: {comment(name)}" for name in reviewers if not re.fullmatch(_OWNER, name)
    ]
    if owners:
        return [*others, f"{path} {' '.join(owners)}"]
    return [*others, f"# {path} has no owner: `reviewers` in pipelinegen.yaml names none"]


def _checks(application: Application) -> Iterator[GeneratedFile]:
    kubectl = pins.tools()["kubectl"]
    downloads = [
        (machine, kubectl.url.format(version=kubectl.version, arch=arch), kubectl.sha256[arch])
        for machine, arch in _MACHINES.items()
    ]
    scripts: dict[str, dict[str, object]] = {
        "install": {"downloads": downloads, "judge": _JUDGE},
        "run": {},
        "policy": {"rules": own_block("rules")},
        "schemas.py": {"version": '# pipelinegen:begin version\nKUBERNETES = ""\n# pipelinegen:end'},
    }
    for name, values in scripts.items():
        yield replace(written(f"checks/{name}", f"repository/{name}", **values), executable=name != "schemas.py")
    yield from _forge_checks(application)


def _forge_checks(application: Application) -> Iterator[GeneratedFile]:
    forge = place_of(application.manifests).forge
    if forge == "github":
        action = pins.action("checkout")
        checkout = f"{action.name}@{action.commit}  # {action.tag}"
        yield written(
            ".github/workflows/checks.yml",
            "repository/checks.yml",
            runner=application.runner if application.runner and "github" in application.systems else _RUNNER,
            checkout=checkout,
        )
    elif forge == "gitlab":
        yield written(".gitlab-ci.yml", "repository/gitlab-ci.yml", image=str(pins.images()["python"]))
