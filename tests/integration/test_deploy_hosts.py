"""Deploying to plain hosts by Ansible, Chef and Puppet: a real sshd, a real container engine, a real registry."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import Deployer, ansible, chef, over_ssh, puppet
from pipelinegen.pipelines.model import Run
from tests.support import applications
from tests.support.dockerd import Daemon, busybox_image, docker_daemon
from tests.support.hosts import Host, start_host
from tests.support.registry import RunningRegistry, start_registry
from tests.support.steps import Job

BIN = Path(sys.executable).parent
DEPLOYERS: Mapping[str, Deployer] = {"ansible": ansible, "chef": chef, "puppet": puppet}
PROGRAMS = {
    "ansible": ("ansible-playbook", "pip install ansible-core"),
    "chef": ("ruby", "apt-get install ruby"),
    "puppet": ("puppet", "apt-get install puppet"),
}
STAND_IN = Path(__file__).parent.parent / "support" / "chef"


class Failed(Exception):
    """The step that failed first, and what all of them have said."""


@dataclass(frozen=True)
class Place:
    """One deployer's application in a repository of its own, and the host that it deploys to."""

    deployer: Deployer
    application: Application
    folder: Path
    host: Host
    daemon: Daemon
    environ: Mapping[str, str]

    def run(self, *steps: Run) -> str:
        """What the steps print.  Failed: one of them has ended with another code than 0."""
        secrets = {"SSH_KEY": str(self.host.key)}
        ended = Job(self.folder, self.folder.parent / "job", secrets, environ=self.environ).run(steps)
        said = "".join(f"== {each.step.name}\n{each.said}" for each in ended if not each.skipped)
        for each in ended:
            if each.code != 0:
                raise Failed(f"{each.step.name}\n{said}")
        return said

    def set_images(self, *references: str) -> None:
        """As the step before the deployer's does, in a fresh checkout."""
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=self.folder, check=True)
        path = self.deployer.IMAGE_PATHS[0].replace("{env}", "staging")
        words = ["bump", *references, "--repo", ".", "--deliver", "worktree", "--path", path, "--quiet"]
        subprocess.run([BIN / "pipelinegen", *words], cwd=self.folder, env=self.environ, check=True)

    @property
    def name(self) -> str:
        return f"{self.application.project}-api"

    def running(self) -> str:
        """The identity of the running container, "" where none runs."""
        return self.daemon.docker("ps", "--quiet", "--no-trunc", "--filter", f"name=^{self.name}$").strip()

    def answer(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.application.images[0].port}/version") as answer:
            return str(answer.read().decode().strip())


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with docker_daemon(tmp_path_factory) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with start_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(params=DEPLOYERS)
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    daemon: Daemon,
    registry: RunningRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    name: str = request.param
    program, install = PROGRAMS[name]
    path = f"{BIN}:{os.environ['PATH']}:/usr/sbin"
    if shutil.which(program, path=path) is None:
        pytest.skip(f"{program} is not installed: {install}")
    # On a host the script lies in the system's folder, which these hosts share with the machine.
    monkeypatch.setattr(over_ssh, "SCRIPT", str(tmp_path / "pipelinegen-container"))
    environ = {
        **daemon.environ(),
        "PATH": path,
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        # What a login of this machine finds first may be a shim that works for nobody else.
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
    }
    of_host = {
        "PATH": f"{STAND_IN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DOCKER_HOST": daemon.socket,
        "CONTAINER_NETWORK": "host",
        "CONTAINER_STATE": str(tmp_path / "state"),
        "CONTAINER_SETTINGS": str(tmp_path / "settings"),
    }
    with start_host(tmp_path / "host", of_host) as host:
        application = _application(f"shop{os.getpid()}-{name}", host, registry)
        deployer = DEPLOYERS[name]
        folder = tmp_path / "application"
        _write(deployer, application, folder, host)
        place = Place(deployer, application, folder, host, daemon, environ)
        try:
            yield place
        finally:
            daemon.docker("rm", "--force", place.name, f"{place.name}-previous", check=False)


