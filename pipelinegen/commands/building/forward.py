"""Moving tags only go forward: ours goes where it stands for the newest commit of its branch, and not when late."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from pipelinegen.commands.building.source import Source

REMOTE_SECONDS = 30.0
CREATED = "org.opencontainers.image.created"


class Way(NamedTuple):
    """Whether a moving tag may be moved to our image. `certain`: the remote itself has said so."""

    forward: bool
    certain: bool
    why: str = ""


def way_of(source: Source) -> Way:
    """What the remote says now of the branch that is built. Asked as late as can be: builds take their time."""
    if source.head is None:
        return Way(True, True)
    at = _remote_head(source, source.head)
    if at is None:
        return Way(True, False, "the remote cannot be asked which commit is the newest")
    name = source.head.removeprefix("refs/heads/")
    ours = source.event.revision
    # A branch that the remote does not have yet has no newer commit either.
    if at in ("", ours) or source.application.contains(at):
        return Way(True, True)
    return Way(False, True, f"{name} is at {at[:12]} by now" + (f", and this is {ours[:12]}" if ours else ""))


def is_later(present: str | None, ours: datetime) -> bool:
    """Where the remote cannot be asked: whether an image that says when it was made was made after ours."""
    try:
        return present is not None and datetime.fromisoformat(present.replace("Z", "+00:00")) > ours
    except (ValueError, TypeError):
        return False


def _remote_head(source: Source, ref: str) -> str | None:
    """The commit at a ref of the remote, empty where there is no such ref, None where nobody tells."""
    asks: list[Callable[[], dict[str, str] | None]] = [
        lambda: source.application.remote_refs(ref),
        lambda: _with_token(source, ref),
    ]
    for ask in asks:
        refs = ask()
        if refs is not None:
            return refs.get(ref, "")
    return "" if source.application.origin() is None and source.ci.kind == "none" else None


def _with_token(source: Source, ref: str) -> dict[str, str] | None:
    """With the job's own token: checkouts often keep no login. PIPELINEGEN_TOKEN is for another repository's host."""
    from pipelinegen.edge.ci import forge_token, forge_user
    from pipelinegen.edge.git.address import parse_address
    from pipelinegen.edge.git.askpass import Credentials
    from pipelinegen.edge.git.remote import RemoteRepository
    from pipelinegen.errors import PipelinegenError

    kind, url = source.ci.kind, source.ci.source_url
    own = {name: value for name, value in os.environ.items() if name != "PIPELINEGEN_TOKEN"}
    token = forge_token(kind, own)
    if token is None or url is None or not url.startswith("https://"):
        return None
    try:
        with RemoteRepository(parse_address(url), Credentials(forge_user(kind, own), token)) as remote:
            return remote.refs(ref, seconds=REMOTE_SECONDS)
    except PipelinegenError:
        return None
