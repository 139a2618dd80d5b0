"""What the deployers to Kubernetes write: `bump` finds every version in it, and its own tools and judges take it."""

from __future__ import annotations

import json
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers.images import DIGEST
from pipelinegen.pipelines.deployers.kubernetes import label
from tests.support.applications import shop
from tests.support.checkout import Checkout
from tests.support.deploying import (
    APPLICATIONS,
    NAMES,
    bump,
    called,
    checkout,
    deployer,
    hostile_texts,
    objects,
    odd,
    program,
    references,
    rendered,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kubernetes_validate  # type: ignore[import-untyped]

RENDERING = ("kubectl", "helm", "kustomize")
VERSIONS = ("1.29", "1.37")
EVERY = pytest.mark.parametrize("application", [make() for make in APPLICATIONS.values()], ids=list(APPLICATIONS))


def strictly(document: dict[str, Any]) -> None:
    """Known in every field, by an old Kubernetes and by the newest that is bundled."""
    for version in VERSIONS:
        kubernetes_validate.validate(document, version, strict=True)


def images(found: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Of each Deployment the image that runs, and the one that its pods say was deployed."""
    templates = {each["metadata"]["name"]: each["spec"]["template"] for each in found if each["kind"] == "Deployment"}
    return {
        name: (one["spec"]["containers"][0]["image"], one["metadata"]["annotations"]["pipelinegen.dev/image"])
        for name, one in templates.items()
    }


@EVERY
@pytest.mark.parametrize("name", NAMES)
def test_bump_sets_every_version_of_one_environment_and_nothing_else(
    name: str, application: Application, tmp_path: Path
) -> None:
    at = checkout(name, application, tmp_path / "w")
    environment = application.environments[-1]
    assert bump(at, name, environment.name, references(application))["result"] == "updated"
    changed = [line[3:] for line in at.status().splitlines()]
    assert changed
    assert all(environment.name in path for path in changed)
    held = "".join(at.read(path) for path in changed)
    assert DIGEST not in held
    assert "unset" not in held
    if name in RENDERING:
        found = rendered(name, at, application, environment.name)
        wanted = {label(each.name): each.repository + ":1.2.3@sha256:" + 64 * "a" for each in application.images}
        assert images(found) == {key: (it, it) for key, it in wanted.items()}
        assert {each["metadata"]["namespace"] for each in found} == {environment.namespace}
        assert paths_of_probes(found) == {each.health_path for each in application.images if each.health_path}
        for each in found:
            strictly(each)


def paths_of_probes(found: list[dict[str, Any]]) -> set[str]:
    return {
        probe["httpGet"]["path"]
        for each in found
        if each["kind"] == "Deployment"
        for container in each["spec"]["template"]["spec"]["containers"]
        for key, probe in container.items()
        if key.endswith("Probe") and "httpGet" in probe
    }


@pytest.mark.parametrize("name", NAMES)
def test_one_image_is_set_and_the_others_stay_as_they_are(name: str, tmp_path: Path) -> None:
    at = checkout(name, shop(), tmp_path / "w")
    done = bump(at, name, "staging", references(shop())[:1])
    assert {edit["file"].count("production") for edit in done["edits"]} == {0}
    (path, *rest) = (line[3:] for line in at.status().splitlines())
    assert rest == []
    assert "ghcr.io/acme/worker:1.2.3" not in at.read(path)


@pytest.mark.parametrize("name", NAMES)
def test_what_an_administrator_applies_is_known_to_kubernetes(name: str) -> None:
    application = odd()
    files = deployer(name).files(application)
    setup = [file for file in files if file.path.startswith(f"deploy/{name}/setup/")]
    assert len(setup) == len(application.environments)
    for file in setup:
        found = objects(file.text)
        kinds = [each["kind"] for each in found]
        assert kinds[:4] == ["Namespace", "ServiceAccount", "Role", "RoleBinding"]
        assert kinds[4:] == (["Namespace", "Role", "RoleBinding"] if name == "terraform" else [])
        for each in found:
            strictly(each)


@pytest.mark.parametrize("name", ["helm", "kustomize"])
def test_the_same_objects_whoever_deploys_them(name: str, tmp_path: Path) -> None:
    """But for the labels that say who did."""
    application = shop()
    ours = rendered("kubectl", checkout("kubectl", application, tmp_path / "a"), application, "staging")
    at = checkout(name, application, tmp_path / "b")
    assert sorted(map(_bare, rendered(name, at, application, "staging"))) == sorted(map(_bare, ours))


def _bare(found: dict[str, Any]) -> str:
    text = json.dumps(found, sort_keys=True)
    labels = r'"(?:app\.kubernetes\.io/(?:instance|managed-by)|helm\.sh/chart)": "[^"]*",? ?'
    return re.sub(r", ?}", "}", re.sub(labels, "", text))


@EVERY
def test_helm_lints_the_chart_at_its_strictest(application: Application, tmp_path: Path) -> None:
    at = checkout("helm", application, tmp_path / "w")
    argv = [program("helm"), "lint", "deploy/helm/chart", "--strict", "--namespace", "shop"]
    called([*argv, "--values", "deploy/helm/environments/staging.yaml"], at.folder)


@pytest.mark.parametrize(
    ("key", "value"), [("digest", "latest"), ("digest", ""), ("tag", "a b"), ("repository", "")], ids=repr
)
def test_the_chart_refuses_an_image_that_is_not_named_by_its_digest(key: str, value: str, tmp_path: Path) -> None:
    at = checkout("helm", shop(), tmp_path / "w")
    values = at.folder / "deploy/helm/environments/staging.yaml"
    text = re.sub(rf"{key}: \S+", f"{key}: {json.dumps(value)}", values.read_text(encoding="utf-8"), count=1)
    values.write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match="values don't meet the specifications"):
        rendered("helm", at, shop(), "staging")


# What differs between applications stands in JSON alone.
@pytest.mark.parametrize("application", [shop(), hostile_texts()], ids=["shop", "hostile texts"])
def test_terraform_takes_its_files_as_they_are(application: Application, tmp_path: Path) -> None:
    at = checkout("terraform", application, tmp_path / "w")
    root = at.folder / "deploy/terraform"
    env = {"TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1"}
    terraform = program("terraform")
    assert called([terraform, "fmt", "-check", "-recursive", "-diff"], root, env) == ""
    called([terraform, "init", "-backend=false", "-input=false"], root, env)
    assert json.loads(called([terraform, "validate", "-json"], root, env))["diagnostics"] == []


@EVERY
@pytest.mark.parametrize("name", NAMES)
def test_every_file_says_what_wrote_it(name: str, application: Application) -> None:
    for file in deployer(name).files(application):
        if file.path.endswith(".tfvars.json"):  # has no comments; main.tf says it for them
            json.loads(file.text)
        else:
            assert "Written by pipelinegen" in "".join(file.text.splitlines(keepends=True)[:3]), file.path
        assert re.search(r"[^\n]\n\Z", file.text), file.path
        assert not re.search(r"\t|[ \t]$", file.text, re.MULTILINE), file.path


@pytest.mark.parametrize("name", NAMES)
def test_yamllint_finds_nothing(name: str, tmp_path: Path) -> None:
    judge = shutil.which("yamllint", path=str(Path(sys.executable).parent))
    assert judge is not None, "yamllint belongs to the development tools"
    at = checkout(name, shop(), tmp_path / "w")
    rules = "{extends: default, ignore: [deploy/helm/chart/templates], rules: {line-length: {max: 200}}}"
    called([judge, "--strict", "--config-data", rules, "deploy"], at.folder)


def ids() -> Iterator[str]:
    yield from ("api", "a-1", "API", "Api", "a_b", "a.b", "a-b", "1a", "x1a", "-", "app", "a" * 50, "a" * 51, "a" * 63)


def test_names_are_labels_and_stay_different() -> None:
    given = list(ids())
    made = [label(name) for name in given]
    assert len(set(made)) == len(given)
    assert all(re.fullmatch(r"[a-z]([a-z0-9-]{0,48}[a-z0-9])?", name) for name in made), made
    assert [label(name) for name in ("api", "a-1", "a-b", "app")] == ["api", "a-1", "a-b", "app"]


def test_a_single_replica_has_no_budget_that_could_stop_the_draining_of_a_node(tmp_path: Path) -> None:
    worker = replace(shop(), images=shop().images[1:])
    for name in RENDERING:
        found = rendered(name, checkout(name, worker, tmp_path / name), worker, "staging")
        assert [each["kind"] for each in found] == ["Deployment"], name


def test_blocks_of_the_user_are_where_they_are_needed(tmp_path: Path) -> None:
    """Filled with what teams add first, the manifests are still good."""
    at = checkout("kustomize", shop(), tmp_path / "w")
    path = "deploy/kustomize/base/api.yaml"
    text = at.read(path)
    for name, added in (
        ("pod", "      imagePullSecrets:\n        - name: registry\n"),
        ("container", "          env:\n            - name: MODE\n              value: fast\n"),
        ("volumes", "        - name: data\n          emptyDir: {}\n"),
        ("objects", "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n"),
    ):
        mark = f"# pipelinegen:begin {name}\n"
        assert text.count(mark) == 1
        text = text.replace(mark, mark + added)
    at.write({path: text})
    found = rendered("kustomize", at, shop(), "staging")
    for each in found:
        strictly(each)
    (api,) = (each for each in found if each["kind"] == "Deployment" and each["metadata"]["name"] == "api")
    spec = api["spec"]["template"]["spec"]
    assert [bool(spec["imagePullSecrets"]), bool(spec["containers"][0]["env"]), len(spec["volumes"])] == [True, True, 2]
    assert any(each["kind"] == "ConfigMap" for each in found)


def test_blocks_of_terraform_take_what_teams_add_first(tmp_path: Path) -> None:
    at = checkout("terraform", shop(), tmp_path / "w")
    root = "deploy/terraform"
    more = 'variable "mode" {\n  type    = string\n  default = "fast"\n}\n'
    for path, name, added in (
        ("variables.tf", "variables", more),
        ("modules/workload/variables.tf", "variables", more),
        ("main.tf", "workload", "  mode = var.mode\n"),
        ("modules/workload/main.tf", "container", '    { env = [{ name = "MODE", value = var.mode }] },\n'),
        ("modules/workload/main.tf", "pod", '    { imagePullSecrets = [{ name = "registry" }] },\n'),
        ("backend.tf", "backend", '  backend "s3" {}\n'),
    ):
        text = at.read(f"{root}/{path}")
        assert text.count(f"# pipelinegen:begin {name}\n") == 1
        filled = rf"(# pipelinegen:begin {name}\n)(?:.*\n)*?( *# pipelinegen:end\n)"
        at.write({f"{root}/{path}": re.sub(filled, rf"\g<1>{added}\g<2>", text)})
    env = {"TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1"}
    terraform = program("terraform")
    assert called([terraform, "fmt", "-check", "-recursive", "-diff"], at.folder / root, env) == ""
    called([terraform, "init", "-backend=false", "-input=false"], at.folder / root, env)
    assert json.loads(called([terraform, "validate", "-json"], at.folder / root, env))["diagnostics"] == []


def test_the_overlay_alone_says_the_version(tmp_path: Path) -> None:
    """A base that names one would be seen by every environment."""
    at: Checkout = checkout("kustomize", shop(), tmp_path / "w")
    for path in (at.folder / "deploy/kustomize/base").iterdir():
        assert "sha256:" not in path.read_text(encoding="utf-8")
    for environment in ("staging", "production"):
        overlay = yaml.safe_load(at.read(f"deploy/kustomize/overlays/{environment}/kustomization.yaml"))
        assert [each["name"] for each in overlay["images"]] == ["ghcr.io/acme/api", "ghcr.io/acme/worker"]
