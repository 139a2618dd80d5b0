"""SETUP.md holds what the rendered files ask for: as much, no more, and where they ask for it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml

from pipelinegen.pipelines import grid, setup
from pipelinegen.pipelines.application import AgentName, Application, DeployerName, Repository
from pipelinegen.pipelines.grid import Target, pipeline_of
from pipelinegen.pipelines.setup.accounts import WITH_ACCOUNT
from tests.support import markdown_pages as pages
from tests.support.applications import PRODUCTION, STAGING, hostile, shop, shop_on_gitlab, signed_shop
from tests.support.hostile_values import VALUES

NOWHERE = Repository("ssh://git@git.acme.example/manifests", "none", "git.acme.example", "manifests", None)
BOTH: tuple[AgentName, ...] = ("argocd", "flux")
TARGETS = [
    Target("pull", "github"),
    Target("pull", "gitlab"),
    Target("pull", "jenkins"),
    *(Target("push", system, deployer) for system in grid.SYSTEMS for deployer in grid.DEPLOYERS),
]
APPLICATIONS = {"shop": shop(), "gitlab": shop_on_gitlab(), "signed": signed_shop()}
EVERY = pytest.mark.parametrize("name", APPLICATIONS)
PLAIN_AND_SIGNED = pytest.mark.parametrize("name", ["shop", "signed"])


@cache
def page_of(name: str, target: Target) -> str:
    return page(APPLICATIONS[name], [target])


def page(application: Application, targets: Sequence[Target], agents: Sequence[AgentName] = ()) -> str:
    return setup.file(application, [pipeline_of(application, target) for target in targets], agents).text


@cache
def rendered(name: str, target: Target) -> str:
    """The pipeline's own file."""
    names = (".github/workflows/pipelinegen.yml", ".gitlab-ci.yml", "Jenkinsfile")
    (file,) = [each for each in grid.files_of(APPLICATIONS[name], target) if each.path in names]
    return file.text


def targets_of(system: str) -> list[Target]:
    return [target for target in TARGETS if target.system == system]


@cache
def jobs_of(text: str) -> list[dict[str, Any]]:
    return list(yaml.load(text, Loader=yaml.CSafeLoader)["jobs"].values())


def asked_of_github(text: str) -> set[tuple[str, str, str]]:
    """(kind, name, environment) of every secret and variable of a workflow."""
    found = set()
    for job in jobs_of(text):
        place: Any = job.get("environment", "")
        place = place["name"] if isinstance(place, dict) else place
        for kind, name in re.findall(r"\b(secrets|vars)\.([A-Za-z0-9_]+)", json.dumps(job)):
            found.add((kind, name, place))
    return found


def said_for_github(text: str) -> set[tuple[str, str, str]]:
    kinds = {"secret": "secrets", "variable": "vars"}
    lines = re.findall(r"^gh (secret|variable) set (\w+)(?: --env ([\w.-]+))?", text, re.MULTILINE)
    return {(kinds[kind], name, place) for kind, name, place in lines}


@PLAIN_AND_SIGNED
@pytest.mark.parametrize("target", targets_of("github"), ids=lambda target: target.folder)
def test_github_gets_what_the_workflow_asks_for(name: str, target: Target) -> None:
    assert said_for_github(page_of(name, target)) == asked_of_github(rendered(name, target))


@PLAIN_AND_SIGNED
@pytest.mark.parametrize("target", targets_of("github"), ids=lambda target: target.folder)
def test_every_environment_of_the_workflow_is_made_with_its_rules(name: str, target: Target) -> None:
    places = [job.get("environment", "") for job in jobs_of(rendered(name, target))]
    asked = {place["name"] if isinstance(place, dict) else place for place in places} - {""}
    text = page_of(name, target)
    made = set(re.findall(r"gh api --method PUT 'repos/\{owner\}/\{repo\}/environments/([\w.-]+)'", text))
    assert made == asked
    kept = set(re.findall(r"environments/([\w.-]+)/deployment-branch-policies", text))
    assert kept == {place for place in asked if not place.endswith("-look")}
    if target.style == "push":
        (block,) = re.findall(r"environments/production' --input - <<JSON\n(.*?)\nJSON", text, re.DOTALL)
        assert '{"type": "Team", "id": $(gh api orgs/acme/teams/platform --jq .id)}' in block


