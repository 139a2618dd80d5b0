"""What the rendered files of a style say, against what the model says: a pull pipeline names no cluster."""

import re
from collections.abc import Callable

import pytest

from pipelinegen.pipelines import grid
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.grid import Target
from pipelinegen.pipelines.model import System
from pipelinegen.pipelines.rendering.github import stored
from tests.support import applications

every_system = pytest.mark.parametrize("system", grid.SYSTEMS)
APPLICATIONS = (applications.shop, applications.shop_on_gitlab, applications.signed_shop, applications.based)
# Programs that change a cluster or a host, and what opens one.
_CHANGING = re.compile(
    r"\b(?:kubectl|helm|kustomize|terraform|ansible\S*|chef\S*|puppet\S*|ssh|scp|rsync|kube_?config|argocd|flux)\b",
    re.IGNORECASE,
)


def text_of(application: Application, target: Target) -> str:
    """The files of a target without their comments, and without the option that names the agent."""
    lines = (line for file in grid.files_of(application, target) for line in file.text.splitlines())
    code = "\n".join(line for line in lines if not line.lstrip().startswith(("#", "//")))
    return code.replace(f"--agent {application.agent}", "")


@every_system
@pytest.mark.parametrize("make", APPLICATIONS, ids=[make.__name__ for make in APPLICATIONS])
def test_no_job_of_a_pull_pipeline_names_a_cluster_or_a_host(make: Callable[[], Application], system: System) -> None:
    application = make()
    text = text_of(application, Target("pull", system))
    for environment in application.environments:
        for word in (environment.cluster, *environment.hosts, environment.url):
            assert word is None or word not in text
    assert not _CHANGING.findall(text)


@every_system
@pytest.mark.parametrize("deployer", grid.DEPLOYERS)
def test_a_push_pipeline_does(deployer: str, system: System) -> None:
    """The words that the test above looks for are those that such pipelines have."""
    target = next(each for each in grid.targets(["push"], [system], grid.DEPLOYERS) if each.deployer == deployer)
    assert _CHANGING.findall(text_of(applications.shop(), target))


@pytest.mark.parametrize("target", grid.targets(grid.STYLES, ["github"], grid.DEPLOYERS), ids=lambda each: each.folder)
def test_the_secrets_of_a_workflow_are_those_of_the_model(target: Target) -> None:
    application = applications.shop()
    jobs = grid.pipeline_of(application, target).jobs
    known = {each.name for job in jobs for credential in job.credentials for each in stored(credential) if each.secret}
    text = "\n".join(file.text for file in grid.files_of(application, target) if file.path.startswith(".github/"))
    assert set(re.findall(r"\bsecrets\.(\w+)", text)) == known
