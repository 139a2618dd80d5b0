"""Names of objects in a cluster: what Kubernetes takes as one, made from the names of the configuration."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
LONGEST = 63
_HASH = 8


def dns_label(text: str) -> str:
    """A label of DNS: the text itself where it is one; what had to be changed or cut is told apart by a hash."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if plain == text and len(text) <= LONGEST:
        return text
    if plain == text.lower() and len(plain) <= LONGEST:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    return f"{plain[: LONGEST - _HASH - 1].strip('-')}-{digest}".strip("-")


def dns_labels(texts: Iterable[str]) -> Mapping[str, str]:
    """A label for each text, no two alike: `API` beside `api` gets a hash, too."""
    found: dict[str, str] = {}
    for text in texts:
        label = dns_label(text)
        if label in found.values():
            digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
            label = f"{label[: LONGEST - _HASH - 1].strip('-')}-{digest}"
        found[text] = label
    return MappingProxyType(found)
