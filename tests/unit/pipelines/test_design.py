"""The pipelines that are designed: sound in every combination, and what each style promises of its jobs."""

from dataclasses import replace

import pytest

from pipelinegen.pipelines import deployers
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.checked import checked
from pipelinegen.pipelines.deployers import Deployer
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.design.parts import job_id, stages_of
from pipelinegen.pipelines.grid import SYSTEMS
from pipelinegen.pipelines.model import (
    DEVOPS,
    GITOPS,
    Answer,
    Checkout,
    Fact,
    Job,
    Literally,
    Pipeline,
    Run,
    Secret,
    System,
)
from tests.support import applications

APPLICATIONS = {
    "shop": applications.shop(),
    "gitlab": applications.shop_on_gitlab(),
    "signed": applications.signed_shop(),
    "single": applications.single(),
    "based": applications.based(),
    "hostile": applications.hostile("$(touch /tmp/x)"),
}
every_application = pytest.mark.parametrize("application", APPLICATIONS.values(), ids=APPLICATIONS)
every_system = pytest.mark.parametrize("system", SYSTEMS)
every_deployer = pytest.mark.parametrize("deployer", deployers.DEPLOYERS.values(), ids=deployers.DEPLOYERS)


def runs(job: Job) -> list[Run]:
    return [step for step in job.steps if isinstance(step, Run)]


def script(job: Job) -> str:
    return "\n".join(line for run in runs(job) for line in run.script)


def pull(application: Application, system: System = "github") -> Pipeline:
    return checked(design(application, "pull", system))


def push(application: Application, system: System = "github", deployer: str = "kubectl") -> Pipeline:
    return checked(design(application, "push", system, deployers.DEPLOYERS[deployer]))


@every_system
@every_application
def test_every_pull_pipeline_is_sound_and_reaches_no_cluster(application: Application, system: System) -> None:
    pipeline = pull(application, system)
    targets = {credential.target for job in pipeline.jobs for credential in job.credentials}
    assert targets <= {"registry", "manifest-repository", "server"}
    assert {stage for job in pipeline.jobs for stage in stages_of(job)} <= set(GITOPS)


@every_deployer
@every_system
@every_application
def test_every_push_pipeline_is_sound_and_does_all_stages(
    application: Application, system: System, deployer: Deployer
) -> None:
    pipeline = checked(design(application, "push", system, deployer))
    assert {stage for job in pipeline.jobs for stage in stages_of(job)} == set(DEVOPS)


@every_system
@every_application
def test_nothing_of_the_configuration_stands_in_a_script(application: Application, system: System) -> None:
    """The same words but for those of the configuration: every text of it is changed, and no script changes."""
    changed = replace(
        application,
        project="other",
        branches=("trunk",),
        images=tuple(
            replace(image, name=f"other-{image.name}", based_on=tuple(f"other-{name}" for name in image.based_on))
            for image in application.images
        ),
        environments=tuple(
            replace(
                each,
                name=f"{each.name}-2",
                namespace="n",
                cluster=each.cluster and "c",
                url=each.url and "https://u.example",
            )
            for each in application.environments
        ),
    )
    for one, other in zip(pull(application, system).jobs, pull(changed, system).jobs, strict=True):
        assert script(one) == script(other)
    for deployer in deployers.DEPLOYERS.values():
        before, after = (checked(design(each, "push", system, deployer)) for each in (application, changed))
        for one, other in zip(before.jobs, after.jobs, strict=True):
            assert script(one) == script(other)


@every_deployer
@every_system
def test_no_secret_is_in_a_job_that_a_fork_starts(system: System, deployer: Deployer) -> None:
    for pipeline in (pull(applications.shop(), system), design(applications.shop(), "push", system, deployer)):
        for job in pipeline.jobs:
            if "change" in job.when.events and job.when.forks:
                assert job.credentials == ()
                assert {permission.level for permission in job.permissions} == {"read"}


@every_deployer
def test_deployments_wait_for_each_other_and_are_never_stopped(deployer: Deployer) -> None:
    for job in push(applications.shop(), deployer=deployer.NAME).jobs:
        if job.environment is not None and job.environment.action == "deploy":
            assert job.lock == f"deploy-{job.environment.name}"
            assert not job.cancel
            assert job.environment.approval == (job.environment.name == "production")


