"""`pipelinegen init` on repositories of several shapes: what it proposes, and that the other commands accept it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import repos
from tests.support.inside import run_inside
from tests.support.world import Ran

PROGRAM = Path(sys.executable).parent / "pipelinegen"
SCRATCH = "FROM scratch\nCOPY . /\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec: {{template: {{spec: {{containers: [{{name: web, image: {image}}}]}}}}}}
"""


def make(folder: Path, files: Mapping[str, str], origin: str | None = None, branch: str = "main") -> Path:
    """A git repository with these files."""
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    commit(folder)
    if origin is not None:
        git(folder, "remote", "add", "origin", origin)
    return folder


def git(folder: Path, *words: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *words], cwd=folder, check=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Change")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [str(PROGRAM), *words]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def run_here(folder: Path, *words: str) -> Ran:
    """The same in this process."""
    said = run_inside(words, os.environ, folder)
    return Ran(said.code, said.out.decode(), said.err.decode())


def proposed(folder: Path, *words: str) -> dict[str, Any]:
    """Run init, and read what it wrote."""
    done = run_here(folder, "init", *words)
    assert done.code == 0, done.err
    found: dict[str, Any] = yaml.safe_load((folder / "pipelinegen.yaml").read_text())
    return found


SINGLE = {"Dockerfile": "FROM scratch\nCOPY a /a\nEXPOSE 8080\n", "a": "a", ".github/workflows/ci.yml": "on: push\n"}
MONOREPO = {
    "services/api/Dockerfile": "FROM scratch\nCOPY . /\nEXPOSE 80/tcp 9000\n",
    "services/web/Dockerfile": SCRATCH,
    "compose.yaml": "services:\n"
    "  api: {build: services/api, image: registry.acme.example/team/api:1}\n"
    "  db: {image: postgres:16}\n",
    ".gitlab-ci.yml": "test: {script: [make]}\n",
}
HELM = {
    "Dockerfile": SCRATCH,
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "chart/values.yaml": "image:\n  repository: ghcr.io/acme/shop\n  tag: 1.0.0\n",
    "chart/values-staging.yaml": "image:\n  tag: 1.0.0\n",
    "chart/values-production.yaml": "image:\n  tag: 1.0.0\n",
}
NO_DOCKERFILE = {"package.json": '{"name": "x", "main": "server.js"}', "server.js": "console.log(1)\n"}


def manifests(image: str) -> dict[str, str]:
    overlay = f"resources: [../../base]\nimages:\n  - name: {image}\n    newTag: 1.0.0\n"
    return {
        "apps/web/base/kustomization.yaml": "resources: [deployment.yaml]\n",
        "apps/web/base/deployment.yaml": DEPLOYMENT.format(image=f"{image}:1.0.0"),
        **{f"apps/web/overlays/{name}/kustomization.yaml": overlay for name in ("staging", "production")},
    }


