"""The push workflow from a commit to a real API server: run by act, with every program brought as the workflow says."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import pytest

from pipelinegen.pipelines import pins
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import scripts
from pipelinegen.pipelines.deployers.kubernetes import ACCOUNT
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.rendering import github
from tests.heavy.cluster import Cluster
from tests.support.applications import single
from tests.support.certificates import make_authority
from tests.support.deploying import NAMES, deployer, program
from tests.support.dockerd import Daemon, busybox_image, docker_daemon
from tests.support.registry import RunningRegistry, start_registry
from tests.support.runner import Ran, Runner
from tests.support.wheel import thin_wheel

CONFIG = """\
version: 1
project: shop
images:
  api:
    repository: REPOSITORY
    tags: [type=sha]
build: {engine: docker}
manifests:
  environments:
    staging: {paths: ["**"]}
"""
ONLY_DEPLOY = {"Build, test and push": "succeeded", "Deploy to staging": "succeeded"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        del format, args


def packed(tool: str, member: str, url: str) -> bytes:
    """A program of this machine, in the form in which its project publishes it."""
    text = f'#!/bin/sh\nexec "{program(tool)}" "$@"\n'.encode()
    made = io.BytesIO()
    if url.endswith(".zip"):
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(member, text)
    elif member:
        with tarfile.open(fileobj=made, mode="w:gz") as tar:
            entry = tarfile.TarInfo(member)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    else:
        made.write(text)
    return made.getvalue()


@pytest.fixture
def publishers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A server that has what tools.lock names, over TLS, and what curl must know to trust it."""
    folder = tmp_path / "published"
    folder.mkdir()
    authority = make_authority(tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as listening:
        listening.socket = authority.server().wrap_socket(listening.socket, server_side=True)
        known = dict(pins.tools())
        for tool in ("kubectl", "helm", "terraform"):
            pinned = known[tool]
            ending = re.search(r"(?:\.tar\.gz|\.zip)?\Z", pinned.url)
            path = f"{tool}{ending[0] if ending else ''}"
            member = pinned.member.format(version=pinned.version, arch="amd64")
            data = packed(tool, member, pinned.url)
            (folder / path).write_bytes(data)
            sums = MappingProxyType(dict.fromkeys(pinned.sha256, hashlib.sha256(data).hexdigest()))
            url = f"https://127.0.0.1:{listening.server_port}/{path}"
            known[tool] = replace(pinned, url=url, sha256=sums)
        monkeypatch.setattr(pins, "tools", lambda: MappingProxyType(known))
        scripts.install.cache_clear()
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield {"CURL_CA_BUNDLE": str(authority.file), "no_proxy": "127.0.0.1", "TF_CLI_CONFIG_FILE": "/dev/null"}
        listening.shutdown()
        thread.join()
    scripts.install.cache_clear()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with docker_daemon(tmp_path_factory) as daemon:
        yield daemon


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    with start_registry(tmp_path / "registry") as registry:
        yield registry


@dataclass(frozen=True)
class Place:
    """An application at a forge, and the namespace that its workflow deploys to."""

    name: str
    application: Application
    runner: Runner
    base: str

    def commit(self, version: str) -> None:
        self.runner.commit({"version": version, "Dockerfile": f"FROM {self.base}\nCOPY version /version\n"})

    def push(self) -> Ran:
        return self.runner.run("push", "--job", "deploy-staging", payload={"ref": "refs/heads/main"})

    def pushed(self, ran: Ran) -> str:
        (found,) = re.findall(r"pushed (\S+/shop/api:\S+@sha256:[0-9a-f]{64})", ran.log)
        return str(found)


@pytest.fixture(params=NAMES)
def place(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    daemon: Daemon,
    registry: RunningRegistry,
    publishers: dict[str, str],
    tmp_path: Path,
) -> Iterator[Place]:
    name = request.param
    plain = single()
    image = replace(plain.images[0], repository=f"{registry.host}/shop/api", context=".", platforms=())
    environment = replace(plain.environments[0], hosts=(), namespace=f"flow-{name}", url=None, approval=True)
    application = replace(plain, project="shop", images=(image,), environments=(environment,), timeout=3)
    files = {file.path: file.text for file in deployer(name).files(application)}
    setup = tmp_path / "setup.yaml"
    setup.write_text(files[f"deploy/{name}/setup/staging.yaml"], encoding="utf-8")
    cluster.kubectl("apply", "--filename", str(setup))
    files |= {file.path: file.text for file in github.files(design(application, "push", "github", deployer(name)))}
    runner = Runner(
        tmp_path / "forge",
        secrets={
            "KUBE_CONFIG": cluster.kubeconfig_of(environment.namespace, ACCOUNT, tmp_path).read_text(),
            "REGISTRY_PASSWORD": "none-is-wanted",
        },
        variables={"REGISTRY_USERNAME": "nobody"},
        environment={
            **thin_wheel(tmp_path / "wheels"),
            **publishers,
            "DOCKER_HOST": daemon.socket,
            "DOCKER_BUILDKIT": "0",
            "LC_ALL": "C.UTF-8",
        },
    )
    runner.repository.mkdir(parents=True)
    runner.commit({**files, "pipelinegen.yaml": CONFIG.replace("REPOSITORY", image.repository)})
    yield Place(name, application, runner, busybox_image(daemon))
    cluster.kubectl("delete", "namespaces", "--selector", "app.kubernetes.io/part-of=shop", "--wait")


def test_from_a_commit_to_the_cluster_and_back(place: Place, cluster: Cluster) -> None:
    namespace = place.application.environments[0].namespace
    place.commit("1")
    first = place.push()
    seen = {"Preview the deployment to staging": "succeeded"} if place.name == "terraform" else {}
    assert first.jobs == {**ONLY_DEPLOY, **seen}, first.log
    assert cluster.running(namespace) == {place.pushed(first)}
    assert os.environ.get("KUBECONFIG", "none") not in first.log

    quiet = place.runner.run("schedule")
    assert quiet.jobs == {"Look for drift in staging": "succeeded"}, quiet.log

    place.commit("2")
    second = place.push()
    assert second.jobs == {**ONLY_DEPLOY, **seen}, second.log
    assert cluster.running(namespace) == {place.pushed(second)} != {place.pushed(first)}

    cluster.kubectl("--namespace", namespace, "set", "image", "deployment/api", "api=ghcr.io/other/api:9")
    drifted = place.runner.run("schedule")
    assert drifted.jobs == {"Look for drift in staging": "failed"}, drifted.log

    inputs = {"environment": "staging", "references": place.pushed(first)}
    back = place.runner.run("workflow_dispatch", payload={"inputs": inputs})
    assert back.jobs == {"Roll back staging": "succeeded"}, back.log
    assert cluster.running(namespace) == {place.pushed(first)}
    for ran in (first, second, drifted, back):
        assert "eyJhbGciOi" not in ran.log, "a token of the cluster is in the log"
