"""What manifest repositories hold, for Argo CD and Flux: read back from the files, never from the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml

from pipelinegen.commands.verdict import wanted_statuses
from pipelinegen.pipelines.agents import AGENTS
from pipelinegen.pipelines.agents.layout import layout_of
from pipelinegen.pipelines.application import Application, Repository
from pipelinegen.pipelines.blocks import Block, parts_of
from tests.support.applications import PRODUCTION, STAGING, hostile, shop, shop_on_gitlab, single
from tests.support.hostile_values import VALUES

NOWHERE = Repository("ssh://git@git.acme.example/manifests", "none", "git.acme.example", "manifests", None)
APPLICATIONS = {
    "github": shop(),
    "gitlab": shop_on_gitlab(),
    "single": single(),
    "no forge": replace(shop(), manifests=NOWHERE),
}

# Every key that is written, by kind. A new one is looked up in the agent's own definition (tests/judges/agents.py).
SPECS = {
    ("argoproj.io/v1alpha1", "AppProject"): {
        "clusterResourceWhitelist",
        "description",
        "destinations",
        "namespaceResourceWhitelist",
        "sourceRepos",
        "syncWindows",
    },
    ("argoproj.io/v1alpha1", "Application"): {
        "destination",
        "ignoreDifferences",
        "project",
        "revisionHistoryLimit",
        "source",
        "syncPolicy",
    },
    ("source.toolkit.fluxcd.io/v1", "GitRepository"): {"interval", "provider", "ref", "secretRef", "url"},
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): {
        "interval",
        "path",
        "prune",
        "retryInterval",
        "serviceAccountName",
        "sourceRef",
        "suspend",
        "targetNamespace",
        "timeout",
        "wait",
    },
    ("notification.toolkit.fluxcd.io/v1beta3", "Provider"): {"address", "commitStatusExpr", "secretRef", "type"},
    ("notification.toolkit.fluxcd.io/v1beta3", "Alert"): {"eventSeverity", "eventSources", "providerRef"},
    ("notification.toolkit.fluxcd.io/v1", "Receiver"): {"events", "resources", "secretRef", "type"},
}


def tree(agent: str, application: Application) -> dict[str, str]:
    files = AGENTS[agent].files(application)  # type: ignore[index]
    texts = {file.path: file.text for file in files}
    assert len(texts) == len(files), "a path is written twice"
    return texts


@cache
def documents(text: str) -> list[dict[str, Any]]:
    return [each for each in yaml.load_all(text, Loader=yaml.CSafeLoader) if each]


def objects(texts: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, text in texts.items():
        if path.endswith((".yaml", ".yml")):
            yield from ((path, each) for each in documents(text))


def found(texts: dict[str, str], kind: str, name: str) -> dict[str, Any]:
    (one,) = [
        each for _, each in objects(texts) if (each.get("kind"), each.get("metadata", {}).get("name")) == (kind, name)
    ]
    return one


def kinds(texts: dict[str, str]) -> set[str]:
    return {each["kind"] for _, each in objects(texts) if "kind" in each}


BOTH = pytest.mark.parametrize("agent", list(AGENTS))
EVERY = pytest.mark.parametrize("application", APPLICATIONS.values(), ids=APPLICATIONS)


@BOTH
@EVERY
def test_every_file_says_what_wrote_it_and_has_marks_that_can_be_read(agent: str, application: Application) -> None:
    for path, text in tree(agent, application).items():
        first = text.splitlines()[1 if text.startswith("#!") else 0]
        assert re.match(r"(#|<!--) Written by pipelinegen \S+\. To write it again: pipelinegen generate", first), path
        blocks = [part for part in parts_of(text) if isinstance(part, Block)]
        assert ("or blocks from" in text) == bool(blocks), path
        assert text.endswith("\n"), path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert path.endswith(".py") or "\n\n\n" not in text, path


@BOTH
@EVERY
def test_no_key_is_written_that_the_agents_do_not_define(agent: str, application: Application) -> None:
    for path, each in objects(tree(agent, application)):
        known = SPECS.get((str(each.get("apiVersion")), str(each.get("kind"))))
        if known is not None:
            assert set(each["spec"]) <= known, path


@BOTH
@EVERY
def test_nothing_secret_is_in_git_and_no_version_moves(agent: str, application: Application) -> None:
    texts = tree(agent, application)
    assert "Secret" not in kinds(texts)
    assert not [path for path, text in texts.items() if path.endswith((".yaml", ".yml")) and "latest" in text]


@BOTH
def test_overlays_name_each_image_once_with_a_tag_that_bump_changes(agent: str) -> None:
    texts = tree(agent, shop())
    for environment, count in (("staging", 1), ("production", 2)):
        overlay = yaml.safe_load(texts[f"apps/shop/overlays/{environment}/kustomization.yaml"])
        assert overlay["images"] == [
            {"name": "shop-api", "newName": "ghcr.io/acme/api", "newTag": "unreleased"},
            {"name": "shop-worker", "newName": "ghcr.io/acme/worker", "newTag": "unreleased"},
        ]
        assert overlay["resources"] == ["../../base"]
        assert [each["count"] for each in overlay["replicas"]] == [count, count]


@BOTH
def test_pods_keep_the_restricted_standard_and_are_probed_where_a_port_is_known(agent: str) -> None:
    texts = tree(agent, shop())
    api, worker = found(texts, "Deployment", "shop-api"), found(texts, "Deployment", "shop-worker")
    for deployment in (api, worker):
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "replicas" not in deployment["spec"]
    (container,) = api["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert {"startupProbe", "livenessProbe"} <= set(container)
    assert found(texts, "Service", "shop-api")["spec"]["selector"] == api["spec"]["selector"]["matchLabels"]
    (container,) = worker["spec"]["template"]["spec"]["containers"]
    assert not {"ports", "readinessProbe"} & set(container)
    assert [each["metadata"]["name"] for _, each in objects(texts) if each.get("kind") == "Service"] == ["shop-api"]


@BOTH
def test_a_port_without_a_page_is_probed_by_opening_it(agent: str) -> None:
    image = replace(shop().images[0], health_path=None)
    texts = tree(agent, replace(shop(), images=(image,)))
    (container,) = found(texts, "Deployment", "shop-api")["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["tcpSocket"] == {"port": "http"}


@BOTH
def test_namespaces_enforce_the_standard(agent: str) -> None:
    for name in ("shop-staging", "shop"):
        labels = found(tree(agent, shop()), "Namespace", name)["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("application", "path", "checks"),
    [
        (shop(), ".github/CODEOWNERS", ".github/workflows/checks.yml"),
        (shop_on_gitlab(), ".gitlab/CODEOWNERS", ".gitlab-ci.yml"),
    ],
    ids=["github", "gitlab"],
)
def test_owners_and_checks_lie_where_the_forge_looks_for_them(application: Application, path: str, checks: str) -> None:
    texts = tree("argocd", application)
    owned = dict(line.split(" ", 1) for line in texts[path].splitlines() if line.startswith("/"))
    assert owned["/apps/shop/overlays/production/"] == "@acme/platform"
    assert owned["/argocd/"] == owned["/clusters/"] == owned["/checks/"] == "@acme/platform"
    assert "/apps/shop/overlays/staging/" not in owned
    assert "# /apps/shop/overlays/staging/ has no owner" in texts[path]
    assert checks in texts


def test_without_a_forge_there_are_neither_owners_nor_reports() -> None:
    for agent in AGENTS:
        texts = tree(agent, replace(shop(), manifests=NOWHERE))
        assert not [path for path in texts if path.startswith((".github", ".gitlab"))]
        assert not {"ConfigMap", "Provider", "Alert", "Receiver"} & kinds(texts)
        assert "notifications.argoproj.io" not in "".join(texts.values())
        assert "bash checks/run" in texts["README.md"]


@BOTH
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_hostile_text_arrives_as_it_is_or_not_at_all(agent: str, value: str) -> None:
    application = hostile(value)
    texts = tree(agent, application)
    for overlay in layout_of(application).overlays:
        assert re.fullmatch(r"apps/shop/overlays/[a-z]+", overlay.folder)
        if agent == "argocd":
            destination = found(texts, "Application", overlay.name)["spec"]["destination"]
            assert (destination.get("server") or destination.get("name")) == overlay.cluster
    path = application.images[0].health_path
    (container,) = found(texts, "Deployment", "shop-api")["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == path
    for line in texts[".github/CODEOWNERS"].splitlines():
        assert re.fullmatch(r"(#.*|/[a-z./-]+( @[A-Za-z0-9._/-]+)+|)", line), line


# Argo CD.


def test_argocd_may_touch_what_is_named_and_nothing_of_the_cluster() -> None:
    spec = found(tree("argocd", shop()), "AppProject", "shop")["spec"]
    assert spec["sourceRepos"] == ["https://github.com/acme/manifests.git"]
    assert spec["destinations"] == [
        {"server": "https://staging.k8s.acme.example:6443", "namespace": "shop-staging"},
        {"server": "https://production.k8s.acme.example:6443", "namespace": "shop"},
    ]
    assert spec["clusterResourceWhitelist"] == []
    allowed = {each["kind"] for each in spec["namespaceResourceWhitelist"]}
    assert {"Deployment", "Service"} <= allowed
    assert not allowed & {"*", "Secret", "ServiceAccount", "Role", "RoleBinding"}


def test_argocd_synchronises_heals_and_prunes_last() -> None:
    spec = found(tree("argocd", shop()), "Application", "shop-production")["spec"]
    assert spec["source"] == {
        "repoURL": "https://github.com/acme/manifests.git",
        "targetRevision": "main",
        "path": "apps/shop/overlays/production",
    }
    policy = spec["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True, "allowEmpty": False}
    assert policy["retry"] == {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}}
    assert policy["syncOptions"] == [
        *("CreateNamespace=false", "ServerSideApply=true", "PruneLast=true", "RespectIgnoreDifferences=true"),
    ]
    assert spec["ignoreDifferences"] == [
        {"group": "apps", "kind": "Deployment", "managedFieldsManagers": ["kube-controller-manager"]}
    ]


def test_sync_windows_are_for_guarded_environments_and_leave_people_the_way() -> None:
    (window,) = found(tree("argocd", shop()), "AppProject", "shop")["spec"]["syncWindows"]
    assert window["applications"] == ["shop-production"]
    assert (window["kind"], window["manualSync"], window["timeZone"]) == ("deny", True, "Etc/UTC")
    plain = replace(shop(), environments=(STAGING,))
    assert "syncWindows" not in found(tree("argocd", plain), "AppProject", "shop")["spec"]


def test_an_environment_that_a_person_applies_is_not_automated() -> None:
    by_hand = replace(shop(), environments=(STAGING, replace(PRODUCTION, auto_sync=False)))
    texts = tree("argocd", by_hand)
    assert "automated" not in found(texts, "Application", "shop-production")["spec"]["syncPolicy"]
    assert "automated" in found(texts, "Application", "shop-staging")["spec"]["syncPolicy"]
    assert "argocd app sync shop-production" in texts["RECOVERY.md"]
    flux = tree("flux", by_hand)
    assert found(flux, "Kustomization", "shop-production")["spec"]["suspend"] is True
    assert "suspend" not in found(flux, "Kustomization", "shop-staging")["spec"]


@pytest.mark.parametrize(("prune", "heal"), [(True, False), (False, True)], ids=["prune", "heal"])
def test_prune_and_self_heal_are_as_configured(prune: bool, heal: bool) -> None:
    application = replace(shop(), prune=prune, self_heal=heal)
    automated = found(tree("argocd", application), "Application", "shop-staging")["spec"]["syncPolicy"]["automated"]
    assert (automated["prune"], automated["selfHeal"]) == (prune, heal)
    texts = tree("flux", application)
    assert found(texts, "Kustomization", "shop-staging")["spec"]["prune"] is prune
    assert ("`self-heal: false` has no counterpart" in texts["clusters/staging/sync.yaml"]) is not heal


def test_a_cluster_is_an_address_a_name_or_the_agents_own() -> None:
    environments = (replace(STAGING, cluster=None), replace(PRODUCTION, cluster="eu-1"))
    texts = tree("argocd", replace(shop(), environments=environments))
    assert found(texts, "Application", "shop-staging")["spec"]["destination"] == {
        "server": "https://kubernetes.default.svc",
        "namespace": "shop-staging",
    }
    assert found(texts, "Application", "shop-production")["spec"]["destination"] == {
        "name": "eu-1",
        "namespace": "shop",
    }


def test_the_root_may_make_applications_and_is_applied_by_hand() -> None:
    texts = tree("argocd", shop())
    project = found(texts, "AppProject", "shop-root")["spec"]
    assert {each["kind"] for each in project["namespaceResourceWhitelist"]} == {"AppProject", "Application"}
    assert project["clusterResourceWhitelist"] == []
    listed = yaml.safe_load(texts["argocd/kustomization.yaml"])["resources"]
    assert listed == ["project.yaml", "shop-staging.yaml", "shop-production.yaml"]


def test_an_environment_called_root_is_another_application_than_the_root() -> None:
    texts = tree("argocd", replace(shop(), environments=(replace(STAGING, name="root"),)))
    names = [each["metadata"]["name"] for _, each in objects(texts) if each.get("kind") == "Application"]
    assert sorted(names) == ["shop", "shop-root"]


# Flux.


def test_flux_applies_with_an_account_that_has_rights_in_one_namespace() -> None:
    texts = tree("flux", shop())
    spec = found(texts, "Kustomization", "shop-production")["spec"]
    assert (spec["serviceAccountName"], spec["targetNamespace"]) == ("shop-production", "shop")
    assert (spec["wait"], spec["prune"], spec["path"]) == (True, True, "./apps/shop/overlays/production")
    assert (spec["interval"], spec["retryInterval"], spec["timeout"]) == ("3m", "1m", "10m")
    role = found(texts, "Role", "shop-production")
    assert role["metadata"]["namespace"] == "shop"
    granted = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert ("deployments", "patch") in granted
    assert not [each for each in granted if each[0] in ("secrets", "roles", "rolebindings", "*") or each[1] == "*"]
    binding = found(texts, "RoleBinding", "shop-production")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "shop-production", "namespace": "flux-system"}]
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds(texts)


def test_fluxs_root_applies_all_that_lies_beside_it_and_itself() -> None:
    texts = tree("flux", shop())
    listed = yaml.safe_load(texts["clusters/production/kustomization.yaml"])["resources"]
    beside = {path.rpartition("/")[2] for path in texts if path.startswith("clusters/production/")}
    assert set(listed) == beside - {"kustomization.yaml"}
    root = found(texts, "Kustomization", "shop-production.root")["spec"]
    assert root["path"] == "./clusters/production"
    source = found(texts, "GitRepository", "shop-production")["spec"]
    assert source["ref"] == {"branch": "main"}
    assert source["secretRef"] == {"name": "shop-manifests"}
    assert source["provider"] == "github"


def test_flux_hears_of_a_push_from_the_forge() -> None:
    assert found(tree("flux", shop()), "Receiver", "shop-staging")["spec"]["events"] == ["ping", "push"]
    receiver = found(tree("flux", shop_on_gitlab()), "Receiver", "shop-staging")["spec"]
    assert (receiver["type"], receiver["events"]) == ("gitlab", ["Push Hook"])
    assert receiver["secretRef"] == {"name": "shop-webhook"}


# What `observe` waits for.


@BOTH
@pytest.mark.parametrize("name", ["production", "EU_prod.2"])
def test_observe_counts_the_report_for_its_environment_and_no_other(agent: str, name: str) -> None:
    environments = (STAGING, replace(PRODUCTION, name=name, paths=(f"apps/*/overlays/{name}/**",)))
    application = replace(shop(), environments=environments)
    layout = layout_of(application)
    context = AGENTS[agent].context(layout, layout.overlays[1])  # type: ignore[index]
    assert context.endswith(f"/shop-{name}")
    names = [environment.name for environment in environments]
    assert wanted_statuses((), name, names).counts(context)
    assert not wanted_statuses((), "staging", names).counts(context)
    texts = tree(agent, application)
    said = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", texts["README.md"], re.DOTALL)[-1])
    assert said["manifests"]["environments"][name]["observe"]["status"] == context
    if agent == "flux":
        provider = found(texts, "Provider", layout.overlays[1].name)["spec"]
        assert provider["commitStatusExpr"] == f"'{context}'"
    else:
        annotations = found(texts, "Application", layout.overlays[1].name)["metadata"]["annotations"]
        assert f"argocd/{annotations['pipelinegen/status']}" == context


def test_argocds_reports_have_a_trigger_and_a_template_each() -> None:
    for application in (shop(), shop_on_gitlab()):
        texts = tree("argocd", application)
        data = yaml.safe_load(texts["argocd/notifications.yaml"])["data"]
        sent = {name for each in yaml.safe_load(data["trigger.shop-status"]) for name in each["send"]}
        assert sent == {key.partition(".")[2] for key in data if key.startswith("template.")}
        assert len(sent) == 5
        annotations = found(texts, "Application", "shop-staging")["metadata"]["annotations"]
        assert annotations["notifications.argoproj.io/subscribe.shop-status.shop-status"] == ""


def test_readme_says_what_paths_must_be_where_nothing_selects_the_overlays() -> None:
    environments = (replace(STAGING, paths=("**",)), replace(PRODUCTION, paths=("**",)))
    for agent in AGENTS:
        text = tree(agent, replace(shop(), environments=environments))["README.md"]
        block = next(each for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "paths" in each)
        assert yaml.safe_load(block)["manifests"]["environments"] == {
            "staging": {"paths": ["apps/shop/overlays/staging/**"]},
            "production": {"paths": ["apps/shop/overlays/production/**"]},
        }
        assert "paths:" not in tree(agent, shop())["README.md"]
