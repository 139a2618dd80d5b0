"""Images of bake and compose files, read by their own tools: by a stand-in that prints as they do, and by buildx."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.commands.building.asked import BuildOptions, Wanted, configuration
from pipelinegen.commands.building.based import needs_of, wanted_images
from pipelinegen.errors import InputError, PipelinegenError, WorldError

CONFIG = """\
version: 1
build: {KEY: FILE}
images:
  api:
    repository: ghcr.io/acme/api
    platforms: [linux/amd64]
    tags: [type=sha]
  own: {repository: ghcr.io/acme/own, context: base}
"""
BAKED = {
    "group": {"default": {"targets": ["api", "web"]}},
    "target": {
        "api": {
            "context": "services/api",
            "contexts": {"base": "target:base"},
            "args": {"GO": "1.22"},
            "platforms": ["linux/amd64", "linux/arm64"],
            "tags": ["quay.io/elsewhere/api:v2"],
        },
        "base": {"context": "base", "tags": ["ghcr.io/acme/base:v2", "quay.io/acme/base:v2"]},
        "lint": {"context": ".", "target": "lint"},
    },
}
PATH = os.environ["PATH"]
Docker = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("services/api", "base"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\n")
    configure(tmp_path, "bake", "docker-bake.hcl")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def configure(folder: Path, key: str, file: str) -> None:
    (folder / "pipelinegen.yaml").write_text(CONFIG.replace("KEY", key).replace("FILE", file))


@pytest.fixture
def docker(folder: Path) -> Docker:
    """A docker that prints something, and writes down how it was called and with which variables."""

    def make(out: Any = None, err: str = "", code: int = 0) -> None:
        (folder / "out").write_text(out if isinstance(out, str) else json.dumps(out))
        (folder / "err").write_text(err)
        script = f'#!/bin/sh\necho "$@" > {folder}/called\nenv > {folder}/env\ncat {folder}/out\ncat {folder}/err >&2\n'
        (folder / "bin" / "docker").write_text(f"{script}exit {code}\n")
        (folder / "bin" / "docker").chmod(0o755)

    return make


def wanted(folder: Path, *names: str) -> dict[str, Wanted]:
    found = wanted_images(BuildOptions(str(folder), images=names), configuration(str(folder)))
    return {image.name: image for image in found}


def test_targets_are_images_and_complete_those_of_the_configuration(folder: Path, docker: Docker) -> None:
    docker(BAKED)
    found = wanted(folder)
    assert list(found) == ["api", "base", "own"]
    api, base = found["api"], found["base"]
    # What pipelinegen.yaml says stands; what it leaves open is bake's.
    assert (str(api.repository), api.platforms, api.tags) == ("ghcr.io/acme/api", ("linux/amd64",), ("type=sha",))
    assert api.build_args == {"GO": "1.22"}
    assert api.context.resolve() == folder / "services" / "api"
    assert [str(each) for each in base.repositories] == ["ghcr.io/acme/base", "quay.io/acme/base"]
    assert base.tags == ("type=raw,value=v2",)
    assert needs_of(list(found.values()))["api"] == {"base"}
    assert (folder / "called").read_text() == "buildx bake --file=docker-bake.hcl --print\n"


def test_one_image_brings_the_targets_that_it_is_built_from(folder: Path, docker: Docker) -> None:
    docker(BAKED)
    assert list(wanted(folder, "api")) == ["api", "base"]
    assert list(wanted(folder, "base")) == ["base"]
    assert (folder / "called").read_text() == "buildx bake --file=docker-bake.hcl --print default base\n"


def test_the_tool_sees_the_users_variables_and_no_token(
    folder: Path, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "PIPELINEGEN_TOKEN", "PIPELINEGEN_REGISTRY_PASSWORD"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("TAG", "v2")
    docker(BAKED)
    wanted(folder)
    seen = (folder / "env").read_text()
    assert "TAG=v2\n" in seen
    assert "canary" not in seen


def test_services_of_compose(folder: Path, docker: Docker) -> None:
    configure(folder, "compose", "[compose.yaml, compose.prod.yaml]")
    services = {
        "api": {"build": {"context": str(folder / "services" / "api"), "dockerfile": "Dockerfile"}},
        "base": {"build": {"context": str(folder / "base")}, "image": "ghcr.io/acme/base"},
        "db": {"image": "postgres:16"},
    }
    docker({"name": "shop", "services": services})
    found = wanted(folder)
    assert list(found) == ["api", "own", "base"]
    assert found["api"].dockerfile.resolve() == folder / "services" / "api" / "Dockerfile"
    called = "compose --file=compose.yaml --file=compose.prod.yaml config --format=json\n"
    assert (folder / "called").read_text() == called


@pytest.mark.parametrize(
    ("out", "err", "code", "kind", "said"),
    [
        pytest.param("", "docker: unknown command: docker buildx\n", 1, WorldError, "which is not here", id="28"),
        pytest.param("", "docker: 'buildx' is not a docker command.\n", 1, WorldError, "which is not here", id="20"),
        pytest.param("", "unknown flag: --file\nUsage:  docker\n", 125, WorldError, "which is not here", id="usage"),
        pytest.param(
            "", "docker-bake.hcl:3\nERROR: Invalid block\n", 1, InputError, "cannot read docker-bake.hcl", id="broken"
        ),
        pytest.param({"target": {"x": "y"}}, "", 0, WorldError, "prints something else", id="odd"),
        pytest.param(
            {"target": {"x": {"context": "../x", "tags": ["a/b:1"]}}}, "", 0, InputError, "outside", id="outside"
        ),
        pytest.param({"target": {"x": {"tags": ["UPPER"]}}}, "", 0, InputError, "has a name that is none", id="name"),
        pytest.param(
            {"target": {"x": {"tags": ["a/b"], "platforms": ["amd64"]}}}, "", 0, InputError, "platforms.0", id="key"
        ),
        pytest.param(
            {"target": {"api": {"context": "base", "contexts": {"b": "target:lint"}}}},
            "",
            0,
            InputError,
            "target:lint",
            id="no image",
        ),
    ],
)
def test_what_goes_wrong_is_said_with_its_place(
    folder: Path, docker: Docker, out: Any, err: str, code: int, kind: type[PipelinegenError], said: str
) -> None:
    docker(out, err, code)
    with pytest.raises(kind) as told:
        wanted(folder)
    assert said in told.value.what
    assert (told.value.where or "").endswith(("pipelinegen.yaml:2:15", "pipelinegen.yaml:2:8"))
    if "Invalid" in err:
        assert "ERROR: Invalid block" in told.value.details


def test_without_docker_it_is_said_what_reads_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder / "bin"))
    with pytest.raises(WorldError, match=r"docker-bake\.hcl is read by docker buildx bake, which is not here") as told:
        wanted(folder)
    assert (told.value.id, told.value.exit_code) == ("engine-missing", 3)
    assert "or write the images into pipelinegen.yaml" in str(told.value.next)


def test_without_such_a_file_no_tool_is_asked(folder: Path, docker: Docker) -> None:
    text = CONFIG.replace("build: {KEY: FILE}\n", "").replace("  api:", "  api:\n    context: base")
    (folder / "pipelinegen.yaml").write_text(text)
    docker("no JSON")
    assert list(wanted(folder)) == ["api", "own"]
    assert not (folder / "called").exists()


BAKE_FILE = """\
variable "TAG" { default = "dev" }
group "default" { targets = ["api"] }
target "_shared" { args = { GO = "1.22" } }
target "api" {
  inherits = ["_shared"]
  context = "services/api"
  contexts = { base = "target:base" }
  tags = ["ghcr.io/acme/api:${TAG}"]
  cache-from = ["type=registry,ref=ghcr.io/acme/api:cache"]
}
target "base" {
  context = "base"
  tags = ["ghcr.io/acme/base:${TAG}"]
}
target "extra" {
  context = "base"
  tags = ["ghcr.io/acme/extra"]
}
"""


def test_buildx_itself_reads_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", PATH)
    version = ["docker", "buildx", "version"]
    if shutil.which("docker") is None or subprocess.run(version, capture_output=True, check=False).returncode:
        pytest.skip("docker has no plugin buildx")
    (folder / "docker-bake.hcl").write_text(BAKE_FILE)
    monkeypatch.setenv("TAG", "v3")
    found = wanted(folder)
    assert list(found) == ["api", "base", "own"]
    assert found["api"].build_args == {"GO": "1.22"}
    assert found["api"].image.cache.from_ == ("type=registry,ref=ghcr.io/acme/api:cache",)
    assert found["base"].tags == ("type=raw,value=v3",)
    assert list(wanted(folder, "extra")) == ["extra"]
    (folder / "docker-bake.hcl").write_text("target {")
    with pytest.raises(InputError, match=r"docker buildx bake cannot read docker-bake\.hcl"):
        wanted(folder)
