"""The deployers on a real API server, with the account and the rights that they write, and nothing more."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers.kubernetes import ACCOUNT
from pipelinegen.pipelines.model import Run
from tests.heavy.cluster import MISSING, Cluster
from tests.support.applications import API, STAGING, WORKER, shop
from tests.support.deploying import NAMES, bump, checkout, deployer, program, reference
from tests.support.steps import Job, Outcome, ended, said

READS = ["get", "list", "watch"]
CHANGES = sorted([*READS, "create", "patch"])
DELETES = sorted([*CHANGES, "delete"])
RIGHTS = {
    "kubectl": {
        "deployments.apps": CHANGES,
        "services": CHANGES,
        "poddisruptionbudgets.policy": CHANGES,
        "replicasets.apps": ["list"],
    },
    "kustomize": {
        "deployments.apps": DELETES,
        "services": DELETES,
        "poddisruptionbudgets.policy": DELETES,
        "replicasets.apps": ["list"],
    },
    "helm": {
        "deployments.apps": DELETES,
        "services": DELETES,
        "poddisruptionbudgets.policy": DELETES,
        "replicasets.apps": ["list", "watch"],
        "secrets": ["create", "delete", "get", "list", "update"],
    },
    "terraform": {
        "deployments.apps": DELETES,
        "services": DELETES,
        "poddisruptionbudgets.policy": DELETES,
    },
}
# Terraform keeps its state in a namespace of its own.
STATE = {
    "secrets": ["create", "get", "list", "update"],
    "leases.coordination.k8s.io": ["create", "get", "update"],
}


class Delivery:
    """One environment in a namespace of its own, set up by the administrator as the files say."""

    def __init__(self, name: str, cluster: Cluster, folder: Path) -> None:
        self.deployer, self.name, self.cluster, self.folder = deployer(name), name, cluster, folder
        self.namespace = f"shop-{name}"
        self.environment: AppEnvironment = replace(STAGING, namespace=self.namespace, url=None)
        self.application: Application = replace(shop(), environments=(self.environment,), timeout=1)
        self.runs = 0
        setup = checkout(name, self.application, folder / "setup").folder / f"deploy/{name}/setup/staging.yaml"
        cluster.kubectl("apply", "--filename", str(setup))
        self.kubeconfig = cluster.kubeconfig_of(self.namespace, ACCOUNT, folder)

    def remove(self) -> None:
        """With all that it has brought: namespaces that carry the application's label."""
        selector = f"app.kubernetes.io/part-of={self.application.project}"
        self.cluster.kubectl("delete", "namespaces", "--selector", selector, "--wait")

    def job(self, *words: str) -> Job:
        """A fresh checkout with these versions in it."""
        self.runs += 1
        at = checkout(self.name, self.application, self.folder / f"w{self.runs}")
        if words:
            bump(at, self.name, "staging", words)
        temporary = self.folder / f"t{self.runs}"
        temporary.mkdir()
        programs = {Path(program(tool)).parent for tool in self.deployer.TOOLS}
        environ = {"TF_CLI_CONFIG_FILE": "/dev/null"}
        return Job(at.folder, temporary, {"KUBE_CONFIG": str(self.kubeconfig)}, sorted(programs), environ)

    def deploy(self, *words: str, and_then: tuple[Run, ...] = ()) -> list[Outcome]:
        steps = (
            *self.deployer.deploy(self.application, self.environment),
            *self.deployer.health(self.application, self.environment),
            *and_then,
        )
        # As the design orders them: what undoes stands behind all that may fail.
        return self.job(*words).run(sorted(steps, key=lambda step: step.when != "success"))

    def drift(self) -> list[Outcome]:
        return self.job().run(self.deployer.drift(self.application, self.environment))

    def dry_run(self, *words: str) -> list[Outcome]:
        return self.job(*words).run(self.deployer.dry_run(self.application, self.environment))


@pytest.fixture(params=NAMES)
def delivery(request: pytest.FixtureRequest, cluster: Cluster, tmp_path: Path) -> Iterator[Delivery]:
    made = Delivery(request.param, cluster, tmp_path)
    yield made
    made.remove()


