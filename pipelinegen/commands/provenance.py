"""What is known of the builds of image versions that stand in the manifests: the newest commit that put them there."""

from __future__ import annotations

from collections.abc import Sequence

from pipelinegen.images.reference import InvalidReference, parse
from pipelinegen.manifests.request import Request
from pipelinegen.trailers import Deployed, read_trailers


def origins_of(requests: Sequence[Request], messages: Sequence[str]) -> dict[str, Deployed]:
    """For each repository what its version was built from, as the newest of the messages (newest first) says."""
    found = {}
    for request in requests:
        said = origin_of(request, messages)
        if said is not None and said.revision is not None:
            found[request.repository] = said
    return found


def origin_of(request: Request, messages: Sequence[str]) -> Deployed | None:
    """What the newest message that deploys this very version says of its build; None where none does."""
    for message in messages:
        said = read_trailers(message).of(request.repository)
        if said is not None and _is_version(said.image, request):
            return Deployed(request.reference, said.source_url, said.revision, said.created)
    return None


def _is_version(image: str, request: Request) -> bool:
    try:
        named = parse(image)
    except InvalidReference:
        return False
    pairs = [(request.tag, named.tag), (request.digest, named.digest)]
    known = [(mine, said) for mine, said in pairs if mine is not None and said is not None]
    return bool(known) and all(mine == said for mine, said in known)
