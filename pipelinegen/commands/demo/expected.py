"""What the demo's commands must change, line by line, written by hand: the judge of the demo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Lines: TypeAlias = Mapping[str, Mapping[int, bytes]]

NEW_LINES: Lines = {
    "apps/shop/overlays/production/kustomization.yaml": {
        11: b"    newTag: 1.10.0\n",
        12: b"",
        13: b'  - { name: shop-worker, newName: ghcr.io/acme/worker, newTag: "8e10257" }\n',
    },
    "apps/shop/overlays/staging/kustomization.yaml": {
        8: b"  newTag: 1.10.0\n",
        11: b'  newTag: "8e10257"\n',
    },
    "charts/reports/values-production.yaml": {3: b"  tag: 1.10.0\n"},
    "charts/reports/values.yaml": {7: b"  tag: '1.10.0'  # the API's image holds the reports, too\n"},
    "clusters/argocd/preview.yaml": {18: b'          tag: "1.10.0"\n'},
    "clusters/flux/edge.yaml": {14: b"      tag: 1.10.0\n"},
    "legacy/batch.yaml": {
        11: b"                    image:   'ghcr.io/acme/api:1.10.0'\n",
        13: b'                -   {name: batch, image: "ghcr.io/acme/api:1.10.0"}   # was ghcr.io/acme/api:1.8.0\n',
        15: b"                    image: ghcr.io/acme/worker:8e10257\n",
    },
}


# The states of the delivered story: of a branch on the server, against the files that it began with.
_STAGING = "apps/shop/overlays/staging/kustomization.yaml"
_PRODUCTION = "apps/shop/overlays/production/kustomization.yaml"
_VALUES = "charts/reports/values-production.yaml"
STAGED: Lines = {_STAGING: {8: b"  newTag: 1.10.0\n"}}
STAGED_AGAIN: Lines = {_STAGING: {8: b"  newTag: 1.11.0\n", 11: b'  newTag: "8e10257"\n'}}
PROPOSED: Lines = {_PRODUCTION: {11: b"    newTag: 1.10.0\n", 12: b""}, _VALUES: {3: b"  tag: 1.10.0\n"}}
UPDATED: Lines = {_PRODUCTION: {11: b"    newTag: 1.10.1\n", 12: b""}, _VALUES: {3: b"  tag: 1.10.1\n"}}
PROMOTED: Lines = {
    _PRODUCTION: {
        11: b"    newTag: 1.11.0\n",
        12: b"",
        13: b'  - { name: shop-worker, newName: ghcr.io/acme/worker, newTag: "8e10257" }\n',
    },
    _VALUES: {3: b"  tag: 1.11.0\n"},
}
# The quotes that 8e10257 needed stay: a rollback changes versions and nothing else.
ROLLED_BACK: Lines = {
    _PRODUCTION: {
        **UPDATED[_PRODUCTION],
        13: b'  - { name: shop-worker, newName: ghcr.io/acme/worker, newTag: "3f9a1c2" }\n',
    },
    _VALUES: UPDATED[_VALUES],
}


def bumped(files: Mapping[str, bytes], lines: Lines = NEW_LINES) -> dict[str, bytes]:
    """The files as they must be with these lines, by default those of the bump in the checkout."""
    return {path: _with(data, lines.get(path, {})) for path, data in files.items()}


def _with(data: bytes, lines: Mapping[int, bytes]) -> bytes:
    return b"".join(lines.get(number, line) for number, line in enumerate(data.splitlines(keepends=True), start=1))