EXAMPLES = {
    "single": (SINGLE, "git@github.com:Acme/shop.git", "ghcr.io/acme/shop", "shop"),
    "monorepo": (MONOREPO, "https://gitlab.com/acme/shop.git", "registry.acme.example/team/web", "web"),
    "helm": (HELM, "https://github.com/acme/shop", "ghcr.io/acme/shop", "shop"),
    "no Dockerfile": (NO_DOCKERFILE, "https://github.com/acme/shop", "ghcr.io/acme/shop", "shop"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_proposed_is_what_the_other_commands_accept(name: str, tmp_path: Path) -> None:
    files, origin, image, short = EXAMPLES[name]
    folder = make(tmp_path / "shop", files, origin)
    make(tmp_path / "manifests", manifests(image))

    config = proposed(folder)
    assert config["images"][short]["repository"] == image
    commit(folder)
    for words in (["build", "--dry-run"], ["generate", "--style", "both", "--out", "out", "--dry-run"]):
        done = run_here(folder, *words)
        assert done.code == 0, f"{words}: {done.err}"
    bumped = run_here(folder, "bump", f"{short}=1.4.0", "--dry-run", "--json")
    assert bumped.code == 0, bumped.err
    assert bumped.document["edits"], "nothing would be changed"


def test_a_single_service_says_what_its_files_and_its_remote_say(tmp_path: Path) -> None:
    config = proposed(make(tmp_path / "shop", SINGLE, "git@github.com:Acme/shop.git"))
    assert config["images"] == {
        "shop": {
            "repository": "ghcr.io/acme/shop",
            "tags": ["type=semver,pattern={{version}}", "type=sha"],
            "tests": {"metadataTest": {"exposedPorts": ["8080"]}},
        }
    }
    assert config["manifests"]["repository"] == "https://github.com/Acme/manifests"
    assert {name: each["deliver"] for name, each in config["manifests"]["environments"].items()} == {
        "staging": "push",
        "production": "pull-request",
    }
    assert config["pipelines"]["ci"] == "github"


def test_a_monorepo_has_an_image_for_each_dockerfile_named_as_compose_does(tmp_path: Path) -> None:
    config = proposed(make(tmp_path / "shop", MONOREPO, "https://gitlab.com/acme/shop.git", branch="develop"))
    assert {name: (each["repository"], each["context"]) for name, each in config["images"].items()} == {
        "api": ("registry.acme.example/team/api", "services/api"),
        "web": ("registry.gitlab.com/acme/shop/web", "services/web"),
    }
    assert config["pipelines"]["triggers"] == {"branches": ["develop"]}


def test_a_bake_file_names_images_as_far_as_plain_texts_go(tmp_path: Path) -> None:
    bake = (
        'variable "TAG" { default = "1" }\n'
        'target "api" {\n  context = "./api"\n  tags = ["ghcr.io/acme/the-api:1"]\n}\n'
        'target "web" {\n  context = "./web"\n  tags = ["ghcr.io/acme/web:${TAG}"]\n}\n'
    )
    files = {"docker-bake.hcl": bake, "api/Dockerfile": SCRATCH, "web/Dockerfile": SCRATCH}
    config = proposed(make(tmp_path / "shop", files, "https://github.com/acme/shop"))
    assert {name: each["repository"] for name, each in config["images"].items()} == {
        "api": "ghcr.io/acme/the-api",
        "web": "ghcr.io/acme/web",
    }


def test_charts_in_the_repository_itself_are_the_manifests(tmp_path: Path) -> None:
    config = proposed(make(tmp_path / "shop", HELM, "https://github.com/acme/shop"))
    assert config["manifests"]["repository"] == "./"
    assert {name: each["paths"] for name, each in config["manifests"]["environments"].items()} == {
        "staging": ["chart/values-staging.yaml"],
        "production": ["chart/values-production.yaml"],
    }
    assert config["pipelines"]["push"] == {"deploy": "helm"}


def test_a_manifest_repository_that_can_be_reached_is_looked_into(tmp_path: Path) -> None:
    overlays = {f"apps/web/overlays/{name}/kustomization.yaml": "resources: []\n" for name in ("prod", "dev", "qa")}
    overlays |= {f"clusters/{name}/apps.yaml": "kind: Application\n" for name in ("argocd", "flux-system")}
    with repos.served(tmp_path / "served", overlays) as world:
        address = world.server.url(world.upstream.folder.name)
        config = proposed(make(tmp_path / "shop", SINGLE), "--repo", address)
    assert config["manifests"]["repository"] == address
    assert list(config["manifests"]["environments"]) == ["dev", "qa", "prod"]


@pytest.mark.parametrize(
    ("files", "holds"),
    [
        pytest.param({"go.mod": "module x\n", "main.go": "package main\n"}, ["golang", "distroless"], id="go"),
        pytest.param(NO_DOCKERFILE, ["node:", "npm install", '"server.js"'], id="node"),
        pytest.param({**NO_DOCKERFILE, "package-lock.json": "{}"}, ["npm ci"], id="node-locked"),
        pytest.param({"requirements.txt": "x\n", "app.py": ""}, ["-r requirements.txt", '"app.py"'], id="python"),
        pytest.param({"index.html": "<p>"}, ["nginx-unprivileged"], id="static"),
        pytest.param({"main.rb": ""}, ["change it"], id="unknown"),
    ],
)
def test_where_there_is_no_dockerfile_one_is_proposed(files: dict[str, str], holds: list[str], tmp_path: Path) -> None:
    folder = make(tmp_path / "shop", files)
    proposed(folder)
    dockerfile = (folder / "Dockerfile").read_text()
    bases = [line for line in dockerfile.splitlines() if line.startswith("FROM")]
    assert bases
    assert all("@sha256:" in line for line in bases), "a base without a digest"
    assert "\nUSER 10" in dockerfile, "it runs as root"
    assert all(word in dockerfile for word in holds)
    assert (folder / ".dockerignore").read_text()


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    folder = make(tmp_path / "shop", {**NO_DOCKERFILE, ".dockerignore": "mine\n", "pipelinegen.yml": "project: mine\n"})
    done = run(folder, "init", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["id"] == "config-exists"
    assert sorted(path.name for path in folder.iterdir() if path.name != ".git") == sorted(
        [*NO_DOCKERFILE, ".dockerignore", "pipelinegen.yml"]
    )
    (folder / "pipelinegen.yml").unlink()
    proposed(folder)
    assert (folder / ".dockerignore").read_text() == "mine\n"


def test_a_dry_run_prints_the_file_and_writes_nothing(tmp_path: Path) -> None:
    folder = make(tmp_path / "shop", SINGLE)
    done = run(folder, "init", "--dry-run", "--registry", "registry.acme.example/team")
    assert done.returncode == 0
    assert yaml.safe_load(done.stdout)["images"]["shop"]["repository"] == "registry.acme.example/team/shop"
    assert not (folder / "pipelinegen.yaml").exists()


@pytest.mark.parametrize(
    "path",
    [
        "node_modules/x/Dockerfile",
        "tests/e2e/Dockerfile",
        "Dockerfile.dev",
        "Dockerfile.dockerignore",
        ".devcontainer/Dockerfile",
    ],
)
def test_what_is_not_the_application_s_is_left_aside(path: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "shop", {"app/Dockerfile": SCRATCH, path: SCRATCH})
    assert list(proposed(folder)["images"]) == ["app"]


@pytest.mark.parametrize(
    "text",
    ["services: [", "services: 3\n", "- a\n", "services: {api: {build: {context: ../../outside}}}\n", "\0"],
)
def test_a_compose_file_that_says_nothing_of_use_is_passed_over(text: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "shop", {"compose.yaml": text, "app/Dockerfile": SCRATCH})
    assert list(proposed(folder)["images"]) == ["app"]


def test_a_folder_outside_git_is_looked_at_too(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "Dockerfile").write_text(SCRATCH)
    assert list(proposed(folder)["images"]) == ["shop"]
