"""Which of two builds of an image is newer, and how that is known: by ancestry of the sources, by time, by version."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from typing import NamedTuple

from pipelinegen.edge.process import Completed, capture, environment
from pipelinegen.errors import WorldError
from pipelinegen.images.reference import InvalidReference, parse
from pipelinegen.images.versions import is_lower
from pipelinegen.manifests.request import Request
from pipelinegen.trailers import Deployed

SECONDS = 60.0
REVISION = re.compile("[0-9a-f]{7,64}")


class Verdict(NamedTuple):
    """How a build that is deployed stands to ours. newer: whether it is the newer one; None: nothing tells.

    sure: by ancestry, and not by something that only mostly agrees with it.
    """

    newer: bool | None
    reason: str
    sure: bool = False


def compare(theirs: Deployed, ours: Deployed, request: Request, checkout: str) -> Verdict:
    """Theirs against ours, which is what the request asks for. The checkout is one of the application, or none."""
    if ours.revision is None:
        return Verdict(None, "nothing is known of our source")
    why = "nothing is said of its source"
    if theirs.revision is not None:
        if same_revision(ours.revision, theirs.revision):
            return Verdict(False, f"both are of {ours.revision[:12]}", sure=True)
        older, why = is_ancestor(checkout, ours.revision, theirs.revision)
        if older is not None:
            one, other = ours.revision[:12], theirs.revision[:12]
            text = (
                f"{other} stands there, which descends from our {one}" if older else f"our {one} descends from {other}"
            )
            return Verdict(older, text, sure=True)
    return _by_time(theirs, ours, why) or _by_version(theirs, request, why)


def _by_time(theirs: Deployed, ours: Deployed, why: str) -> Verdict | None:
    if ours.created is None or theirs.created is None or ours.created == theirs.created:
        return None
    times = f"the deployed build is of {theirs.created:%Y-%m-%d %H:%M:%SZ}, ours of {ours.created:%Y-%m-%d %H:%M:%SZ}"
    return Verdict(ours.created < theirs.created, f"{times} (by time, since {why})")


def _by_version(theirs: Deployed, request: Request, why: str) -> Verdict:
    deployed = tag_of(theirs.image)
    lower = is_lower(request.tag, deployed) if request.tag and deployed else None
    if lower is None:
        return Verdict(None, f"nothing tells whether {deployed or theirs.image} is newer: {why}, and no time is known")
    relation = "higher" if lower else "not higher"
    text = f"{deployed} stands there, which is {relation} than {request.tag} (by version, since {why})"
    return Verdict(lower, text)


def is_ancestor(checkout: str, older: str, newer: str) -> tuple[bool | None, str]:
    """Whether `newer` descends from `older`; None with the reason where the checkout cannot tell."""
    if _succeeds(checkout, "merge-base", "--is-ancestor", older, newer):
        return True, ""
    if _succeeds(checkout, "merge-base", "--is-ancestor", newer, older):
        return False, ""
    unknown = [name[:12] for name in (older, newer) if not _succeeds(checkout, "cat-file", "-e", f"{name}^{{commit}}")]
    if unknown:
        return None, f"this checkout does not know {' and '.join(unknown)}"
    done = _git(checkout, "rev-parse", "--is-shallow-repository")
    if done is None or done.stdout.strip() != b"false":
        return None, "this checkout is shallow"
    return None, "neither descends from the other"


def commit_time(checkout: str, revision: str) -> datetime | None:
    """When the commit was made, where the checkout knows it."""
    if not REVISION.fullmatch(revision):
        return None
    # Not `git show`: with log.showSignature it runs whatever program the user's configuration names.
    done = _git(checkout, "rev-list", "--max-count=1", "--timestamp", revision, "--")
    text = done.stdout.decode("ascii", "replace").split(" ")[0] if done is not None and done.returncode == 0 else ""
    return datetime.fromtimestamp(int(text), timezone.utc) if text.isdigit() else None


def same_revision(one: str, other: str) -> bool:
    """Whether two revisions are one, of which either may be shortened."""
    shorter = min(len(one), len(other))
    return shorter >= 7 and one[:shorter] == other[:shorter]


def tag_of(image: str) -> str | None:
    """The tag of a reference, if it is one and has one."""
    try:
        return parse(image).tag
    except InvalidReference:
        return None


def _succeeds(checkout: str, *arguments: str) -> bool:
    done = _git(checkout, *arguments)
    return done is not None and done.returncode == 0


def _git(checkout: str, *arguments: str) -> Completed | None:
    # No protocol: a commit that a partial clone lacks must not be fetched with somebody's credentials.
    own = environment(GIT_ALLOW_PROTOCOL="none", GIT_NO_LAZY_FETCH="1", GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0")
    try:
        return capture(["git", "-C", os.path.abspath(checkout), *arguments], env=own, timeout=SECONDS)
    except WorldError as error:
        if error.id == "timeout":
            return None
        raise
