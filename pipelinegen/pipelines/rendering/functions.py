"""What stages of a Jenkinsfile have in common is written once: equal shell steps become functions at its end."""

from __future__ import annotations

import re
from collections import Counter

_STEP = re.compile(r"( *)(sh\(label: '((?:[^'\\]|\\.)*)', (returnStatus: true, )?script: '''.*)")
_END = "''')"
# A shorter script is read faster where it stands.
_FEWEST = 4


def with_functions(text: str) -> str:
    """The same pipeline, in which shell steps that occur more than once are functions."""
    lines = text.splitlines()
    steps = _steps(lines)
    counted = Counter(content for _, _, content in steps)
    names: dict[tuple[str, ...], str] = {}
    taken = set(re.findall(r"^(?:void|int|def) (\w+)\(", text, re.MULTILINE))
    found: list[str] = []
    at = 0
    for first, last, content in steps:
        if counted[content] < 2 or len(content) < _FEWEST:
            continue
        if content not in names:
            names[content] = _name(content[0], taken)
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip(" "))]
        found += [*lines[at:first], f"{indent}{names[content]}()"]
        at = last
    found += lines[at:]
    for content, name in names.items():
        found += ["", f"{'int' if 'returnStatus: true' in content[0] else 'void'} {name}() {{", *_body(content), "}"]
    return "\n".join(found) + "\n"


def _steps(lines: list[str]) -> list[tuple[int, int, tuple[str, ...]]]:
    """The shell steps: their lines from first to last (excluded), and what they say wherever they stand."""
    found = []
    at = 0
    while at < len(lines):
        step = _STEP.fullmatch(lines[at])
        if step is None:
            at += 1
            continue
        end = at if step[2].endswith(_END) else lines.index(_END, at + 1)
        found.append((at, end + 1, (step[2], *lines[at + 1 : end + 1])))
        at = end + 1
    return found


def _body(content: tuple[str, ...]) -> list[str]:
    start = "return " if "returnStatus: true" in content[0] else ""
    return [f"  {start}{content[0]}", *content[1:]]


def _name(line: str, taken: set[str]) -> str:
    """`do` before it keeps it apart from steps of Jenkins and methods of Java, such as `wait`."""
    step = _STEP.fullmatch(line)
    words = re.findall("[A-Za-z0-9]+", step[3] if step else "")
    name = "do" + "".join(word[:1].upper() + word[1:] for word in words)
    while name in taken:
        name += "2"
    taken.add(name)
    return name
