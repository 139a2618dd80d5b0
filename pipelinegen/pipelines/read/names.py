"""References to code of others: what they are pinned to, and whether the code is one's own."""

from __future__ import annotations

import re

from pipelinegen.pipelines.reading import Foreign, Place

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.IGNORECASE)
_VERSION = re.compile(r"v?\d[\w.+-]*")
_OWN_REGISTRY = re.compile(
    r"\$\{?(?:CI_REGISTRY_IMAGE|CI_REGISTRY|CI_PROJECT_)|^\$\{\{\s*(?:github\.repository|env\.(?:REGISTRY|IMAGE))|registry\.gitlab\.com/\$"
)


def action(reference: str, place: Place) -> Foreign:
    """An action or a reusable workflow: `owner/repository/path@ref`."""
    name, at, ref = reference.partition("@")
    if name.startswith("docker://"):
        return image(reference.removeprefix("docker://"), place)
    if not at:
        return Foreign(reference, place, "none")
    pinned = "commit" if _COMMIT.fullmatch(ref) else "tag" if _VERSION.fullmatch(ref) else "branch"
    return Foreign(reference, place, pinned)


def image(reference: str, place: Place) -> Foreign:
    """An image that a job runs in. One from the project's own registry is its own."""
    pinned = "none"
    if "@sha256:" in reference:
        pinned = "digest"
    elif ":" in reference.rpartition("/")[2]:
        tag = reference.rpartition(":")[2]
        pinned = "none" if tag == "latest" else "tag"
    return Foreign(reference, place, pinned, own=bool(_OWN_REGISTRY.search(reference)))
