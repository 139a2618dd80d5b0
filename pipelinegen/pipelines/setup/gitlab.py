"""What people create at GitLab: variables, protected environments, branches and tags, and schedules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import Pipeline
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.gitlab_jobs import environment_name
from pipelinegen.pipelines.rendering.gitlab_scripts import variable_name
from pipelinegen.pipelines.setup.held import Held, held, local_file, rights_of, user_of


def section(application: Application, pipelines: Sequence[Pipeline]) -> str:
    kept = held(
        pipelines, lambda job, credential: (environment_name(job) or "") if credential.environment is not None else ""
    )
    approved = {
        job.environment.name: job.environment
        for pipeline in pipelines
        for job in pipeline.jobs
        if job.environment is not None and job.environment.approval and job.environment.action == "deploy"
    }
    return render(
        "setup/gitlab.md.j2",
        values=[value for one in kept for value in _values(one)],
        unprotected=any(one.change and one.credential.stored for one in kept),
        environments=[
            {"name": name, "shown": ", ".join(deployment.reviewers) or "nobody is named"}
            for name, deployment in approved.items()
        ],
        branches=list(dict.fromkeys(name for each in pipelines for name in each.triggers.branches)),
        tags=list(dict.fromkeys(name for each in pipelines for name in each.triggers.tags)),
        schedules=list(_schedules(pipelines)),
        runner=next(iter(pipelines)).runner,
        ref=application.branches[0],
    )


def _values(one: Held) -> Iterator[dict[str, Any]]:
    """Parts of an identity are addresses and names: no secrets, but they differ by environment."""
    credential = one.credential
    if credential.kind == "job-token" or (credential.kind == "oidc" and not credential.parts):
        return
    for part in credential.parts or ("",):
        # GitLab masks single lines alone, https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable
        options = ["--type file"] if credential.file else ["--raw"]
        options += ["--masked"] if not credential.file and credential.kind != "oidc" and part != "username" else []
        options += [] if one.change else ["--protected"]
        yield {
            "name": variable_name(credential, part),
            "place": one.place,
            "file": local_file(credential) if credential.file else "",
            "options": " ".join(options),
            "kind": _kind(credential.file, one.change, "--masked" in options),
            "rights": rights_of(one),
            "whys": "; ".join(one.whys),
        }


def _kind(file: bool, change: bool, masked: bool) -> str:
    words = ["file" if file else "variable", *(["masked"] if masked else []), *([] if change else ["protected"])]
    return ", ".join(words)


def _schedules(pipelines: Sequence[Pipeline]) -> Iterator[dict[str, str]]:
    """One for each time: every pipeline of a repository has the same schedules."""
    times: dict[str, list[str]] = {}
    for pipeline in pipelines:
        if pipeline.triggers.schedule:
            users = times.setdefault(pipeline.triggers.schedule, [])
            users.append(user_of(pipeline))
    return ({"cron": cron, "users": "; ".join(users)} for cron, users in times.items())
