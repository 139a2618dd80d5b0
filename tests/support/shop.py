"""The example application, as somebody has it: a clone of a remote, images in a registry of the test, manifests beside.

with open_shop(tmp_path, registry.host) as shop:
    ran = shop.build("catalog", "--engine", "oci")
"""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipelinegen.cli import run
from tests.support.registry import Server
from tests.support.repos import git

EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"
# What a CI job that runs the tests would tell the builds in them.
FOREIGN = (
    *("GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "JENKINS_HOME", "SOURCE_DATE_EPOCH", "GITHUB_TOKEN", "GH_TOKEN"),
    *("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"),
)


class Ran(NamedTuple):
    """What a run of the command came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Shop:
    """A clone of the application with its remote."""

    folder: Path
    remote: Path
    host: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> Ran:
        """Run the command here, in this process."""
        self.capsys.readouterr()
        with self.monkeypatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, value)
            code = run([arguments[0], "-C", str(self.folder), *arguments[1:]])
        return Ran(code, *self.capsys.readouterr())

    def build(self, *arguments: str, engine: str = "oci") -> Ran:
        return self.run("build", *(["--engine", engine] if engine else []), *arguments)

    @property
    def metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "build-metadata.json").read_text(encoding="utf-8"))
        return found

    def commit(self, files: Mapping[str, str], *, push: bool = True) -> str:
        """A commit with these files, on the remote too."""
        revision = commit(self.folder, files)
        if push:
            git(self.folder, "push", "--quiet", "origin", "HEAD")
        return revision

    def config(self, text: str) -> None:
        """Another configuration, in a commit. HOST stands for the registry."""
        self.commit({"pipelinegen.yaml": text.replace("HOST", self.host)})

    @property
    def head(self) -> str:
        return git(self.folder, "rev-parse", "HEAD").decode().strip()

    @property
    def sha_tag(self) -> str:
        return f"sha-{self.head[:7]}"


def commit(folder: Path, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", f"Change {', '.join(files)}")
    return git(folder, "rev-parse", "HEAD").decode().strip()


def open_shop(folder: Path, host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    """The example, with its images in the registry at `host`."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    home = folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    remote, clone = folder / "remote", folder / "shop"
    shutil.copytree(EXAMPLE, remote)
    for path in remote.rglob("*"):
        if path.is_file():
            path.write_text(path.read_text(encoding="utf-8").replace("localhost:5000", host), encoding="utf-8")
    git(remote, "init", "--quiet", "--initial-branch=main", "--template=")
    git(remote, "config", "receive.denyCurrentBranch", "ignore")
    commit(remote, {})
    git(folder, "clone", "--quiet", str(remote), str(clone))
    return Shop(clone, remote, host, monkeypatch, capsys)


# What is in a registry, asked without a client of ours.


def tags_in(host: str, repository: str) -> dict[str, str]:
    """The tags of a repository with their digests; none where there is no repository."""
    listed = _get(host, f"/v2/{repository}/tags/list")
    names = json.loads(listed[2]).get("tags") or [] if listed[0] == 200 else []
    return {name: digest_in(host, repository, name) for name in sorted(names)}


def digest_in(host: str, repository: str, name: str) -> str:
    return _get(host, f"/v2/{repository}/manifests/{name}")[1]["Docker-Content-Digest"]


def manifest_in(host: str, repository: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_get(host, f"/v2/{repository}/manifests/{name}")[2])
    return found


def config_in(host: str, repository: str, name: str) -> dict[str, Any]:
    digest = manifest_in(host, repository, name)["config"]["digest"]
    found: dict[str, Any] = json.loads(_get(host, f"/v2/{repository}/blobs/{digest}")[2])
    return found


_TYPES = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"


def _get(host: str, path: str) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request("GET", path, headers={"Accept": _TYPES})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def writes(server: Server) -> list[str]:
    """The requests that changed something, as a proxy before the registry saw them."""
    return [asked for asked in server.asked() if asked.split()[0] not in {"GET", "HEAD"}]
