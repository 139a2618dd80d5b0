"""What --chmod asks for: an octal number, or chmod's words (u=rwX,go+r), for each file and folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)")
_ACTION = re.compile(r"([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)")
_SHIFT = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}


class Mode(NamedTuple):
    """`new` is what made folders get, which have no mode before."""

    change: Callable[[int, bool], int]
    new: int


def read_mode(text: str) -> Mode | None:
    """None where it is neither."""
    if re.fullmatch(r"[0-9]+", text):
        number = int(text, 8) if re.fullmatch(r"[0-7]{1,6}", text) else 0o10000
        return Mode(lambda _, __: number, number & 0o777) if number <= 0o7777 else None
    clauses = [_CLAUSE.fullmatch(part) for part in text.split(",")]
    if not all(clauses):
        return None
    steps = [
        (who or "a", action)
        for clause in clauses
        if clause is not None
        for who in (clause[1],)
        for action in _ACTION.findall(clause[2])
    ]

    def change(mode: int, is_folder: bool) -> int:
        for who, (how, what) in steps:
            mode = _step(mode, is_folder, "ugo" if "a" in who else who, how, what)
        return mode

    return Mode(change, 0o755)


def _step(mode: int, is_folder: bool, who: str, how: str, what: str) -> int:
    changed = 0
    for each in who:
        changed |= _wanted(mode, is_folder, what) << _SHIFT[each]
    changed |= 0o4000 if "s" in what and "u" in who else 0
    changed |= 0o2000 if "s" in what and "g" in who else 0
    changed |= 0o1000 if "t" in what and len(set(who)) == 3 else 0
    if how == "+":
        return mode | changed
    if how == "-":
        return mode & ~changed
    cleared = sum(7 << _SHIFT[each] for each in set(who))
    return (mode & ~cleared) | changed


def _wanted(mode: int, is_folder: bool, what: str) -> int:
    if what and what in _SHIFT:
        return mode >> _SHIFT[what] & 7
    bits = sum(_BITS.get(letter, 0) for letter in set(what))
    if "X" in what and (is_folder or mode & 0o111):
        bits |= 1
    return bits
