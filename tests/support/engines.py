"""Real engines for tests, each with storage of its own: which there are, and the environment that each needs."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipelinegen.edge.engines import ENGINES
from pipelinegen.edge.engines.base import Program
from pipelinegen.edge.engines.docker import PLUGIN_BUILDS, version_of
from pipelinegen.edge.engines.port import BuildRequest, Built, Engine, Setup
from tests.support.dockerd import BUSYBOX_DOCKERFILE, Daemon, busybox, busybox_image, docker_daemon

KINDS = ("docker-classic", "docker-buildkit", "podman", "buildah")
# Docker runs alike whatever has built.
RUNNING_KINDS = ("docker-classic", "podman", "buildah")
PACKAGES = {"podman": "podman", "buildah": "buildah"}
# Podman's default limits need more rights than a container of a CI system has, and its locks are the machine's.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
lock_type = "file"
tmp_dir = "{folder}/tmp"
"""


CREATED = datetime(2024, 1, 1, tzinfo=timezone.utc)
DOCKERFILE = """\
FROM {base}
# Workers of one run share a daemon, and so its cache.
ENV WORKER={worker}
ARG VERSION
RUN echo "version $VERSION" > /version && echo working
COPY server /srv/server
ENV GREETING=hello
WORKDIR /srv
USER 1000:1000
EXPOSE 8080
CMD ["sh", "/srv/server"]
"""
SERVER = """\
echo starting
test -z "$FAIL" || { echo "cannot go on" >&2; exit 3; }
httpd -f -v -p "${PORT:-8080}" -h /srv &
trap "kill $!; exit 0" TERM
wait $!
"""


class Bench(NamedTuple):
    """An engine that is there: how to make it, a base image with a shell, and a look at what it holds."""

    kind: str
    name: str
    environ: Mapping[str, str]
    base: str

    def engine(self, **values: str) -> Engine:
        return ENGINES[self.name](Setup(environ={**self.environ, **values}))

    def program(self, *words: str) -> str:
        """The engine's own program, beside our engine."""
        program = "docker" if self.name == "buildx" else self.name
        done = subprocess.run([program, *words], env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self, run: str) -> list[str]:
        """The containers of one engine of ours, by its `run_id`: others may be at work on the same daemon."""
        words = ["containers"] if self.name == "buildah" else ["ps", "--all"]
        field = "ContainerName" if self.name == "buildah" else "Names"
        return [name for name in self.program(*words, f"--format={{{{.{field}}}}}").split() if run in name]

    def images(self, run: str) -> list[str]:
        field = "Name" if self.name == "buildah" else "Repository"
        return [name for name in self.program("images", f"--format={{{{.{field}}}}}").split() if run in name]


@contextlib.contextmanager
def open_bench(kind: str, factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The engine of this kind, or the test is skipped by the name of what is missing."""
    if kind.startswith("docker"):
        with docker_daemon(factory) as daemon:
            yield _docker(kind, daemon)
    else:
        if shutil.which(kind) is None:
            pytest.skip(f"{kind} is not installed: apt-get install -y --no-install-recommends {PACKAGES[kind]}")
        yield _storage(kind)


def _docker(kind: str, daemon: Daemon) -> Bench:
    environ = daemon.environ(DOCKER_BUILDKIT="0" if kind == "docker-classic" else "1")
    if kind == "docker-buildkit":
        environ["PATH"] = buildkit_path()
    return Bench(kind, "docker", environ, busybox_image(daemon))


def buildkit_path() -> str:
    """A PATH whose docker builds by BuildKit: an old one does by itself, a new one by its plugin."""
    for folder in os.environ["PATH"].split(os.pathsep):
        if os.access(os.path.join(folder, "docker"), os.X_OK):
            said = _said(os.path.join(folder, "docker"), "--version").removeprefix("Docker version ")
            if version_of(said) and (
                version_of(said)[0] < PLUGIN_BUILDS or _said(os.path.join(folder, "docker"), "buildx", "version")
            ):
                return os.pathsep.join([folder, os.environ["PATH"]])
    pytest.skip("no docker with BuildKit: apt-get install docker.io (Debian 12), or the plugin buildx")


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


@functools.cache
def _storage(kind: str) -> Bench:
    """Podman or buildah with a storage of this process's own, in which nothing needs a kernel's help.

    One for all modules of tests, as docker's daemon is: a base image and the layers of a build cost seconds.
    """
    # A short path: podman waits 20 s for each container whose socket has a longer one than it knows.
    folder = Path(tempfile.mkdtemp(prefix="pge-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "containers.conf").write_text(_CONTAINERS_CONF.format(folder=folder))
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    environ = {
        **{name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ},
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "BUILDAH_ISOLATION": "chroot",
    }
    context = folder / "busybox"
    context.mkdir()
    shutil.copy(busybox(), context / "busybox")
    (context / "Dockerfile").write_text(BUSYBOX_DOCKERFILE)
    base = "localhost/pipelinegen-test/busybox:1"
    subprocess.run([kind, "build", "-q", "-t", base, str(context)], env=environ, check=True, capture_output=True)
    return Bench(kind, kind, environ, base)


def make_context(bench: Bench, folder: Path) -> Path:
    """What is built for most tests: a server that tells what it does, or gives up where it is told to."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=bench.base, worker=worker))
    (folder / "server").write_text(SERVER)
    return folder


def request_for(context: Path, **values: Any) -> BuildRequest:
    wanted = {"build_args": {"VERSION": "1.2.3"}, "labels": {"team": "a b"}, "created": CREATED, **values}
    return BuildRequest("api", context, root=context, **wanted)


def local_of(built: Built) -> str:
    assert built.local is not None
    return built.local


def run_of(engine: Engine) -> str:
    """What stands in the names of all that an engine makes."""
    assert isinstance(engine, Program)
    return engine.run_id


def wait_for(done: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)
