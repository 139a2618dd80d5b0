"""The commands around a push: scanners, bills of materials, signatures, with the image in their variables."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelinegen.errors import Refused

if TYPE_CHECKING:
    from pipelinegen.config.images import HostCommand

SHOWN_LINES = 10
# A hook signs with the identity of the job and logs in to the registry, but has no business at the forge.
_FORGE_TOKENS = frozenset({"GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN"})


def run_hooks(
    hooks: Sequence[HostCommand], facts: Mapping[str, str], folder: str, tell: Callable[[str], object], when: str
) -> None:
    """Run them one after the other; Refused at the first that fails."""
    for hook in hooks:
        _run(hook, facts, folder, tell, when)


def _run(hook: HostCommand, facts: Mapping[str, str], folder: str, tell: Callable[[str], object], when: str) -> None:
    from pipelinegen.edge.process import shown, stream

    written = [hook.command, *hook.args]
    # A path is one from the folder of the configuration, wherever we were started.
    own = "/" in hook.command and not os.path.isabs(hook.command)
    argv = [os.path.join(folder, hook.command) if own else hook.command, *hook.args]
    tell(f"+ {shown(written)}")
    lines: list[str] = []

    def line(text: bytes) -> None:
        lines.append(text.decode("utf-8", "replace"))
        tell(lines[-1])

    code = stream(argv, line, cwd=folder, env={**others_environment(), **facts}, timeout=hook.timeout.total_seconds())
    if code != 0:
        raise Refused(
            f"the hook {hook.name} failed (exit code {code})",
            id="hook-failed",
            where=shown(written),
            state="nothing was pushed" if when == "before" else f"pushed: {facts['IMAGE']}",
            details=lines[-SHOWN_LINES:],
        )


def others_environment() -> dict[str, str]:
    """Our variables for programs of the user's: neither ours nor git's, and no token of the forge."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIPELINEGEN_", "GIT_")) and name not in _FORGE_TOKENS
    }
