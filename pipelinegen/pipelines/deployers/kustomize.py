"""Kustomize: a base and an overlay for each environment, which sets the versions; built, looked at, applied."""

from __future__ import annotations

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import images, kubernetes
from pipelinegen.pipelines.deployers.scripts import install as install_tool
from pipelinegen.pipelines.model import Credential, GeneratedFile, Run, System

NAME = "kustomize"
# Kustomize is built into kubectl: one program less to bring, and the version that applies is the one that builds.
TOOLS: tuple[str, ...] = ("kubectl",)
FOLDER = "deploy/kustomize"
OVERLAY = f"{FOLDER}/overlays/{{env}}"
IMAGE_PATHS: tuple[str, ...] = (f"/{OVERLAY}/kustomization.yaml",)
PLAN = ""


def credentials(application: Application, environment: AppEnvironment, system: System) -> tuple[Credential, ...]:
    del system
    verbs = "get, list, watch, create, patch" + (", delete" if application.prune else "")
    return (kubernetes.credential(environment, verbs),)


def files(application: Application) -> tuple[GeneratedFile, ...]:
    workloads = kubernetes.workloads(application)
    base = kubernetes.written(
        f"{FOLDER}/base/kustomization.yaml",
        "kustomize/base.yaml.j2",
        ("What all environments have in common.",),
        workloads=workloads,
    )
    return (
        *kubernetes.setup_files(application, FOLDER, "kubernetes/setup.yaml.j2", prune=application.prune),
        base,
        *(_workload(application, workload) for workload in workloads),
        *(_overlay(environment, workloads) for environment in application.environments),
    )


def _workload(application: Application, workload: kubernetes.Workload) -> GeneratedFile:
    return kubernetes.written(
        f"{FOLDER}/base/{workload.name}.yaml",
        "kubernetes/workload.yaml.j2",
        (f"{workload.image.name}, in every environment. The overlays set its version.",),
        application=application,
        workload=workload,
        namespace=None,
        reference=None,
    )


def _overlay(environment: AppEnvironment, workloads: tuple[kubernetes.Workload, ...]) -> GeneratedFile:
    return kubernetes.written(
        f"{OVERLAY.format(env=environment.name)}/kustomization.yaml",
        "kustomize/overlay.yaml.j2",
        (f"What is special in {environment.name}. The pipeline sets the versions before it applies this.",),
        environment=environment,
        workloads=workloads,
        tag=images.TAG,
        digest=images.DIGEST,
    )


def install(application: Application) -> tuple[Run, ...]:
    del application
    return tuple(map(install_tool, TOOLS))


def _steps(application: Application, environment: AppEnvironment) -> kubernetes.Steps:
    return kubernetes.Steps(
        application,
        environment,
        IMAGE_PATHS[0].format(env=environment.name),
        {"OVERLAY": OVERLAY.format(env=environment.name)},
        prepare=("kustomize/build.sh",),
    )


def dry_run(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    steps = _steps(application, environment)
    return (steps.keep(), steps.try_out())


def deploy(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    """What the overlay has no more is deleted last, when all that it has is up."""
    steps = _steps(application, environment)
    pruned = (steps.prune(),) if application.prune else ()
    return (steps.keep(), steps.demand(), steps.diff(), steps.apply(), steps.wait(), *pruned, steps.undo())


def drift(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    steps = _steps(application, environment)
    return (steps.keep(), steps.drift())


def health(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    return _steps(application, environment).health()
