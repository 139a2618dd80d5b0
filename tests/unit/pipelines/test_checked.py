"""A pipeline that is not sound is refused before it is written, whatever is wrong with it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pipelinegen.errors import Defect
from pipelinegen.pipelines import deployers
from pipelinegen.pipelines.checked import checked
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.model import (
    Answer,
    Artifact,
    Condition,
    Credential,
    Deployment,
    Each,
    Job,
    Literally,
    Pipeline,
    Run,
    Secret,
    Style,
)
from tests.support import applications

KUBE = Credential("KUBE_CONFIG", "kubeconfig", "cluster", "all", "to deploy", environment="staging")
RUN = Run("Run", ("true",))


def pipeline(style: Style = "pull") -> Pipeline:
    return design(applications.shop(), style, "github", deployers.DEPLOYERS["kubectl"] if style == "push" else None)


def with_job(id: str, change: Callable[[Job], Job], style: Style = "pull") -> Pipeline:
    whole = pipeline(style)
    return replace(whole, jobs=tuple(change(job) if job.id == id else job for job in whole.jobs))


def with_run(run: Run, style: Style = "pull") -> Pipeline:
    return with_job("build", lambda job: replace(job, steps=(*job.steps, run)), style)


BROKEN: dict[str, tuple[Pipeline, str]] = {
    "reserved": (with_job("check", lambda job: replace(job, id="image")), "no id"),
    "capitals": (with_job("check", lambda job: replace(job, id="Check")), "no id"),
    "dot": (with_job("check", lambda job: replace(job, id="a.b")), "no id"),
    "same id": (with_job("check", lambda job: replace(job, id="test")), "two jobs are called test"),
    "unknown need": (with_job("build", lambda job: replace(job, needs=("nobody",))), "needs nobody"),
    "circle": (with_job("build", lambda job: replace(job, needs=("bump-staging",))), "does not stand before it"),
    "itself": (with_job("build", lambda job: replace(job, needs=("build",))), "does not stand before it"),
    "takes nothing": (with_job("bump-staging", lambda job: replace(job, takes=("x",))), "takes x"),
    "takes of no need": (with_job("bump-staging", lambda job: replace(job, needs=())), "takes build-metadata-api"),
    "no leg": (
        with_job("build", lambda job: replace(job, produces=(*job.produces, Artifact("a", "a", "handoff", "x")))),
        "no leg x",
    ),
    "same artifact": (
        with_job("build", lambda job: replace(job, produces=(*job.produces, *job.produces))),
        "two artifacts are called build-metadata-api",
    ),
    "no stage": (with_job("check", lambda job: replace(job, stages=())), "check does no stage"),
    "stage of the other style": (with_job("check", lambda job: replace(job, stages=("deploy",))), "deploy is no stage"),
    "stage of nobody": (replace(pipeline(), elsewhere=()), "nobody does the stage review"),
    "cluster in pull": (with_job("build", lambda job: replace(job, credentials=(KUBE,))), "opens a cluster"),
    "host in pull": (
        with_job("build", lambda job: replace(job, credentials=(replace(KUBE, target="host", environment=None),))),
        "opens a host",
    ),
    "environment in pull": (
        with_job("build", lambda job: replace(job, environment=Deployment("staging"))),
        "works on the environment staging",
    ),
    "wrong environment": (
        with_job("deploy-production", lambda job: replace(job, credentials=(KUBE,)), "push"),
        "is for staging",
    ),
    "credential twice": (
        with_job("build", lambda job: replace(job, credentials=(*job.credentials, *job.credentials))),
        "two credentials are called REGISTRY",
    ),
    "no right said": (
        with_job("deploy-staging", lambda job: replace(job, credentials=(replace(KUBE, rights=""),)), "push"),
        "does not say what it may do",
    ),
    "secret for a fork": (
        with_job(
            "build",
            lambda job: replace(
                job, credentials=(replace(KUBE, target="registry", environment=None),), when=Condition(("change",))
            ),
        ),
        "a fork starts",
    ),
    "secret not held": (with_run(replace(RUN, env={"A": Secret("NOBODY")})), "does not hold NOBODY"),
    "part not held": (with_run(replace(RUN, env={"A": Secret("REGISTRY", "x")})), "does not hold REGISTRY x"),
    "no such question": (with_run(replace(RUN, env={"A": Answer("x")})), "nobody is asked for x"),
    "no legs": (
        with_job("bump-staging", lambda job: replace(job, steps=(replace(RUN, env={"A": Each()}),))),
        "no legs",
    ),
    "expression": (with_run(replace(RUN, script=("echo ${{ github.ref }}",))), "${{ in a script"),
    "input": (with_run(replace(RUN, script=("echo $[[ inputs.x ]]",))), "$[[ in a script"),
    "no script": (with_run(replace(RUN, script=())), "a script is lines"),
    "line break": (with_run(replace(RUN, script=("a\nb",))), "a script is lines"),
    "bad variable": (with_run(replace(RUN, env={"A-B": Literally("x")})), "no name of a variable"),
}


@pytest.mark.parametrize(("broken", "said"), BROKEN.values(), ids=BROKEN)
def test_it_is_refused_with_what_is_wrong(broken: Pipeline, said: str) -> None:
    with pytest.raises(Defect) as refused:
        checked(broken)
    assert any(said in line for line in refused.value.details), refused.value.details


@pytest.mark.parametrize("style", ["pull", "push"])
def test_a_sound_one_is_left_as_it_is(style: Style) -> None:
    sound = pipeline(style)
    assert checked(sound) is sound


def test_all_that_is_wrong_is_told_at_once() -> None:
    broken = with_job("check", lambda job: replace(job, id="image", stages=(), needs=("nobody",)))
    with pytest.raises(Defect) as refused:
        checked(broken)
    assert len(refused.value.details) == 4
