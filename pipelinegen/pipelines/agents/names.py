"""Names of objects in a cluster: what Kubernetes takes as one, made from the names of the configuration."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_LABEL = 63
# The pods of a Deployment get 17 characters more.
LONGEST = 46
_HASH = 8


def dns_label(text: str, longest: int = LONGEST) -> str:
    """A label of DNS: the text itself where it is one; what had to be changed or cut is told apart by a hash."""
    plain = re.sub(r"[^a-z0-9-]", "-", text.lower()).strip("-")
    if plain == text.lower() and len(plain) <= longest:
        return plain
    return _hashed(plain, text, longest)


def namespace(text: str) -> str:
    """As configured, where a cluster takes it."""
    return dns_label(text, _LABEL)


def dns_labels(texts: Iterable[str]) -> Mapping[str, str]:
    """A label for each text, no two alike: `API` beside `api` gets a hash, too."""
    found: dict[str, str] = {}
    for text in texts:
        label, salted = dns_label(text), text
        while label in found.values():
            label, salted = _hashed(label, salted), f"{salted}."
        found[text] = label
    return MappingProxyType(found)


def _hashed(label: str, text: str, longest: int = LONGEST) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    return f"{label[: longest - _HASH - 1].strip('-')}-{digest}".strip("-")
