"""`--verify-image` and `--pin-digest`: what the registry's answer means for a command that is about to use an image."""

from __future__ import annotations

from pipelinegen.edge.registry.client import Found, Missing, Registry, Tags, Unknown
from pipelinegen.errors import InputError, NotPermitted, Refused, WorldError
from pipelinegen.images.reference import ImageReference

NEAR_TAGS = 3
NEAR_PAGES = 3


def verify(reference: ImageReference, registry: Registry) -> Found | Unknown:
    """Found: the image is there, and a tag that was given with a digest holds just that image.

    Unknown is for the command to judge. Where verification is only the default ("when the registry answers"), it is a
    note: `unknown.reason`; where it was asked for by --verify-image, the command fails with `unknown.error`, which is
    exit 4 for a missing right and 3 for the rest.

    A missing image is an InputError (exit 2), not a Refused: no rule of ours forbids it, the reference as typed names
    nothing, just like one that occurs in no manifest; and the nearest tags are told alike. It is no WorldError, since
    a retry of the same command is of no use. A tag that holds another image than the digest beside it is Refused
    (exit 1), as the contract says of a fixed tag that holds something else.
    """
    if reference.tag is None or reference.digest is None:
        found = registry.exists(reference)
        return _present(found, reference, registry)
    tagged = reference._replace(digest=None)
    found = _present(registry.exists(tagged), tagged, registry)
    if isinstance(found, Unknown) or found.digest == reference.digest:
        return found
    return _within(found, tagged, reference.digest, registry)


def pin(reference: ImageReference, registry: Registry) -> str:
    """The digest to write for a reference; a digest that it has already is verified. Unknown is an error here."""
    found = verify(reference, registry)
    if isinstance(found, Unknown):
        raise found.error
    return found.digest


def _within(found: Found, tagged: ImageReference, digest: str, registry: Registry) -> Found | Unknown:
    """A tag of several platforms holds the digest of each too; and a digest may be the sha512 of the same bytes."""
    try:
        manifest = registry.manifest(tagged)
        if isinstance(manifest, Missing):
            raise _missing(manifest, tagged, registry)
        if digest == manifest.digest_by(digest.partition(":")[0]) or manifest.holds(digest):
            return Found(digest, found.media_type)
        elsewhere = registry.exists(tagged._replace(tag=None, digest=digest))
    except (NotPermitted, WorldError) as error:
        if error.id == "digest-mismatch":
            raise
        return Unknown(error)
    state = (
        "is in the repository, under another tag or none"
        if isinstance(elsewhere, Found)
        else "is not in the repository"
    )
    raise Refused(
        f"the tag {tagged.tag} holds another image than the digest that was given with it",
        id="tag-holds-other-content",
        where=str(tagged),
        details=[f"given:    {digest}, which {state}", f"registry: {manifest.digest}"],
        next="give the digest of this build's image and its own tag, or only one of the two",
    )


def _present(found: Found | Missing | Unknown, reference: ImageReference, registry: Registry) -> Found | Unknown:
    if isinstance(found, Missing):
        raise _missing(found, reference, registry)
    return found


def _missing(missing: Missing, reference: ImageReference, registry: Registry) -> InputError:
    said = [f"{reference.registry}: {missing.said}"] if missing.said else []
    if missing.repository:
        return InputError(
            "the registry has no such repository",
            id="bad-image",
            where=str(reference),
            details=said,
            next="check the name, push the image first, or go on without asking: --no-verify-image",
        )
    kind = "digest" if reference.digest is not None else "tag"
    return InputError(
        f"the repository holds no image under this {kind}",
        id="bad-image" if reference.digest is not None else "bad-tag",
        where=str(reference),
        details=[*_near(reference, registry), *said],
        next=f"check the {kind}, push the image first, or go on without asking: --no-verify-image",
    )


def _near(reference: ImageReference, registry: Registry) -> list[str]:
    """The tags that a person may have meant; what cannot be listed is no second error."""
    import difflib

    if reference.tag is None:
        return []
    try:
        tags = registry.tags(reference, pages=NEAR_PAGES)
    except (NotPermitted, WorldError):
        return []
    if not isinstance(tags, Tags) or not tags.names:
        return []
    near = difflib.get_close_matches(reference.tag, tags.names, NEAR_TAGS)
    return [f"nearest tags: {', '.join(near)}" if near else f"tags: {', '.join(tags.names[-NEAR_TAGS:])}"]
