"""A whole Dockerfile: directives, lines that continue each other, here-documents, stages; all problems at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipelinegen.images.dockerfile.instructions import read_instruction
from pipelinegen.images.dockerfile.lines import Announced, Line, Wrong, heredocs_of, lstrip
from pipelinegen.images.dockerfile.model import Dockerfile, Heredoc, Instruction, Malformed, Place, Problem, Stage

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_DIRECTIVES = ("syntax", "escape", "check")
_WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})


def parse(text: str) -> Dockerfile:
    """The stages of a file, as BuildKit's parser (frontend/dockerfile/parser) reads them. Raises Malformed."""
    return _Parser(text).parse()


class _Parser:
    """Goes through the lines once."""

    def __init__(self, text: str) -> None:
        self._lines = text.removeprefix("\ufeff").split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._at = 0
        self._escape = "\\"
        self._directives: dict[str, str] | None = {}
        self._seen: dict[str, str] = {}
        self._problems: list[Problem] = []

    def parse(self) -> Dockerfile:
        instructions = list(self._instructions())
        stages, arguments = self._stages(instructions)
        if not stages and not self._problems:
            what = "there is no FROM, so there is nothing to build" if instructions else "there are no instructions"
            self._problems.append(Problem(Place(1, 1), what))
        if self._problems:
            raise Malformed(sorted(set(self._problems)))
        return Dockerfile(tuple(stages), tuple(arguments), self._escape, self._seen.get("syntax"))

    def _stages(self, instructions: Sequence[Instruction]) -> tuple[list[Stage], list[Instruction]]:
        stages: list[Stage] = []
        arguments: list[Instruction] = []
        inside: list[Instruction] = []
        for each in instructions:
            if each.name == "FROM":
                inside = []
                stages.append(self._stage(each, len(stages), inside))
            elif stages:
                inside.append(each)
                stages[-1] = stages[-1]._replace(instructions=tuple(inside))
            elif each.name == "ARG":
                arguments.append(each)
            else:
                self._problems.append(Problem(each.place, f"{each.name} stands before the first FROM"))
        return stages, arguments

    def _stage(self, source: Instruction, number: int, inside: list[Instruction]) -> Stage:
        name = source.words[2].text.lower() if len(source.words) == 3 else None
        return Stage(number, name, source.words[0], source.flag("platform"), source, tuple(inside))

    def _instructions(self) -> Iterator[Instruction]:
        while self._at < len(self._lines):
            line = self._logical_line()
            if line is None:
                continue
            try:
                found = read_instruction(line, self._escape)
                found = self._with_heredocs(found, line)
            except Wrong as error:
                self._problems.append(error.problem)
                self._skip_heredocs(line)
                continue
            yield found

    def _logical_line(self) -> Line | None:
        """The next line with all that continue it; None for one that is empty or a comment."""
        first = self._physical_line(strip=True)
        if first is None:
            return None
        line, (text, column, number) = Line(), first
        part, goes_on = self._without_continuation(text)
        if not goes_on and not part:
            return None
        line.add(part, number, column)
        while goes_on and self._at < len(self._lines):
            further = self._physical_line(strip=False)
            # Comments and empty lines between lines that continue each other are passed over.
            if further is None or not further[0].strip():
                continue
            part, goes_on = self._without_continuation(further[0])
            line.add(part, further[2], further[1])
        return line

    def _physical_line(self, *, strip: bool) -> tuple[str, int, int] | None:
        """(text, the column in which it begins, its number); None for a comment."""
        whole = self._lines[self._at].rstrip("\r\n")
        self._at += 1
        text = lstrip(whole)
        self._look_for_directive(text if strip else whole)
        if text.startswith("#"):
            return None
        return (text, len(whole) - len(text) + 1, self._at) if strip else (whole, 1, self._at)

    def _without_continuation(self, text: str) -> tuple[str, bool]:
        """An escape at the end continues the line, but not one that is itself escaped."""
        stripped = text.rstrip(" \t")
        if not stripped.endswith(self._escape) or stripped.endswith(2 * self._escape):
            return text, False
        return stripped[:-1], True

    def _look_for_directive(self, text: str) -> None:
        if self._directives is None:
            return
        found = _DIRECTIVE.fullmatch(text)
        name = found[1].lower() if found else ""
        if not found or name not in _DIRECTIVES:
            self._directives = None
            return
        place = Place(self._at, 1, len(text))
        if name in self._seen:
            self._problems.append(Problem(place, f"the directive {name} stands twice"))
        self._seen[name] = found[2]
        if name == "escape":
            if found[2] not in ("`", "\\"):
                self._problems.append(Problem(place, "the escape character is \\ or `"))
            else:
                self._escape = found[2]

    def _with_heredocs(self, found: Instruction, line: Line) -> Instruction:
        announced = _announced(found, line)
        if not announced:
            return found._replace(last_line=self._at)
        documents = [self._heredoc(each, line) for each in announced]
        return found._replace(heredocs=tuple(documents), last_line=self._at)

    def _heredoc(self, announced: Announced, line: Line) -> Heredoc:
        content: list[str] = []
        while self._at < len(self._lines):
            raw = self._lines[self._at]
            self._at += 1
            text = raw.lstrip("\t") if announced.chomps else raw
            if text.rstrip("\r\n") == announced.name:
                return Heredoc(announced.name, "".join(content), announced.expands)
            content.append(f"{text}\n")
        raise Wrong(Problem(line.place(0), f"the line {announced.name} that ends the here-document is missing"))

    def _skip_heredocs(self, line: Line) -> None:
        """Behind an instruction that is wrong, its documents are not to be read as instructions."""
        name = line.text.split(maxsplit=1)[0].upper() if line.text.strip() else ""
        if name not in _WITH_HEREDOCS or "<<" not in line.text:
            return
        for announced in heredocs_of(line.text):
            ends = [at for at in range(self._at, len(self._lines)) if self._lines[at].strip() == announced.name]
            if ends:
                self._at = ends[0] + 1


def _announced(found: Instruction, line: Line) -> list[Announced]:
    name = found.name
    if name == "ONBUILD" and found.words:
        name = found.words[0].text.upper()
    if name not in _WITH_HEREDOCS or found.is_json or "<<" not in line.text:
        return []
    return heredocs_of(line.text)
