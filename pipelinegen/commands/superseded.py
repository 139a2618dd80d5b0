"""Whether what is deployed was built from something newer than ours: a pipeline that finishes late never wins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Set
from typing import NamedTuple

from pipelinegen.commands.ages import compare, same_revision, tag_of
from pipelinegen.images.reference import InvalidReference, parse
from pipelinegen.manifests.plan import Edit
from pipelinegen.manifests.request import Request
from pipelinegen.trailers import Deployed, newest, read_trailers

_DIGEST = re.compile(r"\w+:[0-9a-f]{32,}", re.ASCII)


class Superseded(NamedTuple):
    """An image whose deployed build is newer than ours, and how that is known."""

    repository: str
    reason: str
    by: Deployed | None = None


def _silent(_: str) -> None:
    """Tell nobody."""


def superseded(
    request: Request,
    ours: Deployed | None,
    messages: Sequence[str],
    checkout: str,
    tell: Callable[[str], None] = _silent,
) -> Superseded | None:
    """Compare our build with the newest one that the commits (newest first) say was deployed.

    By ancestry of the source revisions in the application's checkout; else by creation time; else by semver. `tell` is
    told where it was not by ancestry that ours may go on.
    """
    theirs = newest(messages, request.repository)
    if theirs is None or ours is None or ours.revision is None:
        return None
    verdict = compare(theirs, ours, request, checkout)
    if verdict.newer:
        return Superseded(request.repository, verdict.reason, theirs)
    if not verdict.sure:
        tell(verdict.reason)
    return None


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
            reason = f"{tag_of(undone.image) or undone.image} was rolled back, and ours is not newer than that"
            return Superseded(request.repository, reason)
    return None


def _is_behind(undone: Deployed, request: Request, ours: Deployed, checkout: str) -> bool:
    """Whether our build is the one that was taken away, or older; by semver where it says nothing of its source."""
    from pipelinegen.images.versions import is_lower

    if _is_ours(undone, request, ours) or compare(undone, ours, request, checkout).newer:
        return True
    tag = tag_of(undone.image)
    unknown = undone.revision is None or ours.revision is None
    return unknown and request.tag is not None and tag is not None and is_lower(request.tag, tag) is True


def concerning(messages: Iterable[str], environment: str | None) -> list[str]:
    """The messages about an environment; one that names none may be about any."""
    if environment is None:
        return list(messages)
    return [message for message in messages if environment in (read_trailers(message).environments or (environment,))]


def since_standing(messages: Sequence[str], repository: str, versions: Set[str]) -> Sequence[str]:
    """The messages (newest first) from the one on that put in place what stands there: one of these tags and digests.

    Newer ones are about other places: with staging at 1.3, production may still go from 1.1 to 1.2. None where nobody
    says who put it there.
    """
    for place, message in enumerate(messages):
        deployed = read_trailers(message).of(repository)
        if deployed is not None and not versions.isdisjoint(_named_by(deployed.image)):
            return messages[place:]
    return ()


def versions_at(edits: Iterable[Edit], repository: str) -> frozenset[str]:
    """The tags and digests of an image that stand where a plan would change it."""
    own = (edit.before for edit in edits if edit.repository == repository)
    return frozenset(version for before in own for version in _versions(before))


def _versions(before: str) -> list[str]:
    """The tag and the digest of a value as it stood: a whole reference, TAG, TAG@DIGEST or a digest alone."""
    name, at, digest = before.partition("@")
    if not at and _DIGEST.fullmatch(before):
        return [before]
    last = name.rpartition("/")[2]
    _, colon, tag = last.rpartition(":")
    versions = [tag] if colon or "/" not in name else []
    return [version for version in (*versions, digest) if version]


def _named_by(image: str) -> frozenset[str]:
    try:
        reference = parse(image)
    except InvalidReference:
        return frozenset()
    return frozenset(version for version in (reference.tag, reference.digest) if version)


def _is_ours(theirs: Deployed, request: Request, ours: Deployed) -> bool:
    if ours.revision is not None and theirs.revision is not None:
        return same_revision(ours.revision, theirs.revision)
    try:
        named = parse(theirs.image)
    except InvalidReference:
        return False
    if request.digest is not None and named.digest is not None:
        return request.digest == named.digest
    return request.tag is not None and request.tag == named.tag
