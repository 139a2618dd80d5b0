"""kubectl: plain manifests for each environment, applied by the server, looked at first and undone where they fail."""

from __future__ import annotations

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import kubernetes
from pipelinegen.pipelines.deployers.scripts import install as install_tool
from pipelinegen.pipelines.model import Credential, GeneratedFile, Run, System

NAME = "kubectl"
TOOLS: tuple[str, ...] = ("kubectl",)
FOLDER = "deploy/kubectl"
MANIFESTS = f"{FOLDER}/environments/{{env}}"
IMAGE_PATHS: tuple[str, ...] = (f"/{MANIFESTS}/*.yaml",)
PLAN = ""


def credentials(application: Application, environment: AppEnvironment, system: System) -> tuple[Credential, ...]:
    del application, system
    return (kubernetes.credential(environment, "get, list, watch, create, patch"),)


def files(application: Application) -> tuple[GeneratedFile, ...]:
    manifests = tuple(
        kubernetes.written(
            f"{MANIFESTS.format(env=environment.name)}/{workload.name}.yaml",
            "kubernetes/workload.yaml.j2",
            (f"{workload.image.name} in {environment.name}. The pipeline sets the version before it applies this.",),
            application=application,
            workload=workload,
            namespace=environment.namespace,
            reference=workload.reference,
        )
        for environment in application.environments
        for workload in kubernetes.workloads(application)
    )
    return (*kubernetes.setup_files(application, FOLDER, "kubernetes/setup.yaml.j2", prune=False), *manifests)


def install(application: Application) -> tuple[Run, ...]:
    del application
    return tuple(map(install_tool, TOOLS))


def _steps(application: Application, environment: AppEnvironment) -> kubernetes.Steps:
    return kubernetes.Steps(
        application,
        environment,
        IMAGE_PATHS[0].format(env=environment.name),
        {"MANIFESTS": MANIFESTS.format(env=environment.name)},
    )


def dry_run(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    steps = _steps(application, environment)
    return (steps.keep(), steps.try_out())


def deploy(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    steps = _steps(application, environment)
    return (steps.keep(), steps.demand(), steps.diff(), steps.apply(), steps.wait(), steps.undo())


def drift(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    steps = _steps(application, environment)
    return (steps.keep(), steps.drift())


def health(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    return _steps(application, environment).health()
