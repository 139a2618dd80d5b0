"""Names of branches: git's own rule for them, and the one flat name under which a delivery is always found again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

NAME_MAX = 100
ENVIRONMENT_MAX = 40
# git writes refs/heads/NAME.lock beside the ref, and a file name ends at 255 bytes.
_COMPONENT_MAX = 250
_FORBIDDEN = " ~^:?*[\\"


def branch_problem(name: str) -> str | None:
    """Why git would not take this as the name of a branch (`git check-ref-format --branch`), None if it would.

    Three rules are ours: not `@`, which git reads as HEAD; no leading `+`, which forces a push where a refspec is read;
    no part too long for a file.
    """
    if not name:
        return "a branch name is not empty"
    if name in ("@", "HEAD"):
        return f"a branch cannot be called {name}"
    for start, why in (("-", "as an option"), ("+", "as a forced push")):
        if name.startswith(start):
            return f"a branch name does not begin with {start}, which is read {why}"
    for part in ("..", "@{"):
        if part in name:
            return f"a branch name does not hold {part}"
    for character in name:
        if character in _FORBIDDEN:
            return f"a branch name does not hold {'a blank' if character == ' ' else character}"
        if ord(character) < 32 or ord(character) == 127:
            return f"a branch name does not hold the control character U+{ord(character):04X}"
    return _component_problem(name)


def _component_problem(name: str) -> str | None:
    if name.endswith("."):
        return "a branch name does not end with a dot"
    for component in name.split("/"):
        if not component:
            return "a branch name has no slash at its start, at its end or beside another"
        if component.startswith("."):
            return "no part of a branch name begins with a dot"
        if component.endswith(".lock"):
            return "no part of a branch name ends with .lock"
        if len(component.encode("utf-8", errors="surrogatepass")) > _COMPONENT_MAX:
            return f"no part of a branch name is longer than {_COMPONENT_MAX} bytes"
    return None


def branch_name(environment: str | None, slug: str, targets: Sequence[str]) -> str:
    """`pipelinegen-ENVIRONMENT-SLUG-HASH`: the same for the same environment and set of targets, whatever their order.

    The words are for people. The hash is over environment and targets, so that two deliveries whose words are cut or
    cleaned to the same text still have two branches. One flat name: a branch `x` would forbid every branch `x/y`.
    """
    wanted = json.dumps([environment, sorted(set(targets))], ensure_ascii=True, separators=(",", ":"))
    key = hashlib.sha256(wanted.encode("ascii")).hexdigest()[:12]
    first = _word(environment or "", ENVIRONMENT_MAX) or "bump"
    room = NAME_MAX - len(f"pipelinegen-{first}--{key}")
    return "-".join(part for part in ("pipelinegen", first, _word(slug, room), key) if part)


def _word(text: str, longest: int) -> str:
    """The text in the characters that every forge and file system takes in a branch, cut at `longest`."""
    clean = re.sub(r"[^0-9A-Za-z_.]+", "-", text)
    return re.sub(r"\.{2,}", ".", clean)[:longest].strip("-.")
