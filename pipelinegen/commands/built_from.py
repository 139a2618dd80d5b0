"""What each image was built from: by the options, the build's metadata, the CI system, and the checkout at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from pipelinegen.commands.ages import REVISION, commit_time
from pipelinegen.commands.asked import BumpOptions
from pipelinegen.edge.ci import CiContext, web_url
from pipelinegen.errors import InputError
from pipelinegen.images.metadata import BuiltImage
from pipelinegen.manifests.request import Request
from pipelinegen.trailers import Deployed


def built_from(
    options: BumpOptions, requests: Sequence[Request], built: Sequence[BuiltImage], ci: CiContext
) -> dict[str, Deployed]:
    """The origin of each requested image, by repository."""
    given = _given(options.source_revision)
    url = web_url(options.source_url)
    said = {image.reference.repository: image for image in built}
    found = {}
    for request in requests:
        image = said.get(request.repository)
        revision = given or _known(image.source_revision if image else None) or _known(ci.revision)
        created = _time(image.created if image else None)
        if created is None and revision is not None:
            created = commit_time(options.directory, revision)
        source = url or (image.source_url if image else None) or ci.source_url
        found[request.repository] = Deployed(request.reference, source, revision, created)
    return found


def _given(revision: str | None) -> str | None:
    if revision is None or _known(revision):
        return _known(revision)
    shown = ascii(revision)[1:-1][:60]
    raise InputError(
        f"{shown} is not the name of a commit",
        id="bad-config",
        where="--source-revision",
        next="give its hexadecimal name, which is what `git rev-parse HEAD` prints",
    )


def _known(revision: str | None) -> str | None:
    """A revision that can stand in a trailer, else None."""
    name = (revision or "").lower()
    return name if REVISION.fullmatch(name) else None


def _time(text: str | None) -> datetime | None:
    """A time of RFC 3339 to the second: builders write nanoseconds, which Python 3.10 does not read."""
    if text is None:
        return None
    second, zone = text[:19], re.sub(r"^(\.\d+)?", "", text[19:]).replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(second + zone)
    except ValueError:
        return None  # there is no such day; a build's clock is no reason not to deliver
