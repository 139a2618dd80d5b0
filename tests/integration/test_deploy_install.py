"""The step that installs a pinned program: over TLS, by checksum, for the machine's architecture."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelinegen.pipelines.deployers.scripts import install, installing
from pipelinegen.pipelines.model import Run
from pipelinegen.pipelines.pins import Tool, tools
from tests.support.certificates import make_authority
from tests.support.steps import Job, ended, said

PROGRAM = b"#!/bin/sh\necho it runs\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        del format, args


def packed(kind: str) -> bytes:
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("inside/tool", PROGRAM)
    elif kind == "tar.gz":
        with tarfile.open(fileobj=made, mode="w:gz") as tar:
            member = tarfile.TarInfo("inside/tool")
            member.size = len(PROGRAM)
            tar.addfile(member, io.BytesIO(PROGRAM))
    else:
        made.write(PROGRAM)
    return made.getvalue()


# Made once: an archive holds the time at which it was made.
_PACKED = {kind: packed(kind) for kind in ("zip", "tar.gz", "plain")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("server")
    authority = make_authority(folder)
    for kind, data in _PACKED.items():
        (folder / f"tool.{kind}").write_bytes(data)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as listening:
        listening.socket = authority.server().wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{listening.server_port}", str(authority.file)
        listening.shutdown()
        thread.join()


def step(server: str, kind: str, scheme: str = "https", checksum: str = "") -> Run:
    """The step of an entry of tools.lock that names the server."""
    checksum = checksum or hashlib.sha256(_PACKED[kind]).hexdigest()
    member = "" if kind == "plain" else "inside/tool"
    return installing(
        "tool", Tool("1.2.3", f"{scheme}://{server}/tool.{kind}", member, dict.fromkeys(("amd64", "arm64"), checksum))
    )


def job(folder: Path, authority: str, **environ: str) -> Job:
    (folder / "w").mkdir()
    (folder / "t").mkdir()
    return Job(folder / "w", folder / "t", environ={"CURL_CA_BUNDLE": authority, "no_proxy": "127.0.0.1", **environ})


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "plain"])
def test_what_has_the_checksum_is_on_path_afterwards(kind: str, server: tuple[str, str], tmp_path: Path) -> None:
    address, authority = server
    done = job(tmp_path, authority).run([step(address, kind), Run("Use it", ("tool",))])
    assert ended(done) == 0, said(done)
    assert done[-1].said == "it runs\n"


def test_what_has_another_checksum_is_not_installed(server: tuple[str, str], tmp_path: Path) -> None:
    address, authority = server
    done = job(tmp_path, authority).run([step(address, "plain", checksum="0" * 64)])
    assert ended(done) == 1
    assert "tool.download: FAILED" in said(done)
    assert list((tmp_path / "t" / "tools" / "bin").iterdir()) == []


def test_nothing_is_fetched_without_tls_or_from_a_server_that_nobody_vouches_for(
    server: tuple[str, str], tmp_path: Path
) -> None:
    address, authority = server
    assert ended(job(tmp_path, authority).run([step(address, "plain", scheme="http")])) == 1
    (other := tmp_path / "other").mkdir()
    stranger = make_authority(other)
    # An authority of the same name with another key: curl tells it in the handshake (35) or from the certificate (60).
    assert ended(job(other, str(stranger.file)).run([step(address, "plain")])) in (35, 60)
    for folder in (tmp_path, other):
        assert list((folder / "t" / "tools" / "bin").iterdir()) == []


def test_a_machine_that_is_not_pinned_is_told(server: tuple[str, str], tmp_path: Path) -> None:
    address, authority = server
    work = job(tmp_path, authority)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uname").write_text("#!/bin/sh\necho riscv64\n", encoding="utf-8")
    (programs / "uname").chmod(0o755)
    done = replace(work, programs=[programs]).run([step(address, "plain")])
    assert ended(done) == 1
    assert "No tool is pinned for this machine: riscv64." in said(done)


def test_the_names_of_architectures_are_those_of_each_project() -> None:
    for tool, arm in (("kubectl", "arch=arm64"), ("trivy", "arch=ARM64")):
        script = "\n".join(install(tool).script)
        assert f"  aarch64 | arm64) {arm} checksum={tools()[tool].sha256['arm64']} ;;" in script
        assert "$arch" in script
