"""Credentials that stand in clear in a pipeline file: whoever can read the repository holds them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelinegen.config.source import find_credentials, mask
from pipelinegen.pipelines.reading import Grant, Job, Place, Reading

_SORTS = (
    (r"AKIA|ASIA|AIza", "cloud-key", "cloud"),
    (r"gh[pousr]_|github_pat_|gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct)-", "token", "forge"),
    (r"npm_|pypi-|dckr_|AKCp", "token", "registry"),
    (r"-----BEGIN", "ssh-key", "unknown"),
    (r"xox|hv[sbr]\.", "token", "other"),
)


def grants_in_clear(reading: Reading) -> Iterator[tuple[Grant, Job]]:
    """What looks like a token, key or password, as a secret of the job in whose lines it stands, or of all jobs."""
    text = reading.texts.get(reading.file, "")
    lines = text.split("\n")
    for problem in find_credentials(text):
        number, column = problem.place.line, problem.place.column
        line = lines[number - 1]
        if "$" in line[column - 1 : column - 1 + problem.place.width]:
            continue  # the name of a variable, not its value
        named = re.findall(r"([A-Za-z_][\w.-]*)[\"']?\s*[:=]", line[: column - 1])
        name = (
            named[-1]
            if named and named[-1] not in {"http", "https", "run", "script", "value"}
            else f"in clear, line {number}"
        )
        kind, target = next(
            ((k, t) for pattern, k, t in _SORTS if re.match(pattern, line[column - 1 :])), ("password", "unknown")
        )
        grant = Grant(name, "file", Place(reading.file, number), "job", "clear", "", kind, target)
        for job in _around(reading, number):
            yield grant, job


def masked(text: str) -> str:
    """The text without the credentials that stand in clear in it; the names of variables stay."""
    hidden = mask(text)
    if hidden == text:
        return text
    parts, at = [], 0
    for run in re.finditer(r"\*+", hidden):
        original = text[run.start() : run.end()]
        parts += [hidden[at : run.start()], original if "$" in original else run[0]]
        at = run.end()
    return "".join([*parts, hidden[at:]])


def _around(reading: Reading, number: int) -> list[Job]:
    """The job in whose lines a line stands; all jobs where it stands before the first."""
    before = [job for job in reading.jobs if job.place.file == reading.file and job.place.line <= number]
    return [max(before, key=lambda job: job.place.line)] if before else list(reading.jobs)