@every_deployer
def test_only_its_own_jobs_hold_the_credential_of_an_environment(deployer: Deployer) -> None:
    for job in push(applications.shop(), deployer=deployer.NAME).jobs:
        for credential in job.credentials:
            if credential.target in ("cluster", "host", "cloud"):
                assert job.environment is not None
                assert credential.environment == job.environment.name


def test_environments_follow_each_other() -> None:
    assert [job.id for job in pull(applications.shop()).jobs] == [
        *("check", "test", "build"),
        *("bump-staging", "observe-staging", "bump-production"),
    ]
    assert pull(applications.shop()).job("bump-production").needs == ("build", "observe-staging")
    assert push(applications.shop()).job("deploy-production").needs == ("build", "deploy-staging")


def test_an_environment_that_merges_by_itself_is_observed() -> None:
    shop = applications.shop()
    merging = tuple(replace(each, auto_merge=each.deliver == "pull-request") for each in shop.environments)
    assert "observe-production" in [job.id for job in pull(replace(shop, environments=merging)).jobs]


def test_each_leg_of_the_matrix_hands_on_a_file_of_its_own() -> None:
    build = pull(applications.shop()).job("build")
    assert build.matrix == ("api", "worker")
    handed = [(each.name, each.path, each.leg) for each in build.produces if each.kind == "handoff"]
    assert handed == [
        ("build-metadata-api", "build-metadata-api.json", "api"),
        ("build-metadata-worker", "build-metadata-worker.json", "worker"),
    ]


@pytest.mark.parametrize("application", [applications.based(), applications.single()], ids=["based", "single"])
def test_images_that_need_each_other_are_built_in_one_job(application: Application) -> None:
    build = pull(application).job("build")
    assert build.matrix == ()
    assert [each.path for each in build.produces if each.kind == "handoff"] == ["build-metadata.json"]


REGISTRY = [
    ("github", "ghcr.io", "none", "job-token"),
    ("gitlab", "ghcr.io", "none", "password"),
    ("jenkins", "ghcr.io", "none", "password"),
    ("gitlab", "registry.gitlab.com", "none", "job-token"),
    ("github", "registry.gitlab.com", "none", "password"),
    ("gitlab", "registry.acme.example", "gitlab.acme.example", "job-token"),
    ("gitlab", "registry.gitlab.acme.example", "gitlab.acme.example", "job-token"),
    ("gitlab", "gitlab.acme.example:5050", "gitlab.acme.example", "job-token"),
    ("gitlab", "registry.other.example", "gitlab.acme.example", "password"),
    ("github", "docker.io", "none", "password"),
    ("github", "acme.jfrog.io", "none", "password"),
]


@pytest.mark.parametrize(("system", "host", "gitlab", "kind"), REGISTRY, ids=[f"{r[0]} {r[1]}" for r in REGISTRY])
def test_a_registry_is_opened_by_the_systems_own_token_where_it_takes_that(
    system: System, host: str, gitlab: str, kind: str
) -> None:
    shop = applications.shop()
    images = tuple(replace(image, repository=f"{host}/acme/{image.name}") for image in shop.images)
    manifests = shop.manifests if gitlab == "none" else replace(shop.manifests, forge="gitlab", host=gitlab)
    build = pull(replace(shop, images=images, manifests=manifests), system).job("build")
    (credential,) = build.credentials
    assert (credential.kind, credential.target) == (kind, "registry")
    (run,) = [
        run
        for run in runs(build)
        if "pipelinegen build" in script(build) and "PIPELINEGEN_REGISTRY_PASSWORD" in run.env
    ]
    assert run.env["PIPELINEGEN_REGISTRY_PASSWORD"] == Secret("REGISTRY", "password" if kind == "password" else "")
    packages = [permission for permission in build.permissions if permission.scope == "packages"]
    assert bool(packages) == (system == "github" and kind == "job-token")


def test_several_registries_are_logged_in_to_by_names_of_their_own_and_out_at_the_end() -> None:
    build = pull(applications.based()).job("build")
    assert [credential.name for credential in build.credentials] == ["REGISTRY", "REGISTRY_DOCKER_IO"]
    names = [run.name for run in runs(build)]
    assert names[-1] == "Log out"
    assert runs(build)[-1].when == "always"
    assert {"Log in to ghcr.io", "Log in to docker.io"} <= set(names)
    assert not any("PIPELINEGEN_REGISTRY_PASSWORD" in run.env for run in runs(build))