def api(tag: str, digit: str) -> str:
    return reference(API.repository, tag, digit)


def worker(tag: str, digit: str) -> str:
    return reference(WORKER.repository, tag, digit)


def test_the_life_of_an_environment(delivery: Delivery) -> None:
    """Nothing, a first version, a second of one image, a change by hand, a version that does not come up."""
    cluster, namespace = delivery.cluster, delivery.namespace
    before = delivery.dry_run(api("1.0.0", "1"), worker("1.0.0", "1"))
    assert ended(before) == 0, said(before)
    assert cluster.images(namespace) == {}

    incomplete = delivery.deploy(api("1.0.0", "1"))
    assert ended(incomplete) == 1
    assert "name one for each" in said(incomplete)
    assert cluster.images(namespace) == {}

    first = delivery.deploy(api("1.0.0", "1"), worker("1.0.0", "1"))
    assert ended(first) == 0, said(first)
    assert cluster.running(namespace) == {api("1.0.0", "1"), worker("1.0.0", "1")}
    assert {each["metadata"]["name"] for each in cluster.get(namespace, "services,pdb")["items"]} == {"api"}
    quiet = delivery.drift()
    assert ended(quiet) == 0, said(quiet)

    second = delivery.deploy(api("1.1.0", "2"))
    assert ended(second) == 0, said(second)
    assert cluster.images(namespace) == {"api": api("1.1.0", "2"), "worker": worker("1.0.0", "1")}

    cluster.kubectl("--namespace", namespace, "set", "env", "deployment/api", "EXTRA=1")
    added = delivery.drift()  # a field that the repository says nothing of
    assert ended(added) == 1, said(added)
    assert "api, by kubectl-set" in said(added)
    cluster.kubectl("--namespace", namespace, "set", "env", "deployment/api", "EXTRA-")
    assert ended(delivery.drift()) == 0

    cluster.kubectl("--namespace", namespace, "set", "image", "deployment/api", "api=ghcr.io/other/api:9")
    drifted = delivery.drift()
    assert ended(drifted) == 1, said(drifted)
    assert "-      - image: ghcr.io/other/api:9" in said(drifted)
    assert cluster.images(namespace)["api"] == "ghcr.io/other/api:9"  # looking changes nothing
    repaired = delivery.deploy(worker("1.2.0", "3"))
    assert ended(repaired) == 0, said(repaired)
    assert cluster.images(namespace) == {"api": api("1.1.0", "2"), "worker": worker("1.2.0", "3")}

    failed = delivery.deploy(worker("2.0.0", MISSING))
    assert ended(failed) == 1, said(failed)
    assert cluster.images(namespace) == {"api": api("1.1.0", "2"), "worker": worker("1.2.0", "3")}
    assert ended(delivery.drift()) == 0

    back = delivery.deploy(api("1.0.0", "1"))  # a rollback is a deployment of an older reference
    assert ended(back) == 0, said(back)
    assert cluster.running(namespace) == {api("1.0.0", "1"), worker("1.2.0", "3")}


def test_a_check_that_fails_afterwards_takes_the_deployment_back(delivery: Delivery) -> None:
    cluster, namespace = delivery.cluster, delivery.namespace
    fails = Run("The smoke test does not answer", ("false",))
    new = delivery.deploy(api("1.0.0", "1"), worker("1.0.0", "1"), and_then=(fails,))
    assert ended(new) == 1
    assert new[-1].code == 0, said(new)  # there is nothing to go back to, and that is no error

    assert ended(delivery.deploy(api("1.1.0", "2"))) == 0
    failed = delivery.deploy(api("1.2.0", "3"), worker("1.2.0", "3"), and_then=(fails,))
    assert ended(failed) == 1
    assert failed[-1].code == 0, said(failed)
    assert cluster.running(namespace) == {api("1.1.0", "2"), worker("1.0.0", "1")}
    assert ended(delivery.drift()) == 0


