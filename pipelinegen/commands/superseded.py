"""Whether what is deployed was built from something newer than ours: a pipeline that finishes late never wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from pipelinegen.edge.process import capture
from pipelinegen.images.reference import InvalidReference, parse
from pipelinegen.images.versions import is_lower
from pipelinegen.manifests.request import Request
from pipelinegen.trailers import Deployed, newest, read_trailers


class Superseded(NamedTuple):
    """An image whose deployed build is newer than ours, and how that is known."""

    repository: str
    reason: str


def superseded(request: Request, ours: Deployed | None, messages: Sequence[str], checkout: str) -> Superseded | None:
    """Compare our build with the newest one that the commits (newest first) say was deployed.

    By ancestry of the source revisions in the application's checkout; else by creation time; else by semver.
    """
    theirs = newest(messages, request.repository)
    reason = _newer(theirs, request, ours, checkout) if theirs is not None and ours is not None else None
    return Superseded(request.repository, reason) if reason else None


def rolled_back(request: Request, ours: Deployed, messages: Sequence[str], checkout: str) -> Superseded | None:
    """Whether a rollback took our build, or a newer one, out of place: only a build that is newer still may go there.

    A pipeline that runs again must not undo what a person decided.
    """
    for message in messages:
        trailers = read_trailers(message)
        deployed = trailers.of(request.repository)
        if deployed is not None and _is_ours(deployed, request, ours):
            return None  # it was put in place again since
        undone = trailers.taken_back(request.repository)
        if undone is not None and _is_behind(undone, request, ours, checkout):
            reason = f"{_tag(undone.image) or undone.image} was rolled back, and ours is not newer than that"
            return Superseded(request.repository, reason)
    return None


def _is_behind(undone: Deployed, request: Request, ours: Deployed, checkout: str) -> bool:
    """Whether our build is the one that was taken away, or older; by semver where it says nothing of its source."""
    if _is_ours(undone, request, ours) or _newer(undone, request, ours, checkout):
        return True
    tag = _tag(undone.image)
    unknown = undone.revision is None or ours.revision is None
    return unknown and request.tag is not None and tag is not None and is_lower(request.tag, tag) is True


def concerning(messages: Iterable[str], environment: str | None) -> list[str]:
    """The messages about an environment; one that names none may be about any."""
    if environment is None:
        return list(messages)
    return [message for message in messages if environment in (read_trailers(message).environments or (environment,))]


def _is_ours(theirs: Deployed, request: Request, ours: Deployed) -> bool:
    if ours.revision is not None and theirs.revision is not None:
        return _same(ours.revision, theirs.revision)
    try:
        named = parse(theirs.image)
    except InvalidReference:
        return False
    if request.digest is not None and named.digest is not None:
        return request.digest == named.digest
    return request.tag is not None and request.tag == named.tag


def _newer(theirs: Deployed, request: Request, ours: Deployed, checkout: str) -> str | None:
    """Why their build is newer than ours; None where it is not, or where nothing can be said."""
    if ours.revision is None or theirs.revision is None or _same(ours.revision, theirs.revision):
        return None
    older = is_ancestor(checkout, ours.revision, theirs.revision)
    if older is not None:
        reason = f"{theirs.revision[:12]} stands there, which descends from our {ours.revision[:12]}"
        return reason if older else None
    if ours.created is not None and theirs.created is not None and ours.created != theirs.created:
        reason = (
            f"the deployed build is of {theirs.created:%Y-%m-%d %H:%M:%SZ}, ours of {ours.created:%Y-%m-%d %H:%M:%SZ}"
        )
        return f"{reason} (their revisions cannot be compared here)" if ours.created < theirs.created else None
    deployed = _tag(theirs.image)
    if request.tag and deployed and is_lower(request.tag, deployed):
        return f"{deployed} stands there, which is higher than {request.tag} (revisions and times cannot be compared)"
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
