"""Dockerfiles and .dockerignore files from the disk, and what is wrong with them, told with carets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelinegen.config.source import Place as Shown
from pipelinegen.config.source import snippet
from pipelinegen.errors import InputError
from pipelinegen.images.dockerfile import Dockerfile, Malformed, Problem, parse
from pipelinegen.images.patterns import BadPattern, Ignored, read_ignore

LONGEST_FILE = 5 * 1024 * 1024
PROBLEMS_MAX = 50


class Source:
    """A Dockerfile with its text, which messages quote. `name` is how the user knows it."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.text = _text(path, name)
        try:
            self.dockerfile: Dockerfile = parse(self.text)
        except Malformed as error:
            raise self.wrong(error.problems) from None

    def wrong(self, problems: Sequence[Problem], *, id: str = "bad-dockerfile", next: str | None = None) -> InputError:
        """All problems as one error, each at its place."""
        lines = self.text.removeprefix("\ufeff").split("\n")
        ordered = sorted(set(problems))
        first, details = ordered[0], list[str]()
        for problem in ordered[:PROBLEMS_MAX]:
            if problem is not first:
                details.append(f"{self.where(problem)}: {problem.what}")
            details += snippet(lines, Shown(*problem.place))
        if len(ordered) > PROBLEMS_MAX:
            details.append(f"… and {len(ordered) - PROBLEMS_MAX} more")
        return InputError(first.what, id=id, where=self.where(first), next=next, details=details)

    def where(self, problem: Problem) -> str:
        return f"{self.name}:{problem.place.line}:{problem.place.column}"


def ignored_in(context: Path, dockerfile: Path | None = None) -> Ignored:
    """What of a context is left out: by the Dockerfile's own NAME.dockerignore, else by the context's."""
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore") if dockerfile is not None else None
    for path in (own, context / ".dockerignore"):
        if path is not None and path.is_file():
            try:
                return read_ignore(_text(path, path.name))
            except BadPattern as error:
                raise InputError(
                    f"{error.pattern} is no pattern", id="bad-dockerignore", where=f"{path.name}:{error.line}:1"
                ) from None
    return read_ignore("")


def _text(path: Path, name: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", id="bad-path", where=name) from None
    if len(data) > LONGEST_FILE:
        raise InputError(f"longer than {LONGEST_FILE} bytes", id="bad-dockerfile", where=name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8: save the file as UTF-8", id="bad-dockerfile", where=f"{name}:{line}:1") from None
