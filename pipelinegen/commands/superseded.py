"""Whether what is deployed was built from something newer than ours: a pipeline that finishes late never wins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from pipelinegen.edge.process import capture
from pipelinegen.images.reference import InvalidReference, parse
from pipelinegen.images.versions import is_lower
from pipelinegen.manifests.request import Request
from pipelinegen.trailers import Deployed, newest


class Superseded(NamedTuple):
    """An image whose deployed build is newer than ours, and how that is known."""

    repository: str
    reason: str


def superseded(request: Request, ours: Deployed | None, messages: Sequence[str], checkout: str) -> Superseded | None:
    """Compare our build with the newest one that the commits (newest first) say was deployed.

    By ancestry of the source revisions in the application's checkout; else by creation time; else by semver.
    """
    theirs = newest(messages, request.repository)
    if theirs is None or ours is None or ours.revision is None or theirs.revision is None:
        return None
    if _same(ours.revision, theirs.revision):
        return None
    older = is_ancestor(checkout, ours.revision, theirs.revision)
    if older is not None:
        reason = f"{theirs.revision[:12]} is deployed, which descends from our {ours.revision[:12]}"
        return Superseded(request.repository, reason) if older else None
    if ours.created is not None and theirs.created is not None and ours.created != theirs.created:
        reason = (
            f"the deployed build is of {theirs.created:%Y-%m-%d %H:%M:%SZ}, ours of {ours.created:%Y-%m-%d %H:%M:%SZ}"
        )
        by_time = f"{reason} (their revisions cannot be compared here)"
        return Superseded(request.repository, by_time) if ours.created < theirs.created else None
    deployed = _tag(theirs.image)
    if request.tag and deployed and is_lower(request.tag, deployed):
        reason = f"{deployed} is deployed, which is higher than {request.tag} (revisions and times cannot be compared)"
        return Superseded(request.repository, reason)
    return None


def is_ancestor(checkout: str, older: str, newer: str) -> bool | None:
    """Whether `newer` descends from `older`; None where the checkout cannot tell (unknown commits, cut history)."""
    if _git(checkout, "merge-base", "--is-ancestor", older, newer) == 0:
        return True
    if _git(checkout, "merge-base", "--is-ancestor", newer, older) == 0:
        return False
    both = all(_git(checkout, "cat-file", "-e", f"{revision}^{{commit}}") == 0 for revision in (older, newer))
    shallow = capture(["git", "rev-parse", "--is-shallow-repository"], cwd=checkout).stdout.strip() != b"false"
    return None if shallow or not both else False


def commit_time(checkout: str, revision: str) -> datetime | None:
    """When the commit was made, where the checkout knows it."""
    done = capture(["git", "show", "--no-patch", "--format=%ct", f"{revision}^{{commit}}", "--"], cwd=checkout)
    text = done.stdout.decode("ascii", "replace").strip()
    return datetime.fromtimestamp(int(text), timezone.utc) if done.returncode == 0 and text.isdigit() else None


def _git(checkout: str, *arguments: str) -> int:
    return capture(["git", *arguments], cwd=checkout).returncode


def _same(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    return shorter >= 7 and one[:shorter] == other[:shorter]


def _tag(image: str) -> str | None:
    try:
        return parse(image).tag
    except InvalidReference:
        return None
