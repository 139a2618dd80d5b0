"""The images that --image names: by their name in pipelinegen.yaml, or by their repository."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelinegen.errors import InputError
from pipelinegen.images.reference import InvalidReference, parse

if TYPE_CHECKING:
    from pipelinegen.config import Config


def repositories_of(images: Sequence[str], config: Config | None) -> list[str]:
    """The repositories that are named, normalised, each once. Raises InputError."""
    return list(dict.fromkeys(_repository(image, config) for image in images))


def configured(config: Config | None) -> list[str]:
    """The repositories of all images of pipelinegen.yaml, normalised."""
    images = config.images.values() if config else ()
    return list(dict.fromkeys(parse(str(image.repository)).repository for image in images))


def _repository(image: str, config: Config | None) -> str:
    known = config.images.get(image) if config else None
    if known is not None:
        return parse(str(known.repository)).repository
    shown = image if image.isascii() and image.isprintable() and len(image) <= 200 else ascii(image[:200])[1:-1]
    try:
        reference = parse(image)
    except InvalidReference as error:
        raise InputError(
            f"{shown} is neither an image of pipelinegen.yaml nor a repository: {error.reason}",
            id="bad-image",
            where="--image",
            next="write the repository, or the name that pipelinegen.yaml gives it",
        ) from None
    if reference.tag is not None or reference.digest is not None:
        raise InputError(
            f"{shown} names a version, and which version is taken is found in the manifests",
            id="bad-image",
            where="--image",
            next=f"write {reference.familiar}",
        )
    return reference.repository
