"""An application of one image that is deployed by Chef to a host on this machine, for pipelines that are run."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import chef, over_ssh
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.model import Pipeline, System
from tests.support import applications
from tests.support.dockerd import Daemon, busybox_image
from tests.support.hosts import Host, start_host
from tests.support.registry import RunningRegistry

# Stands for the client of Chef on the host: there is none to be had here.
CLIENT = Path(__file__).parent / "chef"
CONFIG = """\
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


@dataclass(frozen=True)
class Deployed:
    """host, daemon: what it is deployed to, and what runs the containers there."""

    application: Application
    host: Host
    daemon: Daemon

    @property
    def name(self) -> str:
        """Of the container."""
        return f"{self.application.project}-api"

    def pipeline(self, system: System) -> Pipeline:
        return design(self.application, "push", system, chef)

    def files(self) -> dict[str, str]:
        """What is in the repository beside the pipeline and the sources."""
        image = self.application.images[0]
        found = {"pipelinegen.yaml": CONFIG.replace("PROJECT", self.application.project)}
        found["pipelinegen.yaml"] = found["pipelinegen.yaml"].replace("REPOSITORY", image.repository)
        for file in chef.files(self.application):
            found[file.path] = file.text + (f"{self.host.known}\n" if file.path.endswith("known_hosts") else "")
        return found

    def sources(self, version: str, *, broken: bool = False) -> dict[str, str]:
        """A version of the application, which says it over HTTP, or ends at once."""
        port = self.application.images[0].port
        command = ["false"] if broken else ["httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", "/site"]
        base = busybox_image(self.daemon)
        dockerfile = f"FROM {base}\nCOPY version /site/version\nSTOPSIGNAL SIGKILL\nCMD {json.dumps(command)}\n"
        return {"version": version, "Dockerfile": dockerfile}

    def answer(self) -> str:
        """The version that runs."""
        connection = http.client.HTTPConnection(f"127.0.0.1:{self.application.images[0].port}", timeout=20)
        try:
            connection.request("GET", "/version")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def remove(self) -> None:
        self.daemon.docker("rm", "--force", self.name, f"{self.name}-previous", check=False)


@contextlib.contextmanager
def deployed(
    folder: Path, daemon: Daemon, registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployed]:
    """A host, and an application for it. Skips where there can be none."""
    if shutil.which("ruby") is None:
        pytest.skip("ruby is not installed: apt-get install ruby")
    # On a host the script lies in the system's folder, which this host shares with the machine.
    monkeypatch.setattr(over_ssh, "SCRIPT", str(folder / "pipelinegen-container"))
    of_host = {
        "PATH": f"{CLIENT}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DOCKER_HOST": daemon.socket,
        "CONTAINER_NETWORK": "host",
        "CONTAINER_STATE": str(folder / "state"),
        "CONTAINER_SETTINGS": str(folder / "settings"),
    }
    with start_host(folder / "host", of_host) as host:
        made = Deployed(_application(f"shop{os.getpid()}", host, registry), host, daemon)
        try:
            yield made
        finally:
            made.remove()


def _application(project: str, host: Host, registry: RunningRegistry) -> Application:
    plain = applications.single()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    image = replace(plain.images[0], repository=f"{registry.host}/{project}/api", port=port, health_path="/version")
    here = replace(image, context=".", platforms=())
    environment = replace(plain.environments[0], hosts=(host.address,))
    return replace(plain, project=project, images=(here,), environments=(environment,))
