"""Which git is installed, and whether it is new enough."""

from __future__ import annotations

import re

from pipelinegen.edge.process import capture
from pipelinegen.errors import WorldError

# `cat-file --batch-command` came with 2.36.
OLDEST = (2, 36)
# The first releases of each line with the fixes of July 2025 (CVE-2025-48384 and others). A distribution may have
# put the fixes into an older number: this is worth a warning, never a refusal.
FIXED = ((2, 43, 7), (2, 44, 4), (2, 45, 4), (2, 46, 4), (2, 47, 3), (2, 48, 2), (2, 49, 1), (2, 50, 1))


def installed_git() -> tuple[int, ...]:
    """The version of the git on PATH. Raises WorldError where there is none."""
    done = capture(["git", "version"], timeout=30.0)
    match = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", done.stdout)
    return tuple(int(part) for part in match.groups(b"0")) if match else (0,)


def require_git() -> None:
    """Raise WorldError where git is missing or too old."""
    version = installed_git()
    if version < OLDEST:
        raise WorldError(
            f"git {_shown(version)} is too old",
            id="git-too-old",
            next=f"install git {_shown(OLDEST)} or newer",
        )


def lacks_fixes(version: tuple[int, ...]) -> bool:
    """Is it, by its number, a release with known holes that were closed in July 2025?"""
    line = [fixed for fixed in FIXED if fixed[:2] == version[:2]]
    return version < line[0] if line else version < FIXED[0]


def _shown(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
