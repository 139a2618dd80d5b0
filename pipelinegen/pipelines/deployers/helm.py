"""Helm: a chart, values for each environment that hold the versions, and releases that go back where they fail."""

from __future__ import annotations

from dataclasses import replace

from pipelinegen.pipelines import pins
from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import images, kubernetes
from pipelinegen.pipelines.deployers.scripts import install as install_tool
from pipelinegen.pipelines.model import Credential, GeneratedFile, Run, System
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.header import header

NAME = "helm"
TOOLS: tuple[str, ...] = ("kubectl", "helm")
FOLDER = "deploy/helm"
CHART = f"{FOLDER}/chart"
VALUES = f"{FOLDER}/environments/{{env}}.yaml"
IMAGE_PATHS: tuple[str, ...] = (f"/{VALUES}",)
PLAN = ""

_TEMPLATES = ("deployment.yaml", "service.yaml", "poddisruptionbudget.yaml")


def credentials(application: Application, environment: AppEnvironment, system: System) -> tuple[Credential, ...]:
    del application, system
    more = ", list and watch ReplicaSets, get, list, create, update and delete every Secret"
    return (kubernetes.credential(environment, "get, list, watch, create, patch, delete", more),)


def files(application: Application) -> tuple[GeneratedFile, ...]:
    workloads = kubernetes.workloads(application)
    return (
        *kubernetes.setup_files(application, FOLDER, "helm/setup.yaml.j2"),
        kubernetes.written(f"{CHART}/Chart.yaml", "helm/Chart.yaml.j2", application=application),
        kubernetes.written(
            f"{CHART}/values.yaml",
            "helm/values.yaml.j2",
            ("What all environments have in common; their own values are in ../environments/.",),
            workloads=workloads,
        ),
        GeneratedFile(
            f"{CHART}/values.schema.json",
            render("deploy/helm/values.schema.json.j2", comment=" ".join(header("", ()).split())),
        ),
        kubernetes.written(f"{CHART}/templates/_helpers.tpl", "helm/helpers.tpl.j2", ("Helpers of this chart.",)),
        *(kubernetes.written(f"{CHART}/templates/{name}", f"helm/{name}.j2") for name in _TEMPLATES),
        *(_values(environment, workloads) for environment in application.environments),
    )


def _values(environment: AppEnvironment, workloads: tuple[kubernetes.Workload, ...]) -> GeneratedFile:
    return kubernetes.written(
        VALUES.format(env=environment.name),
        "helm/environment.yaml.j2",
        (f"What is special in {environment.name}. The pipeline sets the versions before it deploys.",),
        workloads=workloads,
        tag=images.TAG,
        digest=images.DIGEST,
    )


def install(application: Application) -> tuple[Run, ...]:
    del application
    return tuple(map(install_tool, TOOLS))


def _steps(application: Application, environment: AppEnvironment) -> kubernetes.Steps:
    values = VALUES.format(env=environment.name)
    return kubernetes.Steps(
        application,
        environment,
        IMAGE_PATHS[0].format(env=environment.name),
        {"CHART": CHART, "MANIFESTS": values, "RELEASE": kubernetes.label(application.project)},
    )


def dry_run(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    steps = _steps(application, environment)
    tried = steps.run("Ask what would change in", "helm/diff.sh", "helm/try.sh", stage="plan")
    return (steps.keep(), tried)


def deploy(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    """Helm itself goes back where an upgrade fails; left to do are a release that was killed, and what fails later."""
    steps = _steps(application, environment)
    return (
        steps.keep(),
        steps.demand(),
        steps.run("Free a release that was left half-way in", "helm/unlock.sh"),
        steps.run("Show what changes in", "helm/diff.sh"),
        _for_pinned(steps.run("Deploy to", "helm/upgrade.sh")),
        _for_pinned(
            steps.run("Undo the deployment to", "helm/unlock.sh", "helm/undo.sh", when="failure", stage="operate")
        ),
    )


def _for_pinned(step: Run) -> Run:
    return for_version(step, pins.tools()["helm"].version)


def for_version(step: Run, version: str) -> Run:
    """The step with the options of that version of Helm."""
    # Helm 4 renamed one, and applies by the server, which refuses without the other what a person has changed by hand.
    if int(version.partition(".")[0]) >= 4:
        return step
    script = (line.replace("--rollback-on-failure", "--atomic") for line in step.script)
    return replace(step, script=tuple(line.replace(" --force-conflicts", "") for line in script))


def drift(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    """Helm has recorded what it deployed: that is compared with what runs."""
    steps = _steps(application, environment)
    return (steps.run("Look for drift in", "kubernetes/by_hand.sh", "helm/drift.sh", stage="operate"),)


def health(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    return _steps(application, environment).health()
