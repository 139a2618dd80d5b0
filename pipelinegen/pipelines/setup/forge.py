"""The rules of the manifest repository at its forge: who may change what, and after which checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from pipelinegen.pipelines.agents.place import place_of
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import Pipeline
from pipelinegen.pipelines.rendering.engine import render


def sections(application: Application, pipelines: Sequence[Pipeline]) -> Iterator[str]:
    """One, where the repository has a forge that knows rules."""
    place = place_of(application.manifests)
    if place.forge == "none":
        return
    pushed = [each.name for each in application.environments if each.deliver in ("push", "commit")]
    apps = any(one.kind == "app" for each in pipelines for job in each.jobs for one in job.credentials)
    yield render(
        "setup/repository.md.j2",
        forge=place.forge,
        path=place.path,
        host=place.host,
        enterprise=place.enterprise,
        page=place.page,
        encoded=place.encoded,
        branch=place.branch or "",
        branch_encoded=quote(place.branch or "", safe=""),
        ref=f"refs/heads/{place.branch}" if place.branch else "~DEFAULT_BRANCH",
        pushed=", ".join(pushed),
        app=apps and bool(pushed),
    )
