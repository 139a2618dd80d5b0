"""A command under a shell that does not end before all that the command wrote has been read.

Buildah's chroot isolation ends without waiting for what hands on the command's output (chroot/run_common.go, the relays
of runUsingChrootMain): of a quick command the last of it is lost now and then. So the shell marks the end of both
outputs, and waits for the end of its own input, which comes once both marks are here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

# How the shell calls itself where it cannot start the command; no command writes that by chance.
NAME = "pipelinegen-shell"
SHELL = "/bin/sh"
# What the shell itself says (`Killed`) is not the command's.
_SCRIPT = (
    'mark=$1; shift; exec 3>&2 2>/dev/null; (exec "$@" </dev/null 2>&3 3>&-); code=$?; '
    'echo "$mark"; echo "$mark" >&3; read -r mark; exit "$code"'
)
_REFUSED = re.compile(rf"^{NAME}: [^\n]*\n?\Z".encode(), re.MULTILINE)
_NO_SHELL = re.compile(
    rb"process failed to start with error: (?:fork/exec /bin/sh|exec: \"/bin/sh\"): "
    rb"(?:no such file or directory|permission denied|exec format error|stat /bin/sh[^\n]*)"
)


def new_mark() -> str:
    return f"{NAME}:{secrets.token_hex(16)}"


def waiting(mark: str, argv: Sequence[str]) -> list[str]:
    """The command line under the shell of the container."""
    return [SHELL, "-c", _SCRIPT, NAME, mark, *argv]


def has_no_shell(stderr: bytes) -> bool:
    """Whether buildah says that the shell could not be started, and so nothing was."""
    return _NO_SHELL.search(stderr) is not None


def was_refused(code: int, stderr: bytes) -> bool:
    """Whether the shell says that it could not start the command."""
    return code in (126, 127) and _REFUSED.search(stderr) is not None
