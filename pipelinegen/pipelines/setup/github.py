"""What people create at GitHub: an app, environments with their rules, secrets and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from pipelinegen.markdown import span
from pipelinegen.pipelines.agents.place import place_of
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import Deployment, Pipeline
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.github.credentials import DELIVERY, environment_of, stored
from pipelinegen.pipelines.setup.held import Held, held, local_file, rights_of

_USER = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_TEAM = rf"({_USER})/([A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"


def section(application: Application, pipelines: Sequence[Pipeline]) -> str:
    kept = [one for one in held(pipelines, lambda job, _: environment_of(job) or "") if stored(one.credential)]
    apps = {one.credential.name: one for one in kept if one.credential.kind == "app"}
    return render(
        "setup/github.md.j2",
        apps=[_app(one, kept) for one in apps.values()],
        root=place_of(application.manifests).root,
        owner=quote(application.manifests.path.partition("/")[0]),
        environments=list(_environments(pipelines)),
        branches=(branches := list(dict.fromkeys(name for each in pipelines for name in each.triggers.branches))),
        branch_list=", ".join(map(span, branches)),
        tags=(tags := list(dict.fromkeys(name for each in pipelines for name in each.triggers.tags))),
        tag_list=", ".join(map(span, tags)),
        values=[value for one in kept for value in _values(one)],
    )


def _app(one: Held, kept: Sequence[Held]) -> dict[str, Any]:
    grants: dict[str, str] = {}
    for each in kept:
        if each.credential.name == one.credential.name:
            for grant in each.grants:
                grants[grant.scope] = "write" if "write" in (grant.level, grants.get(grant.scope)) else "read"
    return {
        "name": one.credential.name,
        "repository": one.credential.repository,
        "grants": list(grants.items()),
        "file": local_file(one.credential),
    }


def _environments(pipelines: Sequence[Pipeline]) -> Iterator[dict[str, Any]]:
    """Each once, those that deploy after those that they look at."""
    seen: dict[str, Deployment | None] = {}
    for pipeline in pipelines:
        for job in pipeline.jobs:
            name = environment_of(job)
            if name is not None:
                seen.setdefault(name, job.environment)
    for name, deployment in seen.items():
        looks = deployment is not None and deployment.action == "look"
        asked = deployment is not None and deployment.approval and not looks
        reviewers = deployment.reviewers if deployment is not None and asked else ()
        yield {
            "name": name,
            "looks": looks,
            "delivery": name == DELIVERY,
            "approval": asked,
            "reviewers": [found for each in reviewers if (found := _reviewer(each))],
            "shown": ", ".join(reviewers) or "nobody is named: name at least one, at Settings, Environments",
        }


def _reviewer(name: str) -> dict[str, str] | None:
    """How GitHub's API is asked for the number of a user or team."""
    team = re.fullmatch(_TEAM, name.removeprefix("@"))
    if team:
        return {"type": "Team", "path": f"orgs/{team[1]}/teams/{team[2]}"}
    user = re.fullmatch(_USER, name.removeprefix("@"))
    return {"type": "User", "path": f"users/{user[0]}"} if user else None


def _values(one: Held) -> Iterator[dict[str, Any]]:
    for each in stored(one.credential):
        key = f"{local_file(one.credential)}.pem" if one.credential.kind == "app" and each.secret else ""
        yield {
            "name": each.name,
            "place": one.place,
            "secret": each.secret,
            "file": local_file(one.credential) if one.credential.file else key,
            "rights": rights_of(one),
            "whys": "; ".join(one.whys),
        }