def test_a_release_runs_goes_back_where_it_does_not_come_up_and_its_drift_is_seen(
    place: Place, registry: RunningRegistry
) -> None:
    deployer, application = place.deployer, place.application
    environment = application.environments[0]
    good, bad = (_push(place, registry, version, broken=version == "2") for version in ("1", "2"))

    assert "Nothing has been deployed" in place.run(*deployer.drift(application, environment))
    place.set_images(good)
    place.run(*deployer.dry_run(application, environment))
    assert not place.running(), "a dry run has started a container"

    place.run(*deployer.deploy(application, environment), *deployer.health(application, environment))
    first = place.running()
    assert place.answer() == "1"

    place.set_images(bad)
    with pytest.raises(Failed, match=rf"^Deploy to staging\n(.|\n)*{place.name} did not come up from {bad}"):
        place.run(*deployer.deploy(application, environment))
    assert place.running() == first, "another container runs than the one before"
    assert place.answer() == "1"

    _checkout(place)
    place.run(*deployer.drift(application, environment))
    place.daemon.docker("rm", "--force", place.name)
    _checkout(place)
    with pytest.raises(Failed, match=r"^Look for drift in staging\n(.|\n)*staging is not as it was deployed"):
        place.run(*deployer.drift(application, environment))


@pytest.mark.parametrize("place", ["chef"], indirect=True)
def test_a_failure_after_the_deployment_brings_back_what_ran_before(place: Place, registry: RunningRegistry) -> None:
    """What comes after the deployment, such as a smoke test, fails: the hosts that were changed already go back."""
    deployer, application = place.deployer, place.application
    environment = application.environments[0]
    one, two = (_push(place, registry, version) for version in ("1", "2"))
    place.set_images(one)
    place.run(*deployer.deploy(application, environment))
    first = place.running()

    place.set_images(two)
    *deploy, undo = deployer.deploy(application, environment)
    smoke = Run("Ask it", ("exit 1",))
    with pytest.raises(Failed, match=r"^Ask it\n"):
        place.run(*deploy, smoke, undo)
    assert place.running() == first
    assert place.answer() == "1"


def _application(project: str, host: Host, registry: RunningRegistry) -> Application:
    plain = applications.single()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    image = replace(plain.images[0], repository=f"{registry.host}/{project}/api", port=port, health_path="/version")
    environment = replace(plain.environments[0], hosts=(host.address,))
    return replace(plain, project=project, images=(image,), environments=(environment,))


def _write(deployer: Deployer, application: Application, folder: Path, host: Host) -> None:
    for file in deployer.files(application):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        known = host.known + "\n" if path.name.endswith("known_hosts") else ""
        path.write_text(file.text + known)
        path.chmod(0o755 if file.executable else 0o644)
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Begin"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=folder, check=True)


def _checkout(place: Place) -> None:
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=place.folder, check=True)


def _push(place: Place, registry: RunningRegistry, version: str, *, broken: bool = False) -> str:
    """An image that says its version over HTTP, or that ends at once; by tag and digest."""
    image = place.application.images[0]
    folder = place.folder.parent / f"image-{version}"
    folder.mkdir()
    serve = ["httpd", "-f", "-p", f"127.0.0.1:{image.port}", "-h", "/site"]
    command = json.dumps(["false"] if broken else serve)
    (folder / "version").write_text(version)
    (folder / "Dockerfile").write_text(
        f"FROM {busybox_image(place.daemon)}\nCOPY version /site/version\nSTOPSIGNAL SIGKILL\nCMD {command}\n"
    )
    reference = f"{image.repository}:{version}.0.0"
    place.daemon.docker("build", "--quiet", "--tag", reference, str(folder))
    place.daemon.docker("push", "--quiet", reference)
    known = json.loads(place.daemon.docker("image", "inspect", "--format", "{{json .RepoDigests}}", reference))
    (digest,) = (each.partition("@")[2] for each in known if each.startswith(f"{image.repository}@"))
    return f"{reference}@{digest}"
