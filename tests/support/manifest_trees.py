"""Generated manifest repositories on the disk, and what real kustomize makes of them."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import yaml

from pipelinegen.pipelines.agents import AGENTS
from pipelinegen.pipelines.application import Application
from tests.support.kustomize import require_kubectl


def write(folder: Path, agent: str, application: Application) -> Path:
    """The whole repository of an agent in a folder."""
    for file in AGENTS[agent].files(application):  # type: ignore[index]
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
        path.chmod(0o755 if file.executable else 0o644)
    return folder


def roots(folder: Path) -> list[Path]:
    """Every folder that is built by itself."""
    found = sorted(path.parent for path in folder.rglob("kustomization.yaml"))
    return [path for path in found if path.name != "base"]


def built(root: Path) -> list[dict[str, Any]]:
    done = subprocess.run([require_kubectl(), "kustomize", str(root)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{root}: {done.stderr}"
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def checks(folder: Path) -> subprocess.CompletedProcess[str]:
    """`bash checks/run`, as CI runs it, with the judge of schemas that this Python has."""
    require_kubectl()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "checks/run"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def without_network(script: str, kubectl: Path, wheels: Path, *, intact: bool = True) -> tuple[str, dict[str, str]]:
    """checks/install with a file in the place of a download, and the variables that give pip a wheel of the judge.

    The wheel leads to the judge that this Python has.
    """
    digest = hashlib.sha256(kubectl.read_bytes() + (b"" if intact else b"!")).hexdigest()
    text = re.sub(r"url=\S+", f"url={kubectl.as_uri()}", script)
    text = re.sub(r"sha256=[0-9a-f]{64}", f"sha256={digest}", text)
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "kubernetes_validate-1.37.0-py3-none-any.whl", "w") as wheel:
        info = "kubernetes_validate-1.37.0.dist-info"
        wheel.writestr("judge.pth", sysconfig.get_path("purelib") + "\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: kubernetes-validate\nVersion: 1.37.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return text, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
