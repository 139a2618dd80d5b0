"""One occurrence of the image that is to be written, and its marked spellings."""

from __future__ import annotations

from typing import NamedTuple

from bench.marks import change

MarkedFiles = dict[str, str]


class Target(NamedTuple):
    """One occurrence to be written: the image, its tags before and after, the number that keeps paths apart."""

    image: str
    old: str
    new: str
    number: int

    @property
    def tag(self) -> str:
        return change(self.image, self.old, self.new)

    @property
    def reference(self) -> str:
        return f"{self.image}:{self.tag}"

    @property
    def registry(self) -> str:
        return self.image.partition("/")[0]

    @property
    def path(self) -> str:
        return self.image.partition("/")[2]

    def pinned(self, digest: str) -> str:
        """The tag with a digest, which a bump to a tag alone drops: it names the old image."""
        return change(self.image, f"{self.old}@sha256:{digest}", self.new)
