"""Text of others inside Markdown: shown as it is, and never a link, a mention, a reference or a command."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

LONGEST_SPAN = 1000

_JOINER = "\u200d"  # zero width joiner: unseen, and no forge's pattern for a name or a number matches across it
# https://docs.gitlab.com/ee/user/project/issues/managing_issues.html#default-closing-pattern is the wider of the two.
_CLOSING = re.compile(r"(?i)\b(clos|fix|resolv|implement)(?=(?:e|es|ed|ing|s)?\b)")
_ISSUE = re.compile(r"([#!&%$~])(?=[\w\"])|(\bGH-)(?=\d)", re.ASCII)
_MENTION = re.compile(r"@(?=[\w\[])")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:=^$&/])")
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~%/+:@!$&'*,;=?-]*)?", re.ASCII)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def visible(text: str) -> str:
    """Control, format, bidi and surrogate characters as \\uXXXX, so that nothing reads otherwise than it is."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN_CATEGORIES:
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def defused(text: str) -> str:
    """One line of plain text in which a forge finds no mention, reference or closing keyword: for titles."""
    text = _MENTION.sub(f"@{_JOINER}", visible(text))
    text = _ISSUE.sub(lambda match: f"{match.group(0)}{_JOINER}", text)
    return _unclosing(text)


def _unclosing(text: str) -> str:
    return _CLOSING.sub(lambda match: f"{match.group(0)[0]}{_JOINER}{match.group(0)[1:]}", text)


def escaped(text: str) -> str:
    """One line of plain text for running Markdown: every mark of Markdown and every autolink is taken apart."""
    return _SPECIAL.sub(r"\\\1", defused(text).replace("www.", f"www{_JOINER}.").replace("://", f":{_JOINER}//"))


def span(text: str) -> str:
    """A code span that holds exactly this text, whatever backticks are in it."""
    text = visible(text)
    if len(text) > LONGEST_SPAN:
        text = f"{text[:LONGEST_SPAN]}… ({len(text)} characters)"
    if not text.strip(" "):
        return "(blank)" if text else "(empty)"
    # GitLab looks for closing keywords in the source, code or not.
    text = _unclosing(text) if re.search(r"[#!]\d|://", text) else text
    ticks = "`" * (_longest_run(text) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fence(text: str, language: str = "") -> str:
    """A fenced block that holds these lines. A line that begins with / gets a blank: GitLab would run it."""
    lines = [_unclosing(visible(line)) for line in text.replace("\t", "    ").split("\n")]
    body = "\n".join(f" {line}" if line.lstrip().startswith("/") else line for line in lines)
    ticks = "`" * max(3, _longest_run(body) + 1)
    return f"{ticks}{language}\n{body}\n{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def link(text: str, url: str) -> str:
    """A link whose address is plain http(s); anything else is shown, not linked."""
    return f"[{escaped(text)}](<{url}>)" if _URL.fullmatch(url) else f"{escaped(text)}: {span(url)}"


def fitting(lines: Sequence[str], room: int, more: Callable[[int], str]) -> list[str]:
    """As many of the lines as fit into `room` characters; when some do not, a last line that says how many."""
    if sum(len(line) + 1 for line in lines) <= room:
        return list(lines)
    kept: list[str] = []
    room -= len(more(len(lines))) + 1
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return [*kept, more(len(lines) - len(kept))]