@every_system
def test_signatures_come_from_the_jobs_own_identity_where_there_is_one(system: System) -> None:
    build = push(applications.signed_shop(), system).job("build")
    signer = [credential for credential in build.credentials if credential.target == "server"]
    assert {credential.kind for credential in signer} == ({"password"} if system == "jenkins" else {"oidc"})
    assert "release" in {run.stage for run in runs(build)}
    identity = [permission for permission in build.permissions if permission.scope == "id-token"]
    assert bool(identity) == (system != "jenkins")


def test_the_token_of_the_manifest_repository_opens_nothing_else() -> None:
    bump = pull(applications.shop()).job("bump-staging")
    (app,) = bump.credentials
    assert (app.kind, app.repository) == ("app", "acme/manifests")
    assert {grant.scope: grant.level for grant in app.grants} == {"contents": "write", "pull-requests": "write"}
    (looking,) = pull(applications.shop()).job("observe-staging").credentials
    assert {grant.level for grant in looking.grants} == {"read"}


@every_system
def test_other_systems_hold_a_token_for_it(system: System) -> None:
    (token,) = pull(applications.shop_on_gitlab(), system).job("bump-staging").credentials
    assert (token.kind, token.name) == ("token", "MANIFESTS_TOKEN")


def test_an_address_by_ssh_is_told_to_jobs_by_https() -> None:
    shop = applications.shop()
    told = replace(shop, manifests=replace(shop.manifests, as_configured=False))
    for name in ("bump-staging", "observe-staging"):
        run = runs(pull(told).job(name))[-1]
        assert run.env["PIPELINEGEN_REPO"] == Literally("https://github.com/acme/manifests")


def test_a_rollback_asks_for_an_environment_and_all_its_images() -> None:
    pipeline = push(applications.shop())
    names = {question.name: question.choices for question in pipeline.triggers.questions}
    assert names == {"environment": ("staging", "production"), "references": ()}
    job = pipeline.job("rollback-production")
    assert job.when.answered == ("environment", "production")
    (setting,) = [run for run in runs(job) if Answer("references") in run.env.values()]
    assert '-- "${references[@]}"' in setting.script[-1]
    assert Fact("temporary-folder") not in setting.env.values()


def test_the_check_names_the_very_target() -> None:
    assert "generate --check --style pull --ci gitlab --agent argocd" in script(
        pull(applications.shop(), "gitlab").job("check")
    )
    checking = script(push(applications.shop(), "jenkins").job("check"))
    assert "generate --check --style push --ci jenkins --deploy kubectl" in checking


def test_a_bump_knows_the_history_by_which_a_late_build_is_told() -> None:
    assert pull(applications.shop()).job("bump-staging").steps[0] == Checkout(history=True)


def test_tags_made_of_versions_need_the_whole_history() -> None:
    versioned = replace(applications.shop(), versions=True)
    assert pull(versioned).job("build").steps[0] != pull(applications.shop()).job("build").steps[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [(("deploy", "EU.prod_1"), "deploy-eu-prod-1"), (("a", "-b-"), "a-b"), (("plan", "x"), "plan-x")],
)
def test_ids_of_jobs_are_legal_everywhere(words: tuple[str, ...], expected: str) -> None:
    assert job_id(*words) == expected


def test_the_header_says_who_does_each_stage() -> None:
    shop = applications.shop()
    for pipeline, stages in ((pull(shop), GITOPS), (push(shop), DEVOPS)):
        for stage in stages:
            (line,) = [line for line in pipeline.header if line.startswith(f"  {stage.replace('-', ' ')} ")]
            assert line.split(stage.replace("-", " "), 1)[1].strip()


@pytest.mark.parametrize(
    ("runner", "system", "label"),
    [
        ("", "github", "ubuntu-24.04"),
        ("big", "github", "big"),
        ("", "gitlab", ""),
        ("big", "gitlab", "big"),
        ("ubuntu-24.04", "jenkins", ""),
        ("ubuntu-24.04-arm", "gitlab", ""),
    ],
)
def test_a_runner_that_github_hosts_is_none_of_the_others(runner: str, system: System, label: str) -> None:
    assert pull(replace(applications.shop(), runner=runner), system).runner == label
