"""What people create in Jenkins: plugins, a multibranch project, agents, credentials, and who may approve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import Pipeline
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.jenkins import PLUGINS
from pipelinegen.pipelines.rendering.jenkins_values import credential_kind, credentials_id
from pipelinegen.pipelines.setup.held import Held, held, local_file, rights_of


def section(application: Application, pipelines: Sequence[Pipeline]) -> str:
    kept = held(pipelines, lambda _, credential: credential.environment or "")
    approvers = {
        job.environment.name: ", ".join(job.environment.reviewers)
        for pipeline in pipelines
        for job in pipeline.jobs
        if job.environment is not None and job.environment.approval and job.environment.action == "deploy"
    }
    values = [value for one in kept for value in _values(one)]
    plugins = [*PLUGINS, *(["github-branch-source"] if any(one["kind"] == "GitHub App" for one in values) else [])]
    return render(
        "setup/jenkins.md.j2",
        values=values,
        plugins=" ".join(plugins),
        approvers=list(approvers.items()),
        deploys=any(job.lock for pipeline in pipelines for job in pipeline.jobs),
        history=application.versions,
        paths=application.paths,
        project=application.project,
        runner=next(iter(pipelines)).runner,
    )


def _values(one: Held) -> Iterator[dict[str, Any]]:
    credential = one.credential
    if not credential.stored:
        return
    kind = credential_kind(credential)
    whole = kind in ("GitHub App", "Username with password", "SSH Username with private key")
    for part in ("",) if whole else credential.parts or ("",):
        yield {
            "id": credentials_id(credential, part),
            "kind": kind,
            "file": local_file(credential) if credential.file else "",
            "rights": rights_of(one),
            "whys": "; ".join(one.whys),
        }
