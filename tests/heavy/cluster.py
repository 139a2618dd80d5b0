"""The cluster as its administrator and as a pipeline sees it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.deploying import program

# The kubelet of tests/heavy/kube cannot pull an image with this digest.
MISSING = "f"


@dataclass(frozen=True, slots=True)
class Cluster:
    """kubeconfig: of its administrator."""

    kubeconfig: Path

    def kubectl(self, *arguments: str, given: str | None = None, fails: bool = False) -> str:
        ran = subprocess.run(
            [program("kubectl"), *arguments],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (ran.returncode != 0) == fails, f"{arguments}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        return ran.stdout + (ran.stderr if fails else "")

    def get(self, namespace: str, *arguments: str) -> Any:
        return json.loads(self.kubectl("--namespace", namespace, "get", *arguments, "--output", "json"))

    def images(self, namespace: str) -> dict[str, str]:
        """What each Deployment wants to run."""
        return {
            each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"]
            for each in self.get(namespace, "deployments")["items"]
        }

    def running(self, namespace: str) -> set[str]:
        """What the pods that are ready run."""
        return {
            pod["spec"]["containers"][0]["image"]
            for pod in self.get(namespace, "pods")["items"]
            if {"type": "Ready", "status": "True"}.items() <= {**_ready(pod)}.items()
        }

    def kubeconfig_of(self, namespace: str, account: str, folder: Path) -> Path:
        """As SETUP.md tells a person to make it: a token of the service account."""
        token = self.kubectl("--namespace", namespace, "create", "token", account).strip()
        config = yaml.safe_load(self.kubeconfig.read_text(encoding="utf-8"))
        config["users"][0]["user"] = {"token": token}
        path = folder / f"{namespace}.kubeconfig"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    def rights(self, namespace: str, account: str, home: str | None = None) -> dict[str, list[str]]:
        """What `kubectl auth can-i --list` says that the account of `home` may do in the namespace, by resource."""
        who = f"system:serviceaccount:{home or namespace}:{account}"
        text = self.kubectl("auth", "can-i", "--list", "--namespace", namespace, "--as", who)
        found: dict[str, list[str]] = {}
        for line in text.splitlines()[1:]:
            row = re.fullmatch(r"(\S+)\s+\[\]\s+\[(.*?)\]\s+\[(.*)\]", line.strip())
            if row and not row[1].startswith("self"):
                found[row[1] + (f"/{row[2]}" if row[2] else "")] = sorted(row[3].split())
        return found


def _ready(pod: dict[str, Any]) -> dict[str, str]:
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
    return {"type": "Ready", "status": conditions.get("Ready", "False")}