def test_the_account_has_the_rights_that_are_written_and_no_others(delivery: Delivery) -> None:
    cluster = delivery.cluster
    assert cluster.rights(delivery.namespace, ACCOUNT) == RIGHTS[delivery.name]
    others = {each["metadata"]["name"] for each in cluster.get("default", "namespaces")["items"]} - {delivery.namespace}
    found = {each: cluster.rights(each, ACCOUNT, delivery.namespace) for each in others}
    wanted = {f"{delivery.namespace}-terraform": STATE} if delivery.name == "terraform" else {}
    assert {name: rights for name, rights in found.items() if rights} == wanted
    who = ("--as", f"system:serviceaccount:{delivery.namespace}:{ACCOUNT}")
    for refused in (("get", "namespaces"), ("get", "pods", "-n", "kube-system"), ("get", "nodes")):
        assert "forbidden" in cluster.kubectl(*refused, *who, fails=True)


def test_pod_security_takes_what_is_written_and_refuses_less(delivery: Delivery) -> None:
    """The namespace enforces "restricted": no warning, and the pods are there."""
    first = delivery.deploy(api("1.0.0", "1"), worker("1.0.0", "1"))
    assert ended(first) == 0, said(first)
    assert "violate PodSecurity" not in said(first)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "x", "image": "x"}]},
    }
    said_by = delivery.cluster.kubectl(
        "--namespace", delivery.namespace, "apply", "--filename", "-", given=str(pod).replace("'", '"'), fails=True
    )
    assert 'violates PodSecurity "restricted' in said_by


@pytest.mark.parametrize("killed", ["install", "upgrade"])
def test_a_release_that_was_killed_is_freed_by_the_next_run(killed: str, cluster: Cluster, tmp_path: Path) -> None:
    """Helm by itself refuses it for ever: "another operation is in progress"."""
    delivery = Delivery("helm", cluster, tmp_path)
    try:
        if killed == "upgrade":
            assert ended(delivery.deploy(api("1.0.0", "1"), worker("1.0.0", "1"))) == 0
        work = delivery.job(api("1.1.0", MISSING), worker("1.0.0", "1"))
        argv = ["upgrade", "shop", "deploy/helm/chart", "--install", "--namespace", delivery.namespace, "--wait"]
        values = ["--values", "deploy/helm/environments/staging.yaml", "--kubeconfig", str(delivery.kubeconfig)]
        with subprocess.Popen([program("helm"), *argv, *values], cwd=work.workspace) as running:
            _until(lambda: "api" in cluster.images(delivery.namespace))
            time.sleep(0.5)
            running.send_signal(signal.SIGKILL)
        again = subprocess.run([program("helm"), *argv, *values], cwd=work.workspace, capture_output=True, check=False)
        assert b"another operation" in again.stderr
        done = delivery.deploy(api("1.2.0", "2"), worker("1.0.0", "1"))
        assert ended(done) == 0, said(done)
        assert cluster.running(delivery.namespace) == {api("1.2.0", "2"), worker("1.0.0", "1")}
    finally:
        delivery.remove()


def _until(true: object) -> None:
    assert callable(true)
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_leaves_the_repository_leaves_the_cluster_where_it_is_pruned(delivery: Delivery) -> None:
    assert ended(delivery.deploy(api("1.0.0", "1"), worker("1.0.0", "1"))) == 0
    delivery.application = replace(delivery.application, images=delivery.application.images[1:])
    if delivery.name == "kubectl":  # has no prune: it tells
        drifted = delivery.drift()
        assert ended(drifted) == 1
        assert "deployment.apps/api\npoddisruptionbudget.policy/api\nservice/api\n" in said(drifted)
        return
    done = delivery.deploy(worker("1.0.0", "1"))
    assert ended(done) == 0, said(done)
    left = delivery.cluster.get(delivery.namespace, "deployments,services,pdb")["items"]
    assert {each["metadata"]["name"] for each in left if "deletionTimestamp" not in each["metadata"]} == {"worker"}
