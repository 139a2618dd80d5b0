"""The program that answers git's question for a password: for one host only, and with no secret in it.

The secret goes through a pipe that git and its children inherit, a line for each time it may be asked. So it stands in
no argument, no environment and no file, and nothing is left of it when we are killed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pipelinegen.edge.git.address import Address
from pipelinegen.errors import InputError, WorldError

if TYPE_CHECKING:
    from pipelinegen.redact import Secret

# dash reads only one digit after `<&`; nothing in git uses a fixed number above 2.
DESCRIPTOR = 9
# git asks once for each connection, and once more after a refusal.
ANSWERS = 8


class Credentials(NamedTuple):
    """Who we are for the one host of the manifest repository."""

    username: str
    secret: Secret


def write_askpass(folder: str, address: Address, credentials: Credentials) -> str:
    """Write the program (mode 0700) and return its path."""
    import shlex
    from urllib.parse import quote

    user = credentials.username
    if not user or not user.isprintable() or not user.isascii():
        raise InputError("the user name for git holds a character that is not printable ASCII", id="bad-url")
    scheme, _, host = address.origin.partition("://")
    # git before 2.48 shows the user name as it is, later ones percent-encoded (CVE-2024-50349).
    asked = {f"Password for '{scheme}://{name}@{host}': " for name in (user, quote(user, safe=""))}
    username_asked = f"Username for '{address.origin}': "
    script = (
        "#!/bin/sh\n"
        "# The whole question must be the expected one: a redirect to another host is not answered.\n"
        'case "$1" in\n'
        f"{shlex.quote(username_asked)}) printf '%s\\n' {shlex.quote(user)} ;;\n"
        f"{'|'.join(shlex.quote(question) for question in sorted(asked))})\n"
        f"  IFS= read -r secret <&{DESCRIPTOR} && printf '%s\\n' \"$secret\" ;;\n"
        "*) exit 1 ;;\n"
        "esac\n"
    )
    path = os.path.join(folder, "askpass")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(script)
    if not os.access(path, os.X_OK):
        raise WorldError(
            "programs in the temporary folder cannot be run (mounted noexec?)",
            id="disk",
            where=folder,
            next="set TMPDIR to a folder whose programs may run",
        )
    return path


@contextlib.contextmanager
def offered(credentials: Credentials | None) -> Iterator[dict[int, int]]:
    """The descriptors that one git command must inherit to find the secret."""
    if credentials is None:
        yield {}
        return
    reader, writer = os.pipe()
    try:
        try:
            os.set_blocking(writer, False)
            line = credentials.secret.value.encode() + b"\n"
            with contextlib.suppress(BlockingIOError):
                # A pipe takes up to 4096 bytes at once or not at all, so a line is never cut.
                for _ in range(ANSWERS if len(line) <= 4096 else 1):
                    os.write(writer, line)
        finally:
            os.close(writer)
        yield {DESCRIPTOR: reader}
    finally:
        os.close(reader)
