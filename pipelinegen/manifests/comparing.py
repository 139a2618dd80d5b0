"""What one environment has and another is to get: the version of each image in the first, beside its places in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from pipelinegen.manifests.inventory import Standing, Version
from pipelinegen.manifests.request import Request


class Differing(Exception):
    """Two places of one environment that hold two versions of one image."""

    def __init__(self, one: Standing, other: Standing) -> None:
        super().__init__(one.repository)
        self.one = one
        self.other = other


class Difference(NamedTuple):
    """One image: its version in the first environment, where it stands there, and where it stands in the second."""

    repository: str
    version: Version
    source: tuple[Standing, ...]
    target: tuple[Standing, ...]

    @property
    def present(self) -> tuple[Version, ...]:
        """The versions in the second environment, each once."""
        return tuple(dict.fromkeys(standing.version for standing in self.target))

    @property
    def same(self) -> bool:
        return self.present == (self.version,)

    @property
    def request(self) -> Request:
        return Request(self.repository, self.version.tag, self.version.digest)


def compare(source: Sequence[Standing], target: Sequence[Standing]) -> list[Difference]:
    """A difference for each image of the first environment, by name. Raises Differing."""
    there = by_repository(target)
    return [
        Difference(name, one_version(standings), tuple(standings), tuple(there.get(name, ())))
        for name, standings in by_repository(source).items()
    ]


def by_repository(standings: Iterable[Standing]) -> dict[str, list[Standing]]:
    """The places of each image, images by name."""

    def name(standing: Standing) -> str:
        return standing.repository

    return {key: list(group) for key, group in groupby(sorted(standings, key=name), key=name)}


def one_version(standings: Sequence[Standing]) -> Version:
    """The one version at all these places; one that only some pin to its digest is one version. Raises Differing."""
    merged, first = Version(None, None), standings[0]
    # Those that say most come first: a tag and a digest belong together only where one place says both.
    for standing in sorted(standings, key=lambda each: sum(map(bool, each.version)), reverse=True):
        if not standing.version:
            continue
        if not merged:
            merged, first = standing.version, standing
        elif _agree(merged, standing.version):
            merged = Version(merged.tag or standing.tag, merged.digest or standing.digest)
        else:
            raise Differing(first, standing)
    return merged


def _agree(one: Version, other: Version) -> bool:
    """Whether two versions say nothing different, and at least one thing that is the same."""
    pairs = [(mine, yours) for mine, yours in zip(one, other, strict=True) if mine and yours]
    return bool(pairs) and all(mine == yours for mine, yours in pairs)
