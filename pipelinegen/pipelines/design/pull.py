"""The pull style (GitOps): the CI system builds and changes the manifest repository; the agent applies."""

from __future__ import annotations

from dataclasses import replace

from pipelinegen.pipelines.application import AgentName, AppEnvironment, Application
from pipelinegen.pipelines.design.build_job import build_job, delivering, from_metadata, handoffs, test_job
from pipelinegen.pipelines.design.credentials import manifests
from pipelinegen.pipelines.design.parts import (
    CONTENTS,
    INSTALL,
    check_job,
    job_id,
    reads_anchors,
    runner_of,
    triggers,
    with_header,
)
from pipelinegen.pipelines.model import (
    Artifact,
    Checkout,
    Condition,
    Credential,
    Custom,
    Elsewhere,
    Job,
    Literally,
    Pipeline,
    Run,
    Secret,
    System,
    Value,
)

_AGENTS: dict[AgentName, str] = {"argocd": "Argo CD", "flux": "Flux"}

# What a bump says of itself: which commit or pull request there is to observe.
_DOCUMENT = "bump.json"


def pipeline(application: Application, system: System) -> Pipeline:
    """check, test, build, then for each environment in turn: change its manifests, and wait for the agent's word."""
    jobs = [
        check_job(application, "pull", system),
        test_job(application, "pull"),
        build_job(application, "pull", system),
    ]
    for environment in application.environments:
        jobs.append(_bump(application, environment, system, after=jobs[-1]))
        if _lands_by_itself(environment):
            jobs.append(_observe(application, environment, system))
    plain = Pipeline(
        style="pull",
        system=system,
        name=application.project,
        triggers=triggers(application, application.schedule),
        jobs=tuple(jobs),
        elsewhere=_elsewhere(application),
        agent=application.agent,
        runner=runner_of(application, system),
        anchors=reads_anchors(application, system),
    )
    said = f"The pull style (GitOps) of {application.project}: no job holds a credential of a cluster or host."
    return replace(plain, header=with_header(plain, said))


def _lands_by_itself(environment: AppEnvironment) -> bool:
    return environment.deliver == "push" or environment.auto_merge


def _bump(application: Application, environment: AppEnvironment, system: System, after: Job) -> Job:
    credential = manifests(application, system, write=True)
    before, words = from_metadata(application)
    observed = _lands_by_itself(environment)
    document = f" --json > {_DOCUMENT}" if observed else ""
    run = Run(
        "Change the image references",
        (*before, f'pipelinegen bump {words} --env "$DEPLOYMENT"{document}'),
        _environ(application, environment, credential),
    )
    name = job_id("bump", environment.name)
    return Job(
        id=name,
        title=f"Update the manifests of {environment.name}",
        stages=("update-manifests",),
        when=Condition(delivering(application)),
        # The history tells whether the build that is deployed is a newer one, which this one must not undo.
        steps=(Checkout(history=True), INSTALL, run, Custom(f"after-{name}")),
        needs=tuple(dict.fromkeys(("build", after.id))),
        timeout=min(15, application.timeout),
        permissions=(CONTENTS,),
        credentials=(credential,),
        produces=(Artifact(name, _DOCUMENT, "handoff"),) if observed else (),
        takes=tuple(artifact.name for artifact in handoffs(application)),
    )


def _observe(application: Application, environment: AppEnvironment, system: System) -> Job:
    credential = manifests(application, system, write=False)
    bump = job_id("bump", environment.name)
    run = Run(
        "Wait for what the agent reports",
        (f'pipelinegen observe --from {_DOCUMENT} --env "$DEPLOYMENT"',),
        _environ(application, environment, credential),
    )
    return Job(
        id=job_id("observe", environment.name),
        title=f"Observe {environment.name}",
        stages=("observe",),
        when=Condition(delivering(application)),
        steps=(Checkout(), INSTALL, run),
        needs=(bump,),
        timeout=application.timeout,
        permissions=(CONTENTS,),
        credentials=(credential,),
        takes=(bump,),
    )


def _environ(application: Application, environment: AppEnvironment, credential: Credential) -> dict[str, Value]:
    repository = application.manifests
    told: dict[str, Value] = {} if repository.as_configured else {"PIPELINEGEN_REPO": Literally(repository.url)}
    return {"DEPLOYMENT": Literally(environment.name), **told, "PIPELINEGEN_TOKEN": Secret(credential.name)}


def _elsewhere(application: Application) -> tuple[Elsewhere, ...]:
    agent = _AGENTS[application.agent]
    where = application.manifests.path or application.manifests.url
    asked = [each for each in application.environments if each.deliver == "pull-request"]
    people = ", ".join(dict.fromkeys(name for each in asked for name in each.reviewers)) or "the reviewers"
    names = ", ".join(each.name for each in asked)
    found = []
    if asked:
        found.append(Elsewhere("review", people, f"at the pull requests of {where}: {names}"))
    else:
        found.append(Elsewhere("review", "nobody", f"each change is pushed to {where}; its history is the record"))
    found.append(Elsewhere("reconcile", agent, f"compares the cluster with {where} every {application.interval}"))
    by_hand = ", ".join(each.name for each in application.environments if not each.auto_sync)
    applied = "in the cluster, by its own right" + (f"; after a person's word: {by_hand}" if by_hand else "")
    found.append(Elsewhere("apply", agent, applied))
    if waiting := [each.name for each in application.environments if not _lands_by_itself(each)]:
        said = f"reports {', '.join(waiting)} as a commit status, which pipelinegen observe reads"
        found.append(Elsewhere("observe", agent, said))
    return tuple(found)