@PLAIN_AND_SIGNED
@pytest.mark.parametrize("target", targets_of("jenkins"), ids=lambda target: target.folder)
def test_jenkins_gets_the_credentials_that_the_jenkinsfile_asks_for(name: str, target: Target) -> None:
    text = page(APPLICATIONS[name], [target])
    asked = set(re.findall(r"credentialsId: '([^']+)'", rendered(name, target)))
    table = text.partition("### Credentials")[2].partition("###")[0]
    assert set(re.findall(r"^\| `([\w.-]+)` \|", table, re.MULTILINE)) == asked


def asked_of_gitlab(text: str, names: set[str]) -> set[str]:
    return {name for name in names if re.search(rf"\$\{{?{name}\b|^\s+{name}:", text, re.MULTILINE)}


@EVERY
@pytest.mark.parametrize("target", targets_of("gitlab"), ids=lambda target: target.folder)
def test_gitlab_gets_the_variables_that_the_pipeline_asks_for(name: str, target: Target) -> None:
    text = page(APPLICATIONS[name], [target])
    said = set(re.findall(r"^(?:keep|glab variable set) (\w+)", text, re.MULTILINE))
    stored = {
        "_".join(filter(None, (one.name, part.upper())))
        for job in pipeline_of(APPLICATIONS[name], target).jobs
        for one in job.credentials
        if one.stored or (one.kind == "oidc" and one.parts)
        for part in one.parts or ("",)
    }
    assert said == stored
    assert said == asked_of_gitlab(rendered(name, target), said), "nothing of it is without use"


def test_variables_of_merge_requests_are_not_protected_and_files_are_not_masked() -> None:
    text = page(shop(), [Target("push", "gitlab", "kubectl")])
    assert "glab variable set KUBE_CONFIG --type file --scope production-look <kube-config-production" in text
    assert "glab variable set KUBE_CONFIG --type file --protected --scope production <kube-config-production" in text
    assert "keep REGISTRY_PASSWORD --raw --masked --protected" in text


def test_gitlabs_schedules_are_made_by_hand_once() -> None:
    text = page(shop(), [Target("push", "gitlab", "kubectl"), Target("push", "gitlab", "helm")])
    assert text.count("glab schedule create") == 1
    assert "glab schedule create --cron '17 4 * * *' --ref main" in text
    assert "glab schedule" not in page(shop(), [Target("push", "github", "kubectl")])


@pytest.mark.parametrize(
    ("targets", "agents", "named", "unnamed"),
    [
        ([Target("pull", "github")], (), ["MANIFESTS_APP", "rulesets"], ["KUBE_CONFIG", "glab", "Jenkins", "SSH_KEY"]),
        ([Target("push", "jenkins", "helm")], (), ["kube-config-staging"], ["gh ", "glab", "rulesets", "MANIFESTS"]),
        ([Target("push", "gitlab", "ansible")], (), ["SSH_KEY"], ["gh ", "KUBE_CONFIG", "Argo CD", "Jenkins"]),
        ([], ("argocd",), ["## Argo CD", "shop-manifests"], ["Flux", "glab", "Jenkins", "GitHub Actions"]),
        ([], ("flux",), ["## Flux", "shop-webhook"], ["Argo CD", "glab", "Jenkins", "GitHub Actions"]),
    ],
    ids=["pull at GitHub", "Helm by Jenkins", "Ansible by GitLab", "Argo CD", "Flux"],
)
def test_what_is_not_needed_is_not_named(
    targets: list[Target], agents: tuple[AgentName, ...], named: list[str], unnamed: list[str]
) -> None:
    text = page(shop(), targets, agents)
    assert not [word for word in named if word not in text]
    assert not [word for word in unnamed if word in text]


