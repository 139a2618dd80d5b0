"""The accounts behind the credentials: in clusters, on hosts, at registries, with the commands that make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelinegen.markdown import span
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers.kubernetes import ACCOUNT, SETUP
from pipelinegen.pipelines.model import Pipeline
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.setup.held import Held, held, local_file, made_elsewhere

# Deployers whose files hold an account with its rights, for an administrator to apply.
WITH_ACCOUNT = ("kubectl", "helm", "kustomize", "terraform")


def sections(application: Application, pipelines: Sequence[Pipeline]) -> Iterator[str]:
    """One section, or none where no job has a credential that must be made somewhere else."""
    stored = [one for one in held(pipelines, lambda _, credential: credential.environment or "") if made_elsewhere(one)]
    deployers = list(dict.fromkeys(each.deployer for each in pipelines if each.deployer in WITH_ACCOUNT))
    namespaces = {each.name: each.namespace for each in application.environments}
    clusters = {each.name: each.cluster for each in application.environments}
    entries = [
        {
            "name": one.credential.name,
            "kind": one.credential.kind,
            "target": one.credential.target,
            "environment": one.credential.environment or "",
            "rights": [{"users": users if len(one.rights) > 1 else "", "words": words} for users, words in one.rights],
            "whys": "; ".join(one.whys),
            "file": local_file(one.credential),
            "namespace": namespaces.get(one.credential.environment or "", ""),
            "cluster": clusters.get(one.credential.environment or "") or "",
            "files": _account_files(one, deployers),
        }
        for one in stored
    ]
    registries = ", ".join(map(span, application.registries))
    if entries:
        yield render("setup/accounts.md.j2", entries=entries, account=ACCOUNT, registries=registries)


def _account_files(one: Held, deployers: Sequence[str | None]) -> list[str]:
    if one.credential.kind != "kubeconfig" or one.credential.environment is None:
        return []
    return [f"deploy/{deployer}/{SETUP.format(env=one.credential.environment)}" for deployer in deployers]
