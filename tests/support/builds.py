"""Images to build, for tests: values as the configuration and a build make them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from pipelinegen.commands.building.asked import Wanted
from pipelinegen.commands.building.made import Made, Result
from pipelinegen.commands.building.source import Source
from pipelinegen.config.images import Image
from pipelinegen.edge.ci import CiContext
from pipelinegen.edge.git.application import Application
from pipelinegen.images.reference import parse
from pipelinegen.images.tag_rules import Event
from pipelinegen.images.tags import TagPlan, plan_tags

REVISION = "90dd6032fac8bda1b6c4436a2e65de27961ed071"
CREATED = dt.datetime(2026, 3, 7, 15, 4, 9, tzinfo=dt.timezone.utc)
DIGEST = "sha256:" + "ab" * 32


def wanted(name: str = "api", **values: Any) -> Wanted:
    """An image of a configuration, with these keys of it."""
    image = Image.model_validate({"repository": f"ghcr.io/acme/{name}", **values})
    return Wanted(
        name=name,
        image=image,
        repository=parse(image.repository),
        mirrors=tuple(map(parse, image.mirrors)),
        context=Path("services", name),
        dockerfile=Path("services", name, "Dockerfile"),
        platforms=image.platforms,
        tags=image.tags,
        build_args=image.build_args,
        place=f"pipelinegen.yaml:5:3 ({name})",
    )


def source(ref: str = "refs/heads/main", **values: Any) -> Source:
    event = Event(ref, REVISION, default_branch="main", now=CREATED, committed=CREATED)
    known = {"url": "https://github.com/acme/shop", "revision": REVISION, "created": CREATED, "title": "shop"}
    return Source(event, CiContext(), Application("."), **{**known, **values})


def made(name: str = "api", result: Result = "built", *, ref: str = "refs/heads/main", **values: Any) -> Made:
    """An image that holds all the tags that its rules give."""
    image = wanted(name, tags=("type=ref,event=branch", "type=sha"))
    plan: TagPlan = plan_tags(image.tags, source(ref).event)
    tags = tuple(tag.name for tag in plan.tags) if result != "unpushed" else ()
    return Made(image, result, DIGEST, tags, plan, **values)
