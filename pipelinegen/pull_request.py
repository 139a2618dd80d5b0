"""The text of a pull request: title, body and the hidden line by which we know our own again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipelinegen.markdown import defused, escaped, fence, fitting, link, span, visible

TITLE_LIMIT = 200  # GitLab ends a title at 255, and "Draft: " and the zero-width joiners need room
BODY_LIMIT = 60_000  # GitHub ends a body at 65,536

_MARKER = re.compile(
    r"^<!-- pipelinegen key=([0-9a-f]{12,64}) content=([0-9a-f]{64})(?: closed=([a-z-]+))? -->$", re.MULTILINE
)
_VERBS = {"bump": "Bump", "promotion": "Promote", "rollback": "Roll back"}


@dataclass(frozen=True, slots=True)
class Change:
    """One image: what stands there now (each version once) and what is to stand there."""

    repository: str
    old: tuple[str, ...]
    new: str
    compare_url: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One edit, as the plan has it."""

    file: str
    line: int
    before: str
    after: str
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that the pull request tells. All of it is data, some of it written by strangers."""

    key: str
    action: Literal["bump", "promotion", "rollback"]
    changes: tuple[Change, ...]
    places: tuple[Place, ...]
    environments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rendered: str | None = None
    source_url: str | None = None
    revision: str | None = None
    run_url: str | None = None
    actor: str | None = None
    rollback: str | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """The hidden last line: which request this is, which text it has, and whether we closed it ourselves and why."""

    key: str
    content: str
    closed: str | None = None


def request_key(repository: str, base: str, targets: Sequence[str], references: Sequence[str]) -> str:
    """What makes two requests the same: where, which places (in any order), and which versions."""
    said = json.dumps([repository, base, sorted(set(targets)), sorted(set(references))], separators=(",", ":"))
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]


def title(story: Story) -> str:
    """One line: what changes, to what, where."""
    verb = _VERBS[story.action]
    names = list(dict.fromkeys(change.repository for change in story.changes))
    if len(names) == 1:
        # A rollback may bring one image back in several versions.
        versions = dict.fromkeys(_short(change.new) for change in story.changes)
        what = f"{names[0]} to {' and '.join(versions)}"
    else:
        what = f"{len(names)} images"
    where = f" in {', '.join(story.environments)}" if story.environments else ""
    return cut(f"{verb} {what}{where}", TITLE_LIMIT)


def cut(text: str, limit: int) -> str:
    """One defused line of at most `limit` characters."""
    line = defused(" ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _short(version: str) -> str:
    """A version for people: a tag as it is, a digest by its first twelve digits, never with the @ of a mention."""
    tag, _, digest = version.rpartition("@")
    if tag:
        return tag
    algorithm, colon, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}" if colon and len(value) >= 32 else digest


def body(story: Story, limit: int = BODY_LIMIT) -> str:
    """The Markdown of the pull request, at most `limit` characters, with the marker as its last line.

    What does not fit is left out by whole lines, and counted.
    """
    origin = _origin(story)
    closing = _rollback(story)
    marker_room = 170
    room = limit - marker_room - len("\n\n".join([*origin, *closing]))
    parts = [_section(None, _changes(story), room // 3, "images")]
    if story.notes:
        parts.append(_section(None, [f"- {escaped(note)}" for note in story.notes], room // 8, "notes"))
    room -= sum(len(part) + 2 for part in parts)
    rendered = _rendered(story, room // 2)
    room -= sum(len(part) + 2 for part in rendered)
    parts.append(_section(f"**Files** ({len(story.places)})", _places(story), room - 100, "places"))
    content = hashlib.sha256("\n\n".join([*parts, *rendered, *closing]).encode("utf-8", "replace")).hexdigest()
    # The run that built it differs at every run of the same content, so it is not part of what the marker proves.
    return "\n\n".join([*parts, *rendered, *origin, *closing, mark(Marker(story.key, content))])


def own_body(text: str, key: str, limit: int = BODY_LIMIT) -> str:
    """A body that the user wrote: taken as it is but for what cannot be seen, cut by lines, and marked as ours."""
    lines = ["\t".join(map(visible, line.split("\t"))) for line in text.strip().splitlines()]
    kept = "\n".join(fitting(lines, limit - 200, lambda count: f"(cut: {count} more lines)"))
    return f"{kept}\n\n{mark(Marker(key, hashlib.sha256(kept.encode('utf-8', 'replace')).hexdigest()))}"


def _section(heading: str | None, lines: list[str], room: int, noun: str) -> str:
    kept = fitting(lines, max(room, 0), lambda count: f"- … and {count} more {noun}; the commit has them all")
    return "\n".join([heading, "", *kept] if heading else kept)


def _changes(story: Story) -> list[str]:
    lines = []
    for change in story.changes:
        old = ", ".join(span(version) for version in change.old) or "(none)"
        compared = f" ({link('changes', change.compare_url)})" if change.compare_url else ""
        lines.append(f"- {span(change.repository)}: {old} → {span(change.new)}{compared}")
    if story.environments:
        lines.append(f"- environments: {', '.join(span(name) for name in story.environments)}")
    return lines


def _places(story: Story) -> list[str]:
    return [
        f"- {span(f'{place.file}:{place.line}')}: {span(place.before)} → {span(place.after)}"
        + (f" ({span(place.environment)})" if place.environment else "")
        for place in story.places
    ]


def _rendered(story: Story, room: int) -> list[str]:
    if not story.rendered:
        return []
    lines = fitting(
        [line[:2000] for line in story.rendered.strip("\n").split("\n")],
        max(room - 100, 0),
        lambda count: f"… and {count} more lines",
    )
    return [f"**What changes in the cluster**\n\n{fence(chr(10).join(lines), 'diff')}"]


def _origin(story: Story) -> list[str]:
    facts = []
    if story.source_url and story.revision:
        facts.append(
            f"Built from {span(story.revision)} of {link(story.source_url.partition('://')[2], story.source_url)}"
        )
    elif story.revision:
        facts.append(f"Built from {span(story.revision)}")
    if story.run_url:
        facts.append(f"by {link('this run', story.run_url)}")
    if story.actor:
        facts.append(f"started by {span(story.actor)}")
    sentence = ", ".join(facts)
    return [f"{sentence[0].upper()}{sentence[1:]}."] if facts else []


def _rollback(story: Story) -> list[str]:
    return [f"**Roll back** after the merge with\n\n{fence(visible(story.rollback), 'sh')}"] if story.rollback else []


def mark(marker: Marker) -> str:
    closed = f" closed={marker.closed}" if marker.closed else ""
    return f"<!-- pipelinegen key={marker.key} content={marker.content}{closed} -->"


def read_marker(text: str | None) -> Marker | None:
    """The marker of a body: the last line that is one. (Inside the body a value stands in a span, never on a line.)"""
    found = _MARKER.findall((text or "").replace("\r\n", "\n"))
    return Marker(found[-1][0], found[-1][1], found[-1][2] or None) if found else None


def mark_closed(text: str, reason: str) -> str:
    """The body with its marker saying that we closed the pull request, so that it is not taken for a person's no."""
    marker = read_marker(text)
    if marker is None:
        return text
    before, old, after = text.rpartition(mark(marker))
    return f"{before}{mark(Marker(marker.key, marker.content, reason))}{after}" if old else text
