"""Generated Jenkinsfiles from a push to the end: a pull request in one style, a container on a host in the other."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import chef, over_ssh
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.rendering import jenkins
from tests.support import applications
from tests.support.dockerd import Daemon, busybox_image, docker_daemon
from tests.support.forges.service import CANARIES, Service
from tests.support.gitlab_runner import _python
from tests.support.hosts import Host, start_host
from tests.support.jenkins import BY_HAND, Run, World, judge
from tests.support.registry import RunningRegistry, start_registry
from tests.support.repos import git
from tests.support.shop import EXAMPLE
from tests.support.wheel import thin_wheel
from tests.support.world import World as Manifests
from tests.support.world import world

CHANGE = {"BRANCH_NAME": "PR-7", "CHANGE_ID": "7", "CHANGE_TARGET": "main", "CHANGE_BRANCH": "feature"}


@dataclass
class Project:
    """An application repository as a multibranch project of Jenkins has it, and what the controller holds."""

    folder: Path
    env: Mapping[str, str]
    credentials: Mapping[str, Mapping[str, str]]
    runs: int = 0

    @property
    def upstream(self) -> Path:
        return self.folder / "upstream"

    def commit(self, files: Mapping[str, str], message: str = "Change") -> str:
        if not self.upstream.exists():
            self.upstream.mkdir()
            git(self.upstream, "init", "--quiet", "--initial-branch=main")
        for name, text in files.items():
            path = self.upstream / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        git(self.upstream, "add", "--all")
        git(self.upstream, "commit", "--quiet", "--message", message)
        return git(self.upstream, "rev-parse", "HEAD").decode().strip()

    def run(self, env: Mapping[str, str] | None = None, **more: Any) -> Run:
        """Run the Jenkinsfile of the newest commit."""
        self.runs += 1
        programs = self.folder / "programs"
        if not programs.exists():
            _python(programs)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        path = f"{programs}:{os.environ['PATH']}"
        given = {"BRANCH_NAME": "main", **self.env, **(env or {}), "PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8"}
        text = (self.upstream / "Jenkinsfile").read_text(encoding="utf-8")
        folder = self.folder / f"run-{self.runs}"
        started = World(folder, f"file://{self.upstream}", env=given, credentials=self.credentials, **more)
        return judge().run(text, started)


# The pull style.

CONFIG = """\
version: 1
project: shop
images:
  catalog:
    repository: HOST/shop/catalog
    context: catalog
    tags: [type=sha]
    tests:
      fileExistenceTests: [{name: the list is there, path: /catalog/items.json}]
