"""Blobs into one repository: not sent when they are there, mounted from beside, else uploaded, and taken up again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from pipelinegen.edge.layout import Descriptor
from pipelinegen.edge.registry.answers import error_codes, refused, words
from pipelinegen.edge.registry.client import Registry
from pipelinegen.edge.registry.line import Part
from pipelinegen.edge.registry.login import Rights
from pipelinegen.edge.registry.rights import not_taken
from pipelinegen.errors import NotPermitted, PipelinegenError, WorldError
from pipelinegen.images.reference import ImageReference

if TYPE_CHECKING:
    import requests

PUSH = Rights("pull,push")
TRIES = 6
MIB = 1024 * 1024
# A blob of this size goes in parts once it did not go through whole; distribution forgets what an upload that was cut
# off has received, so only whole parts are kept.
PART_BYTES = 32 * MIB
SMALLEST_PART = 1 * MIB

_OCTETS = {"Content-Type": "application/octet-stream"}
_RETRIED = frozenset({"net", "timeout", "server-refused", "rate-limited"})
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")

Outcome = Literal["there", "mounted", "sent"]


class _Session(NamedTuple):
    """An upload that was begun: where it goes on, and how much of the blob has arrived."""

    url: str
    offset: int = 0
    least: int = 0


class _Lost(WorldError):
    """The registry does not go on with an upload; it has to be begun anew."""


@dataclass(slots=True)
class _Pace:
    """In how large parts one blob is sent, 0 meaning whole, and how often it failed since the last progress."""

    part: int = 0
    failures: int = 0
    furthest: int = 0


class Blobs:
    """The blobs of one repository that is pushed to."""

    def __init__(self, registry: Registry, repository: ImageReference) -> None:
        self._registry = registry
        self._repository = repository
        self._path = repository.path
        self._connection = registry.connection(repository)
        self._base = f"{self._connection.origin}/v2/{repository.path}/blobs/"

    def put(self, blob: Descriptor, file: Path, mount_from: str | None = None) -> Outcome:
        """Make the repository hold a blob. mount_from: a repository of the same registry that may hold it."""
        outcome: Outcome = "there" if self._is_there(blob) else self._bring(blob, file, mount_from)
        self._registry.note_blob(self._repository, blob.digest)
        return outcome

    def _bring(self, blob: Descriptor, file: Path, mount_from: str | None) -> Outcome:
        source = mount_from or self._registry.blob_beside(self._repository, blob.digest)
        session = self._mount(blob, source) if source else self._begin()
        if session is None:
            return "mounted"
        pace = _Pace()
        while not self._is_through(session, blob, file, pace):
            resumed = self._resumed(session, blob, pace)
            if resumed is None and self._is_there(blob):
                break  # the answer was lost, not the blob
            session = resumed or self._begin()
        return "sent"

    def _is_through(self, session: _Session, blob: Descriptor, file: Path, pace: _Pace) -> bool:
        """Send what is left; False after a failure that is worth another try, which has been waited for."""
        try:
            self._send(session, blob, file, pace)
        except WorldError as error:
            if error.id not in _RETRIED:
                raise
            pace.failures += 1
            if pace.failures >= TRIES:
                error.state = f"{self._repository} holds no new tag; what was uploaded of blobs is not lost"
                raise
            self._connection.wait(pace.failures, error, TRIES)
            return False
        return True

    def _send(self, session: _Session, blob: Descriptor, file: Path, pace: _Pace) -> None:
        while pace.part and blob.size - session.offset > pace.part:
            end = min(session.offset + max(pace.part, session.least), blob.size)
            part = Part(file, session.offset, end)
            answer = self._answered("PATCH", session.url, part, blob, pace)
            session = _Session(self._goes_on(answer), _received(answer) or part.end, session.least)
            if session.offset > pace.furthest:
                pace.furthest, pace.failures = session.offset, 0
        mark = "&" if urlsplit(session.url).query else "?"
        url = f"{session.url}{mark}digest={quote(blob.digest, safe=':')}"
        self._answered("PUT", url, Part(file, session.offset, blob.size), blob, pace)

    def _answered(self, method: str, url: str, part: Part, blob: Descriptor, pace: _Pace) -> requests.Response:
        """A good answer. A part that begins the blob and ends it needs no range; all others say which they are."""
        whole = part.start == 0 and len(part) == blob.size
        ranged = {} if whole or not len(part) else {"Content-Range": f"{part.start}-{part.end - 1}"}
        answer = self._connection.send(method, self._path, url, {**_OCTETS, **ranged}, part if len(part) else b"", PUSH)
        if answer.status_code in (200, 201, 202, 204):
            return answer
        raise self._judged(answer, blob, len(part), pace)

    def _judged(self, answer: requests.Response, blob: Descriptor, sent: int, pace: _Pace) -> PipelinegenError:
        """What a refusal amounts to; where another way is left, the pace is changed for it."""
        status, codes = answer.status_code, error_codes(answer.content)
        if status == 413 and sent > SMALLEST_PART:
            pace.part = max(SMALLEST_PART, min(pace.part or PART_BYTES, sent) // 2)
            pace.failures = max(0, pace.failures - 1)
            return self._lost(answer, blob)
        # A session that was lost, spoiled by a part that arrived twice, or is busy with one that we gave up.
        if status in (404, 408, 409, 416) or any(code.startswith("BLOB_UPLOAD") for code in codes):
            return self._lost(answer, blob)
        if codes & {"DIGEST_INVALID", "RANGE_INVALID", "SIZE_INVALID"}:
            return self._lost(answer, blob)
        return self._not_taken(answer, f"blob {blob.digest}")

    def _lost(self, answer: requests.Response, blob: Descriptor) -> WorldError:
        error = refused(self._repository.registry, answer.status_code, f"blob {blob.digest}", words(answer.content))
        return _Lost(error.what, id=error.id, where=error.where, details=error.details)

    def _is_there(self, blob: Descriptor) -> bool:
        url = f"{self._base}{quote(blob.digest, safe=':')}"
        answer = self._connection.read("HEAD", self._path, url, rights=PUSH)
        if answer.status_code in (200, 404):
            return answer.status_code == 200
        raise self._not_taken(answer, f"blob {blob.digest}")

    def _mount(self, blob: Descriptor, source: str) -> _Session | None:
        """None when it is mounted. A registry that does not, answers with an upload that was begun."""
        url = f"{self._base}uploads/?mount={quote(blob.digest, safe='')}&from={quote(source, safe='')}"
        rights = PUSH._replace(also=(f"repository:{source}:pull",))
        try:
            answer = self._connection.ask("POST", self._path, url, {}, b"", rights)
        except NotPermitted:
            return self._begin()  # no token for both repositories
        if answer.status_code == 201:
            return None
        return self._begun(answer) if answer.status_code == 202 else self._begin()

    def _begin(self) -> _Session:
        answer = self._connection.ask("POST", self._path, f"{self._base}uploads/", {}, b"", PUSH)
        if answer.status_code != 202:
            raise self._not_taken(answer, f"an upload to {self._repository}")
        return self._begun(answer)

    def _begun(self, answer: requests.Response) -> _Session:
        least = answer.headers.get("oci-chunk-min-length", "")
        return _Session(self._goes_on(answer), 0, int(least) if re.fullmatch(r"[0-9]{1,12}", least) else 0)

    def _resumed(self, session: _Session, blob: Descriptor, pace: _Pace) -> _Session | None:
        """The upload from where the registry says that it stands; None where it has to be begun anew."""
        answer = self._connection.ask("GET", self._path, session.url, {}, None, PUSH)
        offset = _received(answer) if answer.status_code == 204 else None
        if not offset and blob.size > PART_BYTES and not pace.part:
            pace.part = PART_BYTES
        if answer.status_code != 204 or offset is None or offset > blob.size:
            return None
        url = self._goes_on(answer) if answer.headers.get("location") else session.url
        return _Session(url, offset, session.least)

    def _goes_on(self, answer: requests.Response) -> str:
        """Where the upload goes on. Registries behind a proxy are seen to write their inner scheme and port."""
        if not answer.headers.get("location"):
            raise refused(self._repository.registry, answer.status_code, "an upload, but with no Location", "")
        url = self._connection.target(answer)
        parts = urlsplit(url)
        if parts.hostname == urlsplit(self._connection.origin).hostname:
            url = f"{self._connection.origin}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return url

    def _not_taken(self, answer: requests.Response, asked: str) -> PipelinegenError:
        return not_taken(self._repository, answer, self._connection.login.source(self._path), asked)


def _received(answer: requests.Response) -> int | None:
    """How many bytes an upload has, by its Range, which is `0-0` for one byte and for none: taken for none."""
    found = _RANGE.fullmatch(answer.headers.get("range", ""))
    return None if found is None else int(found[1]) + 1 if int(found[1]) else 0
