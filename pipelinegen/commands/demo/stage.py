"""The report of the commands in the demo: told like any other, with headings, and their documents kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipelinegen.errors import PipelinegenError
from pipelinegen.report import Report


class Stage(Report):
    """A report with the settings of the one it stands in for."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        vars(self).update(vars(report))
        self.results_shown = True
        self.documents: list[dict[str, Any]] = []

    def heading(self, number: str, title: str, note: str) -> None:
        self._tell(f"\n{self._paint('bold', f'{number}: {title}')}")
        self._tell("\n".join(f"  {line}" for line in note.splitlines()))

    def command(self, line: str) -> None:
        """The command line as a person would type it."""
        self._tell(f"{self._paint('green', '$')} {self._paint('bold', line)}")

    def played(self, line: str) -> None:
        """What somebody else does in the story."""
        self._tell(self._paint("cyan", line))

    def quote(self, text: str) -> None:
        """A text that somebody reads, a pull request's."""
        self._tell("\n".join(f"  | {line}".rstrip() for line in text.splitlines()))

    def refusal(self, error: PipelinegenError) -> None:
        """An error that belongs to the story, so nothing went wrong that a quiet run must tell."""
        if self.verbosity >= 0:
            self.error(error)
            self.say(f"(exit {error.exit_code})")

    def result(self, lines: Iterable[str]) -> None:
        if self.results_shown:
            super().result(lines)

    def document(self, data: Mapping[str, Any]) -> None:
        """Keep it: the demo prints one document of its own."""
        self.documents.append(dict(data))
