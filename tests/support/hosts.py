"""A host of one's own on this machine: a real sshd on a free port, whose commands reach a container engine."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

INSTALL = "apt-get install openssh-server"


@dataclass(frozen=True)
class Host:
    """port: where sshd listens on the loopback address.  key: opens it for the user of the tests.  public: its own."""

    port: int
    key: Path
    public: str
    user: str

    @property
    def address(self) -> str:
        """As pipelinegen.yaml names a host."""
        return f"{self.user}@127.0.0.1:{self.port}"

    @property
    def known(self) -> str:
        """Its line of a known_hosts file."""
        return f"[127.0.0.1]:{self.port} {self.public}"


@contextlib.contextmanager
def start_host(folder: Path, environ: Mapping[str, str]) -> Iterator[Host]:
    """Start a host; the test is skipped where there can be none.

    environ: variables of the commands that run on it. `sudo` there is a stand-in for a user who is root already.
    """
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None or shutil.which("ssh") is None:
        pytest.skip(f"sshd is not installed: {INSTALL}")
    if os.getuid() != 0:
        pytest.skip("the host's commands run as root")
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    programs = folder / "bin"
    programs.mkdir()
    (programs / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (programs / "sudo").chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)
    port = _free_port()
    config = folder / "config"
    given = {**environ, "PATH": f"{programs}:{environ['PATH']}"}
    config.write_text(
        "".join(
            f"{line}\n"
            for line in (
                f"ListenAddress 127.0.0.1:{port}",
                f"HostKey {folder / 'host'}",
                f"AuthorizedKeysFile {folder / 'authorized_keys'}",
                f"PidFile {folder / 'pid'}",
                "StrictModes no",
                "UsePAM no",
                "PermitRootLogin prohibit-password",
                "PasswordAuthentication no",
                "Subsystem sftp internal-sftp",
                "SetEnv " + " ".join(f'"{name}={value}"' for name, value in given.items()),
            )
        )
    )
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", config], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _wait(port, folder / "log")
        public = " ".join((folder / "host.pub").read_text().split()[:2])
        yield Host(port, folder / "user", public, "root")
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def _wait(port: int, log: Path) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"sshd does not listen:\n{log.read_text()}")
