"""Manifest repositories on a real API server: the commands of RECOVERY.md, the agents' objects, and their rights."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.heavy.cluster import Cluster
from tests.judges.agents import DEFINITIONS
from tests.support import manifest_trees as trees
from tests.support import markdown_pages as pages
from tests.support.applications import PRODUCTION, STAGING, shop, shop_on_gitlab
from tests.support.kustomize import require_kubectl

TYPED = "canary/+%value"
ACCOUNT = "system:serviceaccount:flux-system:shop-staging"
CHANGES = ["create", "delete", "get", "list", "patch", "watch"]
READS = ["get", "list", "watch"]


@pytest.fixture(scope="module")
def defined(cluster: Cluster) -> Cluster:
    """The cluster with the kinds of Argo CD and Flux, as far as their definitions are to be had."""
    if not DEFINITIONS.is_dir():
        pytest.skip("the definitions of Argo CD and Flux are not here: python -m tests.judges.agents fetches them")
    cluster.kubectl("apply", "--server-side", "--filename", str(DEFINITIONS))
    end = time.monotonic() + 60
    while not all(map(_established, cluster.get("default", "customresourcedefinitions")["items"])):
        assert time.monotonic() < end
        time.sleep(0.2)
    return cluster


def _established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any((each["type"], each["status"]) == ("Established", "True") for each in conditions)


def steps(folder: Path, first: int, last: int) -> str:
    """The commands of these steps of RECOVERY.md."""
    text = (folder / "RECOVERY.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (\d+)\. .*$|^## \D.*$", text, flags=re.MULTILINE)
    chosen = [
        body for number, body in zip(parts[1::2], parts[2::2], strict=True) if number and first <= int(number) <= last
    ]
    return "\n".join(block for body in chosen for block in pages.blocks(body))


def paste(cluster: Cluster, folder: Path, commands: str) -> None:
    """As a person does it in a checkout, who answers each question with the same."""
    require_kubectl()
    home = folder.parent
    (home / "key.pem").write_text("a key\n", encoding="utf-8")
    asking = f"read() {{ printf -v \"${{!#}}\" %s '{TYPED}'; }}\n"
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{asking}{commands}"],
        cwd=folder,
        env={**os.environ, "HOME": str(home), "KUBECONFIG": str(cluster.kubeconfig)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def secret(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    data = cluster.get(namespace, "secret", name)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def pulls(cluster: Cluster, namespace: str) -> None:
    """The namespace's pods pull with what was typed."""
    account = cluster.get(namespace, "serviceaccount", "default")
    assert account["imagePullSecrets"] == [{"name": "shop-pull"}]
    login = json.loads(secret(cluster, namespace, "shop-pull")[".dockerconfigjson"])
    (auth,) = [each["auth"] for each in login["auths"].values()]
    assert base64.b64decode(auth).decode() == f"{TYPED}:{TYPED}"


def without(objects: list[dict[str, Any]], *groups: str) -> str:
    return yaml.safe_dump_all([each for each in objects if each["apiVersion"].partition("/")[0] not in groups])


