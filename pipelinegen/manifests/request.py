"""What is asked for: the version that a repository's references are to have, and the words to search for."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pipelinegen.images.reference import DOCKER_HUB, ImageReference


class Request(NamedTuple):
    """The wanted version of a repository (normalised name): a tag, a digest or both."""

    repository: str
    tag: str | None
    digest: str | None

    @property
    def reference(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def request_of(reference: ImageReference) -> Request:
    """The request that a reference states."""
    return Request(reference.repository, reference.tag, reference.digest)


def name_in_files(repository: str) -> str:
    """The part of a repository's name that every way of writing it holds: the path, without Docker Hub's `library/`."""
    registry, _, path = repository.partition("/")
    return path.removeprefix("library/") if registry == DOCKER_HUB else path


def search_words(requests: Sequence[Request]) -> list[bytes]:
    """What a file that refers to one of the repositories holds, in one of the ways of writing it."""
    words: dict[str, None] = {}
    for request in requests:
        name = name_in_files(request.repository)
        words[name] = None
        if "/" in name:
            for slash in ("\\/", "\\u002f", "\\u002F"):  # as some writers of JSON escape it
                words[name.replace("/", slash)] = None
        words.update(dict.fromkeys(_registry_words(request.repository)))
    return [word.encode() for word in words]


def _registry_words(repository: str) -> list[str]:
    """`registry: host/project` with `repository: api` beside it: no scalar holds the whole path."""
    registry, *parts = repository.split("/")
    if registry == DOCKER_HUB:
        return []
    prefixes = [f"{registry}/{'/'.join(parts[:count])}" for count in range(1, len(parts))]
    beginnings = ("registry: ", 'registry: "', "registry: '", 'registry": "', 'registry":"')
    return [f"{beginning}{prefix}" for prefix in prefixes for beginning in beginnings]


class Names(NamedTuple):
    """What to look for: words for a search in bytes, a pattern for values, and the repositories themselves."""

    words: list[bytes]
    pattern: re.Pattern[str]
    repositories: Collection[str]


def names_of(requests: Sequence[Request]) -> Names:
    """How the repositories of some requests are written in files."""
    names = sorted({name_in_files(request.repository) for request in requests}, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, names)))
    return Names(search_words(requests), pattern, frozenset(request.repository for request in requests))
