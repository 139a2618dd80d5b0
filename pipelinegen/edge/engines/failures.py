"""What the last words of an engine mean: whose fault it is, and whether another try is worth it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, Refused, WorldError

SHOWN_LINES = 10


class _Meaning(NamedTuple):
    pattern: re.Pattern[str]
    kind: type[PipelinegenError]
    id: str
    what: str
    next: str | None = None


def _meaning(pattern: str, kind: type[PipelinegenError], id: str, what: str, next: str | None = None) -> _Meaning:
    return _Meaning(re.compile(pattern, re.IGNORECASE), kind, id, what, next)


_DAEMON = (
    _meaning(
        r"permission denied while trying to connect|dial unix .*: permission denied",
        NotPermitted,
        "engine-permission",
        "this user may not talk to the Docker daemon",
        "add the user to the group docker, or use podman or buildah, which need no daemon",
    ),
    _meaning(
        r"cannot connect to the docker daemon|error during connect|is the docker daemon running",
        WorldError,
        "engine-missing",
        "the Docker daemon does not answer",
        "start it, or set DOCKER_HOST to where it listens",
    ),
    _meaning(
        r"no space left on device|disk quota exceeded",
        WorldError,
        "disk",
        "the disk is full",
        "free space (docker system prune, buildah prune) and run the command again",
    ),
)

# The step of a Dockerfile that exits with a code: what its output says of networks is no matter of ours.
_STEP = re.compile(
    r"did not complete successfully: exit code|executor failed running \[.*\]: exit code"
    r"|returned a non-zero code: |while running runtime: exit status|: exit status \d+$",
    re.IGNORECASE,
)

_BUILD = (
    _meaning(
        r"dockerfile parse error|unknown instruction|failed to (?:read|find) dockerfile|cannot locate dockerfile"
        r"|unable to evaluate symlinks in dockerfile path|file with no instructions|no build stage in current context"
        r"|the dockerfile .* cannot be empty|(?:requires|takes) (?:at least |exactly )?\w+ arguments?",
        InputError,
        "bad-dockerfile",
        "the Dockerfile cannot be read",
    ),
    _meaning(
        r"target stage .*could not be found|failed to reach build target|no stage .*found|\btarget\b.*\bnot found",
        InputError,
        "bad-dockerfile",
        "the Dockerfile has no such target",
    ),
    _meaning(
        r"exec format error|exec user process caused",
        InputError,
        "bad-platform",
        "programs of that platform do not run on this machine",
        "register an emulator (docker run --privileged tonistiigi/binfmt --install all), or build on such a machine",
    ),
    _meaning(
        r"toomanyrequests|429 too many|rate limit",
        WorldError,
        "rate-limited",
        "the registry of a base image limits how often it is asked",
        "log in to it, or try again later",
    ),
    _meaning(
        r"pull access denied|insufficient_scope|unauthorized|authentication required|access to the resource is denied"
        r"|403 forbidden|401 unauthorized",
        NotPermitted,
        "scope-missing",
        "a base image may not be read, or does not exist",
        "log in to its registry (docker login), or correct its name",
    ),
    _meaning(
        r"manifest unknown|manifest for .* not found|no matching manifest|no such image|name unknown"
        r"|failed to resolve source metadata .*: not found",
        InputError,
        "bad-image",
        "a base image does not exist for this platform",
    ),
    _meaning(
        r"i/o timeout|tls handshake timeout|connection (?:refused|reset|timed out)|no such host|network is unreachable"
        r"|unexpected eof|temporary failure in name resolution|server misbehaving|context deadline exceeded"
        r"|50[0-9] (?:internal|bad gateway|service|gateway)|failed to do request|dial tcp|x509: "
        r"|server gave HTTP response to HTTPS client",
        WorldError,
        "net",
        "a registry cannot be reached",
    ),
)


def build_failure(engine: str, code: int, lines: Sequence[str]) -> PipelinegenError:
    """The error of a build that failed; `lines` are the last ones that the engine wrote."""
    said = [line.rstrip() for line in lines if line.strip()]
    verdict = _verdict(said)
    meanings = _DAEMON if _STEP.search(verdict) else (*_DAEMON, *_BUILD)
    for meaning in meanings:
        if meaning.pattern.search(verdict):
            return meaning.kind(
                f"{engine} cannot build: {meaning.what}",
                id=meaning.id,
                next=meaning.next,
                details=said[-SHOWN_LINES:],
            )
    return Refused(
        f"the build failed ({engine}, {ended(code)})",
        id="build-failed",
        details=said[-SHOWN_LINES:],
    )


def engine_failure(engine: str, doing: str, said: bytes, code: int | None = None) -> PipelinegenError:
    """The error of a command of an engine that is no build: of a container that could not be started, of a load."""
    lines = [line.rstrip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    verdict = _verdict(lines)
    for meaning in _DAEMON:
        if meaning.pattern.search(verdict):
            return meaning.kind(
                f"{engine} cannot {doing}: {meaning.what}",
                id=meaning.id,
                next=meaning.next,
                details=lines[-SHOWN_LINES:],
            )
    how = f" ({ended(code)})" if code is not None else ""
    return WorldError(f"{engine} cannot {doing}{how}", id="container-failed", details=lines[-SHOWN_LINES:])


def ended(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"ended by signal {-code}"


def _verdict(lines: Sequence[str]) -> str:
    """The line in which the engine says why it stops: the last one that begins as such lines do, else the last."""
    for line in reversed(lines):
        if re.match(r"(?:ERROR|Error|error)\b|failed to solve|The command |(?:docker|podman|buildah): ", line):
            return line
    return lines[-1] if lines else ""
