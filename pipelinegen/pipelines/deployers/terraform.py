"""Terraform: a root module with the images as a variable, a plan that is kept and agreed to, and that plan applied."""

from __future__ import annotations

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import kubernetes
from pipelinegen.pipelines.deployers.scripts import install as install_tool
from pipelinegen.pipelines.model import Credential, GeneratedFile, Run, System
from pipelinegen.pipelines.rendering.engine import render

NAME = "terraform"
TOOLS: tuple[str, ...] = ("kubectl", "terraform")
FOLDER = "deploy/terraform"
ENVIRONMENT = f"{FOLDER}/environments/{{env}}"
MODULE = f"{FOLDER}/modules/workload"
IMAGE_PATHS: tuple[str, ...] = (f"/{ENVIRONMENT}/images.tfvars.json",)
PLAN = f"{FOLDER}/{{env}}.tfplan"

_PRELUDE = "terraform/prelude.sh"
_PLANNING = (_PRELUDE, "terraform/values.sh")
_STATE = "; in the namespace {state}: get, list, create and update Secrets and Leases, for the state"
_BACKEND = (
    "Where the state is kept. This one needs no further credential: it is a Secret in a namespace of its own, and a",
    "Lease locks it. For another, name it in the block and put its settings into environments/*/backend.hcl. Its",
    "credentials come by its own variables of the environment, never by a file: a saved plan would hold them.",
)
_VALUES = ("The values come from environments/, in JSON, which has no comments to say that pipelinegen wrote it.",)


def credentials(application: Application, environment: AppEnvironment, system: System) -> tuple[Credential, ...]:
    del application, system
    state = _STATE.format(state=_state_namespace(environment))
    return (kubernetes.credential(environment, "get, list, watch, create, patch, delete", state),)


def _state_namespace(environment: AppEnvironment) -> str:
    """Its own: Terraform must list the Secrets there, and who may list them may read them."""
    return kubernetes.label(f"{environment.namespace}-terraform")


def files(application: Application) -> tuple[GeneratedFile, ...]:
    return (
        *kubernetes.setup_files(
            application,
            FOLDER,
            "terraform/setup.yaml.j2",
            state_namespace=_state_namespace,
        ),
        *(
            kubernetes.written(f"{FOLDER}/{path}", f"terraform/{template}.j2", lines)
            for path, template, lines in (
                (
                    "main.tf",
                    "main.tf",
                    _VALUES,
                ),
                ("variables.tf", "variables.tf", ()),
                ("outputs.tf", "outputs.tf", ()),
                ("backend.tf", "backend.tf", _BACKEND),
                ("modules/workload/main.tf", "workload.tf", ()),
                ("modules/workload/variables.tf", "workload_variables.tf", ()),
                ("modules/workload/outputs.tf", "workload_outputs.tf", ()),
            )
        ),
        *(file for environment in application.environments for file in _values(application, environment)),
    )


def _values(application: Application, environment: AppEnvironment) -> tuple[GeneratedFile, ...]:
    """The settings of one environment, the images apart: `bump` sets them, and nothing else is in their file."""
    folder = ENVIRONMENT.format(env=environment.name)
    workloads = kubernetes.workloads(application)
    backend = kubernetes.written(
        f"{folder}/backend.hcl",
        "terraform/backend.hcl.j2",
        (f"Where the state of {environment.name} is kept: the settings of ../../backend.tf.",),
        namespace=_state_namespace(environment),
        suffix=kubernetes.label(f"{application.project}-{environment.name}"),
    )
    settings = render(
        "deploy/terraform/settings.tfvars.json.j2",
        application=application,
        environment=environment,
        workloads=workloads,
    )
    images = render("deploy/terraform/images.tfvars.json.j2", workloads=workloads)
    return (
        backend,
        GeneratedFile(f"{folder}/settings.tfvars.json", settings),
        GeneratedFile(f"{folder}/images.tfvars.json", images),
    )


def install(application: Application) -> tuple[Run, ...]:
    del application
    return tuple(map(install_tool, TOOLS))


def _steps(application: Application, environment: AppEnvironment) -> kubernetes.Steps:
    folder = ENVIRONMENT.format(env=environment.name)
    return kubernetes.Steps(
        application,
        environment,
        IMAGE_PATHS[0].format(env=environment.name),
        {"ROOT": FOLDER, "ENVIRONMENT": environment.name, "MANIFESTS": f"{folder}/images.tfvars.json"},
    )


def _keep(steps: kubernetes.Steps) -> tuple[Run, ...]:
    return (
        steps.run(
            "Read the state, and keep the versions that this run does not set, in", _PRELUDE, "terraform/keep.sh"
        ),
        steps.run("Compare what was applied with", "kubernetes/by_hand.sh", "terraform/compare.sh"),
    )


def dry_run(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    """Leaves the plan in PLAN, for people to agree to and for `deploy` to apply."""
    steps = _steps(application, environment)
    return (*_keep(steps), steps.run("Plan the change of", *_PLANNING, "terraform/plan.sh", stage="plan"))


def deploy(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    steps = _steps(application, environment)
    return (
        *_keep(steps),
        steps.demand(),
        steps.run("Find the plan for", *_PLANNING, "terraform/planned.sh"),
        steps.run("Apply the plan to", _PRELUDE, "terraform/apply.sh"),
        steps.wait(),
        steps.run(
            "Undo the failed deployment to",
            *_PLANNING,
            "terraform/undo.sh",
            "kubernetes/wait.sh",
            when="failure",
            stage="operate",
        ),
    )


def drift(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    steps = _steps(application, environment)
    return (*_keep(steps), steps.run("Look for drift in", *_PLANNING, "terraform/drift.sh", stage="operate"))


def health(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    return _steps(application, environment).health()
