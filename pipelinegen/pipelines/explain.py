"""`--explain`: of each generated pipeline which secrets, rights and third-party code it has, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipelinegen.pipelines.model import Credential, GeneratedFile, Job, Pipeline

# An action with its commit and tag, and a container image by digest, as templates write them.
_USES = re.compile(r"^\s*(?:- )?uses: (?P<what>\S+@[0-9a-f]{40})(?:\s+# (?P<tag>\S+))?\s*$", re.MULTILINE)
_IMAGES = re.compile(
    r"""^\s*(?:- )?(?:image|name): ["']?(?P<what>[\w./:-]+@sha256:[0-9a-f]{64})["']?\s*$""", re.MULTILINE
)
_NAMES = re.compile(r"""^\s*(?:- )?name: ["']?(?P<name>[^"'\n]+)["']?\s*$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a job has. kind: credential, permission, third-party or program."""

    kind: str
    job: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A file, and what its jobs have."""

    path: str
    entries: tuple[Entry, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        yield self.path
        if not self.entries:
            yield "  no secret, no right, no third-party code"
        for entry in self.entries:
            yield f"  {entry.job}: {entry.kind}: {entry.what}: {entry.why}"

    def data(self) -> dict[str, Any]:
        """For --json."""
        return {
            "path": self.path,
            "entries": [
                {"kind": entry.kind, "job": entry.job, "what": entry.what, "why": entry.why} for entry in self.entries
            ],
        }


def explain(pipeline: Pipeline, files: Sequence[GeneratedFile], prefix: str) -> list[Explanation]:
    """The explanations of a target's files: the pipeline's by its jobs, the others' by their texts."""
    found = []
    for file in files:
        entries = [entry for job in pipeline.jobs for entry in _of_job(job)] if _is_pipeline(file) else []
        entries += _third_party(file)
        found.append(Explanation(prefix + file.path, tuple(dict.fromkeys(entries))))
    return found


def _is_pipeline(file: GeneratedFile) -> bool:
    return file.path.startswith(".github/") or file.path in (".gitlab-ci.yml", "Jenkinsfile")


def _of_job(job: Job) -> Iterator[Entry]:
    for credential in job.credentials:
        yield Entry("credential", job.id, f"{credential.name} ({_described(credential)})", credential.why)
    for permission in job.permissions:
        yield Entry("permission", job.id, f"{permission.scope}: {permission.level}", permission.why)


def _described(credential: Credential) -> str:
    kept = "stored" if credential.stored else "made for the job"
    where = f", for {credential.environment} alone" if credential.environment else ""
    return (
        f"{credential.kind} for the {credential.target.replace('-', ' ')}, {kept}{where}; rights: {credential.rights}"
    )


def _third_party(file: GeneratedFile) -> Iterator[Entry]:
    """The code of others by its pin, and the first step that it is for."""
    seen: set[str] = set()
    for match in sorted((*_USES.finditer(file.text), *_IMAGES.finditer(file.text)), key=lambda each: each.start()):
        what = match["what"]
        if what not in seen:
            seen.add(what)
            tag = match.groupdict().get("tag")
            before = [name["name"] for name in _NAMES.finditer(file.text, 0, match.start())]
            why = before[-1] if before and tag else "what jobs run in"
            yield Entry("third-party", "-", f"{what} {tag or ''}".rstrip(), why)
