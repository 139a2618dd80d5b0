"""The push workflow run by act: an image built, pushed and run on a host; its drift seen, and back again."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import chef, over_ssh
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.rendering import github
from tests.support import applications
from tests.support.dockerd import Daemon, busybox_image, docker_daemon
from tests.support.hostile_values import MARK
from tests.support.hosts import Host, start_host
from tests.support.registry import RunningRegistry, start_registry
from tests.support.runner import Ran, Runner
from tests.support.wheel import thin_wheel

# Stands for the client of Chef on the host: there is none to be had here.
CLIENT = Path(__file__).parent.parent / "support" / "chef"
CONFIG = """\
version: 1
project: PROJECT
images:
  api:
    repository: REPOSITORY
    tags: [type=sha]
build: {engine: docker}
manifests:
  environments:
    staging: {paths: ["**"]}
"""


@dataclass(frozen=True)
class Place:
    """An application at a forge, and the host that its workflow deploys to."""

    application: Application
    runner: Runner
    daemon: Daemon
    base: str

    @property
    def name(self) -> str:
        return f"{self.application.project}-api"

    def commit(self, version: str, *, broken: bool = False) -> None:
        """A version of the application, which says it over HTTP, or ends at once."""
        port = self.application.images[0].port
        command = ["false"] if broken else ["httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", "/site"]
        dockerfile = f"FROM {self.base}\nCOPY version /site/version\nSTOPSIGNAL SIGKILL\nCMD {json.dumps(command)}\n"
        self.runner.commit({"version": version, "Dockerfile": dockerfile})

    def push(self) -> Ran:
        return self.runner.run("push", "--job", "deploy-staging", payload={"ref": "refs/heads/main"})

    def by_hand(self, references: str) -> Ran:
        return self.runner.run(
            "workflow_dispatch", payload={"inputs": {"environment": "staging", "references": references}}
        )

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
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    with start_registry(tmp_path / "registry") as registry:
        yield registry


@pytest.fixture
def place(
    tmp_path: Path,
    daemon: Daemon,
    registry: RunningRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
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
    with start_host(tmp_path / "host", of_host) as host:
        application = _application(f"shop{os.getpid()}", host, registry)
        runner = _runner(tmp_path, host, daemon)
        runner.commit(_files(application, host))
        made = Place(application, runner, daemon, busybox_image(daemon))
        try:
            yield made
        finally:
            daemon.docker("rm", "--force", made.name, f"{made.name}-previous", check=False)


def _application(project: str, host: Host, registry: RunningRegistry) -> Application:
    plain = applications.single()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    image = replace(plain.images[0], repository=f"{registry.host}/{project}/api", port=port, health_path="/version")
    here = replace(image, context=".", platforms=())
    environment = replace(plain.environments[0], hosts=(host.address,))
    return replace(plain, project=project, images=(here,), environments=(environment,))


def _runner(folder: Path, host: Host, daemon: Daemon) -> Runner:
    runner = Runner(
        folder,
        secrets={"SSH_KEY": host.key.read_text(), "REGISTRY_PASSWORD": "none-is-wanted"},
        variables={"REGISTRY_USERNAME": "nobody"},
        environment={
            **thin_wheel(folder / "wheels"),
            "DOCKER_HOST": daemon.socket,
            "DOCKER_BUILDKIT": "0",
            "LC_ALL": "C.UTF-8",
        },
    )
    runner.repository.mkdir()
    return runner


def _files(application: Application, host: Host) -> dict[str, str]:
    config = CONFIG.replace("PROJECT", application.project).replace("REPOSITORY", application.images[0].repository)
    files = {"pipelinegen.yaml": config}
    for file in (*chef.files(application), *github.files(design(application, "push", "github", chef))):
        files[file.path] = file.text + (f"{host.known}\n" if file.path.endswith("known_hosts") else "")
    return files


DEPLOYED = {"Build, test and push": "succeeded", "Deploy to staging": "succeeded"}


def test_a_commit_is_deployed_its_drift_is_seen_and_a_person_goes_back(place: Place) -> None:
    place.commit("1")
    first = place.push()
    assert first.jobs == DEPLOYED, first.log
    assert place.answer() == "1"
    looked = place.runner.run("schedule")
    assert looked.jobs == {"Look for drift in staging": "succeeded"}, looked.log

    place.daemon.docker("rm", "--force", place.name)
    looked = place.runner.run("schedule")
    assert looked.jobs == {"Look for drift in staging": "failed"}, looked.log
    assert "staging is not as it was deployed" in looked.log

    (reference,) = re.findall(rf"pushed (\S+/{place.application.project}/api:\S+@sha256:[0-9a-f]{{64}})", first.log)
    back = place.by_hand(reference)
    assert back.jobs == {"Roll back staging": "succeeded"}, back.log
    assert place.answer() == "1"

    place.commit("2", broken=True)
    second = place.push()
    assert second.jobs == {**DEPLOYED, "Deploy to staging": "failed"}, second.log
    assert place.answer() == "1", "what ran before has not come back"

    refused = place.by_hand(f"$(touch {MARK}) `touch {MARK}`")
    assert refused.jobs == {"Roll back staging": "failed"}, refused.log
    assert not list(place.runner.folder.rglob(MARK))
