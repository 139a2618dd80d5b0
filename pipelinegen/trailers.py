"""Commit messages that say what they deploy, in trailers that promote, rollback and observe read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from pipelinegen.images.reference import InvalidReference, parse
from pipelinegen.markdown import defused

_LINE = re.compile(r"Pipelinegen-(Image|Undone|Source|Created|Environment|Key): ([^\r\n]*?)[ \t]*\r?")
_SOURCE = re.compile(r"(https?://[^\s@]+)@([0-9a-f]{7,64})", re.ASCII)
_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{12,64}", re.ASCII)
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Deployed:
    """One image that a commit puts in place, and what it was built from where that is known."""

    image: str
    source_url: str | None = None
    revision: str | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trailers:
    """What a commit of ours says about itself. A commit of someone else's says nothing.

    undone: what a rollback took out of place, so that no pipeline that built it, or something older, puts it back.
    """

    deployed: tuple[Deployed, ...] = ()
    environments: tuple[str, ...] = ()
    key: str | None = None
    undone: tuple[Deployed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.deployed or self.key)

    def of(self, repository: str) -> Deployed | None:
        """What is said of one repository, which may be written in any of its forms."""
        return _of(self.deployed, repository)

    def taken_back(self, repository: str) -> Deployed | None:
        """The version of one repository that was taken out of place on purpose."""
        return _of(self.undone, repository)


def _of(said: Sequence[Deployed], repository: str) -> Deployed | None:
    wanted = _repository(repository)
    return next((one for one in reversed(said) if _repository(one.image) == wanted), None)


def commit_message(subject: str, paragraphs: Iterable[str], trailers: Trailers) -> str:
    """The whole message. `paragraphs` are our own words; the subject may hold names of others."""
    body = [_paragraph(paragraph) for paragraph in paragraphs if paragraph.strip()]
    return "\n\n".join([defused(subject), *body, "\n".join(_lines(trailers))]).rstrip() + "\n"


def _paragraph(text: str) -> str:
    # A line of the body must not be read back as a trailer.
    return "\n".join(f" {line}" if _LINE.fullmatch(line) else line for line in map(defused, text.strip().split("\n")))


def _lines(trailers: Trailers) -> list[str]:
    lines = [*_image_lines("Image", trailers.deployed), *_image_lines("Undone", trailers.undone)]
    lines += [f"Pipelinegen-Environment: {name}" for name in trailers.environments if _ENVIRONMENT.fullmatch(name)]
    if trailers.key:
        lines.append(f"Pipelinegen-Key: {trailers.key}")
    return lines


def _image_lines(name: str, images: Sequence[Deployed]) -> list[str]:
    lines: list[str] = []
    # Images of one origin stand together above it; those without one come last, so that no later origin claims them.
    origins = {one.image: _origin_lines(one) for one in images}
    ordered = sorted(images, key=lambda one: not origins[one.image])
    for place, one in enumerate(ordered):
        lines.append(f"Pipelinegen-{name}: {parse(one.image)}")
        if ordered[place + 1 :] and origins[ordered[place + 1].image] == origins[one.image]:
            continue
        lines += origins[one.image]
    return lines


def _origin_lines(one: Deployed) -> list[str]:
    lines = []
    if _SOURCE.fullmatch(source := f"{one.source_url}@{one.revision}"):
        lines.append(f"Pipelinegen-Source: {source}")
    if one.created:
        lines.append(f"Pipelinegen-Created: {one.created.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")
    return lines


def read_trailers(message: str) -> Trailers:
    """The trailers of a message, also of one that a forge made by squashing several.

    What is not well formed is not read. A source and a creation time hold for the images in the lines just above them;
    of several lines for one repository the last counts.
    """
    said: dict[str, dict[str, Deployed]] = {"Image": {}, "Undone": {}}
    group: list[str] = []
    above = ""
    environments: dict[str, None] = {}
    key = None
    images = said["Image"]
    for line in message.split("\n"):
        found = _LINE.fullmatch(line)
        name, value = found.groups() if found else ("", "")
        if name in said:
            repository = _repository(value)
            if repository is None:
                continue
            group = [*group, repository] if above == name else [repository]
            images = said[name]
            images.pop(repository, None)
            images[repository] = Deployed(value)
        elif name in ("Source", "Created"):
            facts = _source(value) if name == "Source" else _created(value)
            images.update({repository: replace(images[repository], **facts) for repository in group})
        else:
            group = []
        if name == "Environment" and _ENVIRONMENT.fullmatch(value):
            environments[value] = None
        elif name == "Key" and _KEY.fullmatch(value):
            key = value
        above = name
    deployed, undone = (tuple(images.values()) for images in said.values())
    return Trailers(deployed, tuple(environments), key, undone)


def _source(value: str) -> dict[str, Any]:
    found = _SOURCE.fullmatch(value)
    return {"source_url": found.group(1), "revision": found.group(2)} if found else {}


def _created(value: str) -> dict[str, Any]:
    if not _CREATED.fullmatch(value):
        return {}
    try:
        return {"created": datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)}
    except ValueError:
        return {}


def _repository(image: str) -> str | None:
    try:
        return parse(image).repository
    except InvalidReference:
        return None


def newest(messages: Sequence[str], repository: str) -> Deployed | None:
    """What the newest of these messages (newest first) says of a repository."""
    for message in messages:
        if found := read_trailers(message).of(repository):
            return found
    return None
