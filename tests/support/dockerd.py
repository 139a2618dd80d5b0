"""A real dockerd for tests, on its own socket, data root and bridge, shared by the workers of one run.

with docker_daemon(tmp_path_factory) as daemon:
    engine = Docker(Setup(environ=daemon.environ()))

A keeper process owns the daemon. It stays while any worker holds a lock, and ends with the last one, killed or not.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

INSTALL = "apt-get install -y --no-install-recommends docker.io busybox-static"
START_SECONDS = 60.0
_ADD_BRIDGE, _REMOVE_BRIDGE = 0x89A0, 0x89A1
_GET_FLAGS, _SET_FLAGS = 0x8913, 0x8914


@dataclass(frozen=True)
class Daemon:
    """The folder of a daemon, in which it listens."""

    root: Path

    @property
    def socket(self) -> str:
        return f"unix://{self.root / 'sock'}"

    def environ(self, **values: str) -> dict[str, str]:
        """An environment for our engines: this daemon, no configuration of the user's."""
        chosen = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
        return {**chosen, "HOME": str(self.root / "home"), "DOCKER_HOST": self.socket, **values}

    def docker(self, *words: str, check: bool = True) -> str:
        """Run docker beside our engines, to look at what they left."""
        done = subprocess.run(["docker", *words], env=self.environ(), capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(words)}: {done.stderr}")
        return done.stdout

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """For what the workers must not do at the same time, such as making a base image."""
        with open(self.root / "work.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def docker_daemon(factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """The daemon of this run of tests; the test is skipped where there can be none."""
    if shutil.which("dockerd") is None or shutil.which("docker") is None:
        pytest.skip(f"dockerd is not installed: {INSTALL}")
    if os.getuid() != 0:
        pytest.skip("dockerd runs as root alone")
    run = _run_folder(factory)
    daemon = Daemon(_root(run))
    with _start_lock(run):
        daemon.root.mkdir(mode=0o700, exist_ok=True)
    with open(daemon.root / "users.lock", "a") as users:
        with _start_lock(run):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not _listens(daemon.root):
                _start(daemon.root)
        try:
            yield daemon
        finally:
            with _start_lock(run):
                _leave(daemon.root, users.fileno())


def busybox_image(daemon: Daemon) -> str:
    """A base image with a shell, made once."""
    name = "pipelinegen-test/busybox:1"
    with daemon.locked():
        if not daemon.docker("images", "--quiet", name):
            place = daemon.root / "busybox"
            place.mkdir()
            shutil.copy(busybox(), place / "busybox")
            (place / "Dockerfile").write_text(BUSYBOX_DOCKERFILE)
            environ = daemon.environ(DOCKER_BUILDKIT="0")
            subprocess.run(
                ["docker", "build", "-q", "-t", name, str(place)], env=environ, check=True, capture_output=True
            )
    return name


BUSYBOX_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/bin
RUN mkdir -p /etc /tmp && chmod 1777 /tmp && echo root:x:0:0:root:/:/bin/sh > /etc/passwd
CMD ["sh"]
"""


def busybox() -> Path:
    """A busybox that needs no libraries, for images without any."""
    found = shutil.which("busybox")
    if found is None:
        pytest.skip("busybox is not installed: apt-get install -y busybox-static")
    return Path(found)


def _run_folder(factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of a run."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _root(run: Path) -> Path:
    # A short path of its own: that of a socket may have 107 characters.
    return Path(tempfile.gettempdir(), f"pgd-{hashlib.sha256(str(run).encode()).hexdigest()[:8]}")


@contextlib.contextmanager
def _start_lock(run: Path) -> Iterator[None]:
    with open(run / "dockerd.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(root: Path) -> None:
    keeper = [sys.executable, os.path.abspath(__file__), str(root)]
    subprocess.run(["sh", "-c", '"$@" </dev/null >/dev/null 2>&1 &', "sh", *keeper], check=True, start_new_session=True)
    until = time.monotonic() + START_SECONDS
    while not _listens(root):
        log = root / "log"
        if (root / "failed").exists() or time.monotonic() > until:
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            pytest.skip(f"dockerd does not start here: {said}")
        time.sleep(0.05)


def _leave(root: Path, users: int) -> None:
    """Let the keeper go; the last one waits until everything is gone."""
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    fcntl.flock(users, fcntl.LOCK_UN)
    until = time.monotonic() + START_SECONDS
    while root.exists() and time.monotonic() < until:
        time.sleep(0.05)


def _listens(root: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(root / "sock")) == 0


# The keeper: this file run as a program.


def keep(root: Path) -> None:
    """Run dockerd until nobody holds users.lock."""
    bridge = f"pgd{root.name[-8:]}"
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    try:
        _bridge(_ADD_BRIDGE, bridge)
        with open(root / "log", "wb") as log:
            daemon = subprocess.Popen(_command(root, bridge), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        while daemon.poll() is None and not stopping and _in_use(root):
            time.sleep(0.3)
        daemon.terminate()
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    except OSError as error:
        (root / "log").write_text(str(error))
    (root / "failed").touch()
    with contextlib.suppress(OSError):
        _bridge(_REMOVE_BRIDGE, bridge)
    # What a container on the machine's own network leaves behind.
    subprocess.run(["umount", "--lazy", root / "exec/netns/default"], stderr=subprocess.DEVNULL, check=False)
    if not _in_use(root):
        shutil.rmtree(root, ignore_errors=True)


def _command(root: Path, bridge: str) -> list[str]:
    return [
        "dockerd",
        f"--data-root={root / 'data'}",
        f"--exec-root={root / 'exec'}",
        f"--pidfile={root / 'pid'}",
        f"--host=unix://{root / 'sock'}",
        f"--bridge={bridge}",
        "--iptables=false",
        "--ip6tables=false",
        "--insecure-registry=127.0.0.0/8",
    ]


def _in_use(root: Path) -> bool:
    with open(root / "users.lock", "a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(users, fcntl.LOCK_UN)
        return False


def _bridge(request: int, name: str) -> None:
    """A bridge of the daemon's own: with docker0 two daemons would give out the same addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        if request == _REMOVE_BRIDGE:
            flags = bytearray(fcntl.ioctl(control, _GET_FLAGS, name.encode().ljust(40, b"\0")))
            flags[16] &= 0xFE
            fcntl.ioctl(control, _SET_FLAGS, bytes(flags))
        fcntl.ioctl(control, request, name.encode() + b"\0")


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