@pytest.mark.parametrize("deployer", grid.DEPLOYERS)
def test_accounts_of_deployers_lie_where_setup_says(deployer: DeployerName) -> None:
    target = Target("push", "github", deployer)
    paths = {file.path for file in grid.files_of(shop(), target)}
    accounts = [f"deploy/{deployer}/setup/{name}.yaml" for name in ("staging", "production")]
    said = re.findall(r"kubectl apply --server-side -f (\S+)", page(shop(), [target]))
    assert said == (accounts if deployer in WITH_ACCOUNT else [])
    assert [path for path in accounts if path in paths] == said


def test_an_app_asks_for_the_sum_of_what_its_jobs_ask_for() -> None:
    text = page(shop(), [Target("pull", "github")])
    table = text.partition("| permission | level |")[2].partition("\n\n")[0]
    said = {
        scope.replace("\\", ""): level
        for scope, level in re.findall(r"^\| ([\w\\-]+) \| (\w+) \|", table, re.MULTILINE)
    }
    assert said["contents"] == said["pull-requests"] == "write"
    asked: dict[str, set[str]] = {}
    for job in pipeline_of(shop(), Target("pull", "github")).jobs:
        for grant in (grant for one in job.credentials for grant in one.grants):
            asked.setdefault(grant.scope, set()).add(grant.level)
    assert said == {scope: "write" if "write" in levels else "read" for scope, levels in asked.items()}


def test_the_rule_of_the_manifest_repository_asks_for_the_check_that_its_workflow_has() -> None:
    text = page(shop(), [], ("argocd",))
    rule = text.partition("rulesets")[2].partition("```")[0]
    (workflow,) = [
        file.text for file in grid.agent_files_of(shop(), "argocd") if file.path == ".github/workflows/checks.yml"
    ]
    (job,) = yaml.safe_load(workflow)["jobs"].values()
    assert f'"required_status_checks": [{{"context": "{job["name"]}"}}]' in rule
    assert '"include": ["refs/heads/main"]' in rule
    asked = replace(shop(), manifests=replace(shop().manifests, base=None))
    assert '"include": ["~DEFAULT_BRANCH"]' in page(asked, [], ("argocd",))


def test_an_approval_without_reviewers_says_that_somebody_must_be_named() -> None:
    environments = (STAGING, replace(PRODUCTION, reviewers=()))
    application = replace(shop(), environments=environments)
    text = page(application, [Target("push", "github", "kubectl")])
    assert "name at least one" in text
    assert '"reviewers"' not in text


@EVERY
def test_the_page_is_whole(name: str) -> None:
    text = page(APPLICATIONS[name], TARGETS, BOTH)
    assert not list(pages.faults(text))
    assert text.startswith("<!-- Written by pipelinegen ")
    for agent in BOTH:
        for file in grid.agent_files_of(APPLICATIONS[name], agent):
            if file.path.endswith(".md"):
                assert not list(pages.faults(file.text)), file.path


def test_without_a_forge_there_are_no_rules_to_set() -> None:
    text = page(replace(shop(), manifests=NOWHERE), [], BOTH)
    assert not list(pages.faults(text))
    assert "## The manifest repository" not in text
    assert "ssh-keygen" in text


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_hostile_text_does_not_leave_its_place(value: str) -> None:
    application = hostile(value)
    targets = [Target("push", system, "kubectl") for system in grid.SYSTEMS]
    text = page(application, [Target("pull", "github"), *targets], BOTH)
    assert not list(pages.faults(text))
    assert pages.headings(text) == _plain_headings()


@cache
def _plain_headings() -> list[str]:
    targets = [Target("push", system, "kubectl") for system in grid.SYSTEMS]
    return pages.headings(page(shop(), [Target("pull", "github"), *targets], BOTH))
