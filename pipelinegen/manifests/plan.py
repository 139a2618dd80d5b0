"""The plan: what will change, what was left alone and why. It is the dry run, the JSON and the pull request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipelinegen.manifests.rewrite import Expectation


class NewEntry(NamedTuple):
    """An `images:` entry that a kustomization is to get (`--set-in-overlay`)."""

    name: str
    tag: str | None
    digest: str | None


class Edit(NamedTuple):
    """One stretch of one file that gives way to another, or a new `images:` entry of a kustomization.

    start, end: code points of the text without BOM.  old, new: the characters there before and after.  line, column:
    from 1.  before, after: the values as a person reads them.  entry: only for a new entry, whose place is found when
    the plan is applied.
    """

    file: str
    line: int
    column: int
    kind: str
    repository: str
    environment: str | None
    before: str
    after: str
    start: int
    end: int
    old: str
    new: str
    expectations: tuple[Expectation, ...]
    entry: NewEntry | None = None

    def data(self) -> dict[str, Any]:
        expected = [each._asdict() for each in self.expectations]
        return {**self._asdict(), "expectations": expected, "entry": self.entry._asdict() if self.entry else None}


class Skip(NamedTuple):
    """A file or an occurrence that was left alone. `warn` where it names the image and a person should look."""

    file: str
    line: int
    column: int
    reason: str
    warn: bool = False


class ImageCount(NamedTuple):
    """How often an image was found, and at how many of these places the plan changes it."""

    repository: str
    tag: str | None
    digest: str | None
    occurrences: int
    changed: int


class Plan(NamedTuple):
    """All edits, ordered by file and offset and without overlap, and all that was left alone, ordered alike."""

    images: tuple[ImageCount, ...]
    edits: tuple[Edit, ...]
    skipped: tuple[Skip, ...]
    downgrades: tuple[Skip, ...] = ()
    outside: tuple[Skip, ...] = ()
    superseded: tuple[Skip, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(edit.file for edit in self.edits))

    @property
    def missing(self) -> tuple[ImageCount, ...]:
        """Images that occur nowhere."""
        return tuple(image for image in self.images if not image.occurrences)

    def data(self) -> dict[str, Any]:
        """The plan as JSON values; `plan_from` reads them back."""
        return {
            "images": [image._asdict() for image in self.images],
            "edits": [edit.data() for edit in self.edits],
            "skipped": [skip._asdict() for skip in self.skipped],
            "downgrades": [skip._asdict() for skip in self.downgrades],
            "outside": [skip._asdict() for skip in self.outside],
            "superseded": [skip._asdict() for skip in self.superseded],
        }


def plan_from(data: Mapping[str, Any]) -> Plan:
    """The plan that `Plan.data` gave. Raises KeyError or TypeError for anything else."""
    edits = []
    for edit in data["edits"]:
        expected = tuple(Expectation(item["at"], item["end"], tuple(item["values"])) for item in edit["expectations"])
        entry = NewEntry(**edit["entry"]) if edit["entry"] else None
        edits.append(Edit(**{**edit, "expectations": expected, "entry": entry}))
    return Plan(
        tuple(ImageCount(**image) for image in data["images"]),
        tuple(edits),
        tuple(Skip(**skip) for skip in data["skipped"]),
        tuple(Skip(**skip) for skip in data["downgrades"]),
        tuple(Skip(**skip) for skip in data["outside"]),
        tuple(Skip(**skip) for skip in data["superseded"]),
    )