@pytest.fixture(scope="module")
def flux(defined: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of an application in a cluster that had nothing of it, after steps 3 and 4."""
    folder = trees.write(tmp_path_factory.mktemp("flux") / "manifests", "flux", shop_on_gitlab())
    defined.kubectl("create", "namespace", "flux-system")
    paste(defined, folder, steps(folder, 3, 4))
    # What kustomize-controller does with the folder of the root.
    home = without(trees.built(folder / "clusters/staging"), "notification.toolkit.fluxcd.io")
    defined.kubectl("apply", "--server-side", "--validate=strict", "-f", "-", given=home)
    return folder


def test_a_lost_environment_is_made_again_for_flux(defined: Cluster, flux: Path) -> None:
    assert secret(defined, "flux-system", "shop-manifests") == {"username": TYPED, "password": TYPED}
    assert secret(defined, "flux-system", "shop-status") == {"token": TYPED}
    assert len(secret(defined, "flux-system", "shop-webhook")["token"]) == 44
    for namespace in ("shop-staging", "shop"):
        pulls(defined, namespace)
    roots = defined.get("flux-system", "kustomizations.kustomize.toolkit.fluxcd.io")["items"]
    assert {each["metadata"]["name"] for each in roots} >= {"shop-staging.root", "shop-production.root"}

    # What kustomize-controller does with the overlay, as the account.
    overlay = without(trees.built(flux / "apps/shop/overlays/staging"))
    apply = ("apply", "--server-side", "--validate=strict", "--as", ACCOUNT, "-f", "-")
    defined.kubectl(*apply, given=overlay)
    for name in ("shop-api", "shop-worker"):
        defined.kubectl("--namespace", "shop-staging", "rollout", "status", f"deployment/{name}", "--timeout=60s")
    assert defined.images("shop-staging")["shop-api"] == "registry.acme.example/shop/api:unreleased"
    defined.kubectl(*apply, given=overlay.replace("unreleased", "1.0.0"))
    defined.kubectl("--namespace", "shop-staging", "delete", "deployment", "shop-worker", "--as", ACCOUNT)
    assert defined.images("shop-staging") == {"shop-api": "registry.acme.example/shop/api:1.0.0"}


def test_fluxs_account_may_do_what_its_role_says_in_one_namespace(defined: Cluster, flux: Path) -> None:
    listed = defined.kubectl("auth", "can-i", "--list", "--namespace", "shop-staging", "--as", ACCOUNT)
    found: dict[str, list[str]] = {}
    for line in listed.splitlines()[1:]:
        row = re.fullmatch(r"(\S+)\s+\[\]\s+\[(.*?)\]\s+\[(.*)\]", line.strip())
        if row and not row[1].startswith("self"):
            found[row[1]] = sorted(row[3].split())
    assert found == {
        **dict.fromkeys(("configmaps", "services", "deployments.apps"), CHANGES),
        **dict.fromkeys(("horizontalpodautoscalers.autoscaling", "ingresses.networking.k8s.io"), CHANGES),
        "poddisruptionbudgets.policy": CHANGES,
        **dict.fromkeys(("replicasets.apps", "pods"), READS),
    }
    for question in (
        ("create", "secrets", "--namespace", "shop-staging"),
        ("create", "rolebindings", "--namespace", "shop-staging"),
        ("create", "deployments", "--namespace", "shop"),
        ("create", "namespaces"),
    ):
        assert defined.kubectl("auth", "can-i", *question, "--as", ACCOUNT, fails=True).startswith("no")


def test_a_lost_environment_is_made_again_for_argocd(defined: Cluster, tmp_path: Path) -> None:
    environments = (replace(STAGING, namespace="argo-staging"), replace(PRODUCTION, namespace="argo"))
    folder = trees.write(tmp_path / "manifests", "argocd", replace(shop(), environments=environments))
    # What is there of Argo CD already, with settings of others in it.
    defined.kubectl("create", "namespace", "argocd")
    for kind in (("secret", "generic", "argocd-notifications-secret"), ("configmap", "argocd-notifications-cm")):
        defined.kubectl("--namespace", "argocd", "create", *kind, "--from-literal=service.slack=theirs")
    paste(defined, folder, steps(folder, 2, 2))
    for namespace in ("argo-staging", "argo"):
        pulls(defined, namespace)
        assert (
            defined.get(namespace, "namespace", namespace)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
            == "restricted"
        )
    paste(defined, folder, steps(folder, 5, 6))
    repository = secret(defined, "argocd", "shop-manifests")
    assert repository == {
        "type": "git",
        "url": "https://github.com/acme/manifests.git",
        "githubAppID": TYPED,
        "githubAppInstallationID": TYPED,
        "githubAppPrivateKey": "a key\n",
    }
    assert not (tmp_path / "key.pem").exists()
    assert secret(defined, "argocd", "argocd-notifications-secret") == {
        "service.slack": "theirs",
        "shop-status-app-id": TYPED,
        "shop-status-installation-id": TYPED,
        "shop-status-private-key": "a key\n",
    }
    settings = defined.get("argocd", "configmap", "argocd-notifications-cm")["data"]
    assert settings["service.slack"] == "theirs"
    assert "trigger.shop-status" in settings

    defined.kubectl("apply", "--server-side", "--validate=strict", "--kustomize", str(folder / "argocd"))
    made = {each["metadata"]["name"] for each in defined.get("argocd", "applications.argoproj.io")["items"]}
    assert made == {"shop", "shop-staging", "shop-production"}


def test_the_restricted_standard_is_enforced_on_what_is_added_later(defined: Cluster, flux: Path) -> None:
    """And what is generated keeps it: its pods were let in above."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root", "namespace": "shop"},
        "spec": {"containers": [{"name": "root", "image": "busybox"}]},
    }
    said = defined.kubectl("create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod), fails=True)
    assert 'violates PodSecurity "restricted' in said