build: {engine: oci}
manifests:
  repository: MANIFESTS
  forge: github
  forge-url: API
  environments:
    staging: {paths: [apps/*/overlays/staging/**], deliver: push}
    production: {paths: [apps/*/overlays/production/**], deliver: pull-request}
pipelines: {ci: [jenkins], pull: {agent: argocd}}
"""
OVERLAY = "images:\n  - name: HOST/shop/catalog\n    newTag: 1.0.0  # the catalog\n"


def overlay_of(environment: str) -> str:
    return f"apps/catalog/overlays/{environment}/kustomization.yaml"


@contextmanager
def agent(service: Service) -> Iterator[None]:
    """What an agent does: whatever comes to the branch is applied and reported."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            if tip := service.repository.tip("main"):
                service.stand_in.report(tip, "argocd/shop-staging", "success", "Synced")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@dataclass
class Delivery:
    shop: Project
    registry: RunningRegistry
    place: Manifests


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    with start_registry(tmp_path / "registry", auth="htpasswd") as registry:
        overlay = OVERLAY.replace("HOST", registry.host)
        files = {overlay_of(name): overlay for name in ("staging", "production")}
        with world("github", tmp_path / "manifests", files) as place:
            login = {"kind": "usernamePassword", "username": registry.username, "secret": registry.password}
            token = {"kind": "string", "secret": CANARIES["github"]}
            env = {**thin_wheel(tmp_path / "wheels"), "PIPELINEGEN_INTERVAL": "1s"}
            shop = Project(tmp_path, env, {"registry": login, "manifests-token": token})
            config = CONFIG.replace("HOST", registry.host).replace("MANIFESTS", place.url)
            catalog = EXAMPLE / "catalog"
            sources = {
                f"catalog/{path.relative_to(catalog)}": path.read_text(encoding="utf-8")
                for path in catalog.rglob("*")
                if path.is_file()
            }
            shop.commit({"pipelinegen.yaml": config.replace("API", place.service.stand_in.api), **sources})
            generate(shop.upstream, "--style", "pull", "--ci", "jenkins")
            with agent(place.service):
                yield Delivery(shop, registry, place)


def generate(folder: Path, *options: str) -> None:
    """What a person does once, and commits."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "pipelinegen", "generate", "-C", str(folder), *options]
    ran = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr.decode()


def test_the_pull_jenkinsfile_from_a_push_to_a_pull_request(delivery: Delivery) -> None:
    """Built, tested and pushed to a registry with a password; staging changed and observed; production proposed."""
    tag = f"sha-{delivery.shop.commit({}, 'Generate the pipeline')[:7]}"
    ran = delivery.shop.run()
    assert ran.result == "SUCCESS", ran.text
    assert set(ran.stages.values()) == {"done", "skipped by its conditions"}
    assert [each["tests"] for each in ran.reports] == [1]
    registry, place = delivery.registry, delivery.place
    digest = _digest(registry, tag)
    before = OVERLAY.replace("HOST", registry.host)
    after = before.replace(
        "newTag: 1.0.0  # the catalog", f"newTag: {tag}  # the catalog\n    digest: {digest}"
    ).strip()
    assert place.repository.read("main", overlay_of("staging")) == after
    assert place.repository.read("main", overlay_of("production")) == before.strip()
    (pull,) = place.service.open_ones()
    assert place.repository.read(pull.head, overlay_of("production")) == after
    assert not [secret for secret in (registry.password, CANARIES["github"]) if secret in ran.text]


def _digest(registry: RunningRegistry, tag: str) -> str:
    connection = http.client.HTTPConnection(registry.host, timeout=20)
    headers = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    headers["Authorization"] = registry.authorization("shop/catalog") or ""
    connection.request("HEAD", f"/v2/shop/catalog/manifests/{tag}", headers=headers)
    answer = connection.getresponse()
    connection.close()
    return answer.headers["Docker-Content-Digest"]


def test_a_change_is_built_and_tested_without_a_credential(delivery: Delivery) -> None:
    """And a Jenkinsfile that was changed by hand, outside of its blocks, is told."""
    delivery.shop.commit({})
    shop = replace(delivery.shop, credentials={})
    ran = shop.run(CHANGE)
    assert ran.result == "SUCCESS", ran.text
    assert sorted(ran.done()) == ["Build and test", "Generated files are up to date"]
    path = shop.upstream / "Jenkinsfile"
    shop.commit({"Jenkinsfile": path.read_text(encoding="utf-8").replace("numToKeepStr: '100'", "numToKeepStr: '7'")})
    ran = shop.run(CHANGE)
    assert (ran.result, ran.done()) == ("FAILURE", [])
    assert "+    buildDiscarder(logRotator(numToKeepStr: '100'" in ran.text


# The push style, to a host: sshd on this machine, and what stands for the client of Chef on it.

CLIENT = Path(__file__).parent.parent / "support" / "chef"
PUSHED = """\
version: 1
project: PROJECT
images:
  api:
    repository: REPOSITORY
    tags: [type=sha]
    tests:
      commandTests: [{name: it knows its version, command: cat, args: [/site/version], expectedOutput: ["^[0-9]"]}]
build: {engine: docker}
manifests:
  environments:
    staging: {paths: ["**"]}
"""


@dataclass
class Place:
    """An application whose Jenkinsfile deploys to a host."""

    application: Application
    shop: Project
    daemon: Daemon
    base: str

    def commit(self, version: str) -> None:
        """A version of the application, which says it over HTTP."""
        command = ["httpd", "-f", "-p", f"127.0.0.1:{self.application.images[0].port}", "-h", "/site"]
        dockerfile = f"FROM {self.base}\nCOPY version /site/version\nSTOPSIGNAL SIGKILL\nCMD {json.dumps(command)}\n"
        self.shop.commit({"version": version, "Dockerfile": dockerfile})

    def push(self, by: str = "ann") -> Run:
        return self.shop.run(answers={"Deploy to staging?": {"by": by}})

    def answer(self) -> str:
        port = self.application.images[0].port
        connection = http.client.HTTPConnection(f"127.0.0.1:{port}", timeout=20)
        try:
            connection.request("GET", "/version")
            return connection.getresponse().read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with docker_daemon(tmp_path_factory) as daemon:
        yield daemon


@pytest.fixture
def place(tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if shutil.which("ruby") is None:
        pytest.skip("ruby is not installed: apt-get install ruby")
    # On a host the script lies in the system's folder, which this host shares with the machine.
    monkeypatch.setattr(over_ssh, "SCRIPT", str(tmp_path / "pipelinegen-container"))
    of_host = {
        "PATH": f"{CLIENT}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DOCKER_HOST": daemon.socket,
        "CONTAINER_NETWORK": "host",
        "CONTAINER_STATE": str(tmp_path / "state"),
        "CONTAINER_SETTINGS": str(tmp_path / "settings"),
    }
    with start_registry(tmp_path / "registry") as registry, start_host(tmp_path / "host", of_host) as host:
        application = _application(f"shop-jenkins-{os.getpid()}", host, registry)
        key = {"kind": "sshUserPrivateKey", "username": host.user, "secret": host.key.read_text()}
        login = {"kind": "usernamePassword", "username": "nobody", "secret": "none-is-wanted"}
        env = {**thin_wheel(tmp_path / "wheels"), "DOCKER_HOST": daemon.socket, "DOCKER_BUILDKIT": "0"}
        shop = Project(tmp_path, env, {"ssh-key-staging": key, "registry": login})
        shop.commit(_files(application, host))
        made = Place(application, shop, daemon, busybox_image(daemon))
        name = f"{application.project}-api"
        try:
            yield made
        finally:
            daemon.docker("rm", "--force", name, f"{name}-previous", check=False)


def _application(project: str, host: Host, registry: RunningRegistry) -> Application:
    plain = applications.single()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    image = replace(plain.images[0], repository=f"{registry.host}/{project}/api", port=port, health_path="/version")
    here = replace(image, context=".", platforms=())
    environment = replace(plain.environments[0], hosts=(host.address,), approval=True, reviewers=("ann", "ops"))
    return replace(plain, project=project, images=(here,), environments=(environment,))


def _files(application: Application, host: Host) -> dict[str, str]:
    config = PUSHED.replace("PROJECT", application.project).replace("REPOSITORY", application.images[0].repository)
    files = {"pipelinegen.yaml": config}
    made = design(application, "push", "jenkins", chef)
    # The configuration of this test does not know of its host; what is generated is held to it elsewhere.
    jobs = tuple(job for job in made.jobs if job.id != "check")
    for file in (*chef.files(application), *jenkins.files(replace(made, jobs=jobs))):
        files[file.path] = file.text + (f"{host.known}\n" if file.path.endswith("known_hosts") else "")
    return files


DEPLOYED = ["Build, test and push", "Deploy to staging"]


def test_the_push_jenkinsfile_deploys_what_was_approved_and_goes_back(place: Place) -> None:
    """Drift, and what comes back after a failure, are the same scripts for every CI system: the workflow shows them."""
    place.commit("1")
    first = place.push()
    assert (first.result, first.done()) == ("SUCCESS", DEPLOYED), first.text
    assert place.answer() == "1"

    place.commit("2")
    second = place.push(by="ops")
    assert (second.result, second.done()) == ("SUCCESS", DEPLOYED), second.text
    assert place.answer() == "2"

    (reference,) = re.findall(rf"pushed (\S+/{place.application.project}/api:\S+@sha256:[0-9a-f]{{64}})", first.text)
    asked = {"environment": "staging", "references": reference}
    back = place.shop.run(cause=BY_HAND, params=asked, answers={"Roll back staging?": {"by": "ann"}})
    assert (back.result, back.done()) == ("SUCCESS", ["Roll back staging"]), back.text
    assert place.answer() == "1"
    key = place.shop.credentials["ssh-key-staging"]["secret"].splitlines()[1]
    assert not [run for run in (first, second, back) if key in run.text]
