"""Check whether the agent is in the cluster, where a kubeconfig is at hand; pipelinegen itself needs none."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from pipelinegen.commands.checking.finding import Finding
from pipelinegen.edge.process import NETWORK_VARIABLES, capture, environment
from pipelinegen.errors import WorldError

if TYPE_CHECKING:
    from pipelinegen.config import Config

_KINDS = {"argocd": "applications.argoproj.io", "flux": "kustomizations.kustomize.toolkit.fluxcd.io"}
_INSTALL = {
    "argocd": "install Argo CD: https://argo-cd.readthedocs.io/en/stable/getting_started/",
    "flux": "flux bootstrap: https://fluxcd.io/flux/installation/",
}
SECONDS = 10.0


def finding(config: Config | None) -> Finding:
    name = (config.pipelines.pull.agent if config is not None else None) or "argocd"
    home = os.path.expanduser("~/.kube/config")
    if shutil.which("kubectl") is None or not ("KUBECONFIG" in os.environ or os.path.exists(home)):
        return Finding("agent", "unsure", f"whether {name} is in the cluster is not known: no kubeconfig is at hand")
    own = environment(*NETWORK_VARIABLES, "KUBECONFIG", "HOME", "PATH")
    try:
        done = capture(["kubectl", "get", "crd", _KINDS[name], "--request-timeout=8s"], env=own, timeout=SECONDS)
    except WorldError as error:
        return Finding("agent", "unsure", f"the cluster was not reached: {error.what}")
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 0:
        return Finding("agent", "ok", f"{name} is in the cluster")
    if any("NotFound" in line for line in said):
        return Finding("agent", "bad", f"the cluster has no {_KINDS[name]}: {name} is not installed", _INSTALL[name])
    return Finding("agent", "unsure", f"the cluster was not reached: {said[-1] if said else 'kubectl failed'}")
