"""Why a registry does not take an image, and what a person does about it, in the words of that registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelinegen.edge.registry.answers import error_codes, lacks_repository, refused, words
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError
from pipelinegen.images.reference import DOCKER_HUB, ImageReference

if TYPE_CHECKING:
    import requests

_RIGHTS = {
    DOCKER_HUB: "an access token with Read & Write, of a member who may push to the repository",
    "ghcr.io": "write:packages (in GitHub Actions: permissions: packages: write), and write access to the package",
}


def not_taken(
    repository: ImageReference, answer: requests.Response, source: str | None, asked: str
) -> PipelinegenError:
    """The error of an answer that refuses a push. `source`: where the credential is from that was shown."""
    status, said, codes = answer.status_code, words(answer.content), error_codes(answer.content)
    where = repository.registry
    details = [said] if said else []
    if status == 401 and source is None:
        return NotPermitted(
            f"the registry takes no image into {repository} without a login, and no credential for it was found",
            id="no-token",
            where=where,
            next=f"log in (docker login {where}), or set PIPELINEGEN_REGISTRY_USERNAME and _PASSWORD",
            details=details,
        )
    if status in (401, 403):
        return NotPermitted(
            f"the credential of {source} may not push to {repository}"
            if source
            else f"nobody may push to {repository}",
            id="scope-missing",
            where=where,
            next=f"give it the right to push: {_right(where)}",
            details=details,
        )
    if status == 404 and (lacks_repository(codes) or not codes):
        return InputError(
            f"the registry has no repository {repository.path}, and makes none by itself",
            id="bad-image",
            where=str(repository),
            next="check the name, or create it there first (a project, a group, a repository key), then push again",
            details=details,
        )
    error = refused(where, status, asked, said)
    if status == 405 or "UNSUPPORTED" in codes:
        error.next = "this address may be a mirror or a proxy, which takes no images: push to the registry behind it"
    if status == 413:
        error.next = "let the proxy before the registry pass larger requests (nginx: client_max_body_size 0)"
    return error


def _right(registry: str) -> str:
    if registry in _RIGHTS:
        return _RIGHTS[registry]
    if "gitlab" in registry:
        return "write_registry (a deploy token, or the CI_JOB_TOKEN of a job of that project)"
    return "push, write or deploy, as the registry calls it"
