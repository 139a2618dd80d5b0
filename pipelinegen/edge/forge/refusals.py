"""What a forge's no means: which token, scope or right is missing, in an error that names it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pipelinegen.edge.forge.port import Rejected
from pipelinegen.errors import NotPermitted, PipelinegenError, WorldError
from pipelinegen.markdown import visible


def refusal(
    status: int,
    said: Any,
    headers: Mapping[str, str],
    *,
    task: str,
    needs: str,
    where: str,
    variable: str,
) -> PipelinegenError:
    """The error for an answer of 400 to 499. `needs` is the scope or right that the task takes."""
    words = spoken(said)
    if status == 401:
        return _bad_token(words, task=task, where=where, variable=variable)
    if status in (403, 404):
        return _no_right(status, words, headers, task=task, needs=needs, where=where, variable=variable)
    return Rejected(f"the forge refused to {task} ({status})", status=status, where=where, details=words)


def _bad_token(words: list[str], *, task: str, where: str, variable: str) -> NotPermitted:
    text = " ".join(words).lower()
    expired = "expired" in text or "revoked" in text
    return NotPermitted(
        f"{variable} {'has expired or was revoked' if expired else 'was not accepted'}, so we could not {task}",
        id="expired" if expired else "bad-token",
        where=where,
        next=f"set {variable} to a token that is valid there",
        details=words,
    )


def _no_right(
    status: int, words: list[str], headers: Mapping[str, str], *, task: str, needs: str, where: str, variable: str
) -> NotPermitted:
    text = " ".join(words).lower()
    if "archived" in text or "read-only" in text:
        return NotPermitted(
            f"the repository is archived or read-only, so we could not {task}",
            id="protected",
            where=where,
            details=words,
            next="unarchive it, or name another manifest repository",
        )
    if "required" in headers.get("x-github-sso", ""):
        needs = f"the organisation's single sign-on, authorised for this token; and {needs}"
    elif accepted := headers.get("x-accepted-github-permissions"):
        needs = visible(accepted).replace("=", ": ").replace(";", " or")
    unseen = " (the repository is not there, or the token may not see it)" if status == 404 else ""
    had = headers.get("x-oauth-scopes")
    return NotPermitted(
        f"not permitted to {task}{unseen}",
        id="scope-missing",
        where=where,
        next=f"give {variable} the right {needs}",
        details=[*words, *([f"the token's scopes: {visible(had)}"] if had else [])],
    )


def spoken(said: Any) -> list[str]:
    """The forge's own words, in at most ten short lines: `message`, `error`, `errors`, or what there is."""
    if isinstance(said, bytes):
        said = said.decode("utf-8", "replace")
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            return [visible(line)[:300] for line in said.splitlines() if line.strip() and "<" not in line][:10]
    lines = list(_sentences(said))
    return [visible(re.sub(r"\s+", " ", line))[:300] for line in dict.fromkeys(lines) if line.strip()][:10]


def _sentences(said: Any, key: str = "") -> list[str]:
    if isinstance(said, dict):
        kept = {name: value for name, value in said.items() if name not in ("documentation_url", "status", "locations")}
        if set(kept) >= {"resource", "code"}:
            return [str(kept.get("message") or f"{kept['resource']}.{kept.get('field')} is {kept['code']}")]
        return [line for name, value in kept.items() for line in _sentences(value, name)]
    if isinstance(said, list | tuple):
        return [line for value in said for line in _sentences(value, key)]
    if said is None or isinstance(said, bool | int | float):
        return []
    plain = key in ("", "message", "error", "errors", "error_description", "data")
    return [str(said) if plain else f"{key}: {said}"]


def incomplete(task: str, lacking: str, where: str) -> WorldError:
    """An answer that lacks what it must have: nothing is believed of it."""
    return WorldError(
        f"the forge's answer lacks {lacking}, so we cannot say whether it did {task}",
        id="server-refused",
        where=where,
        next="run the same command again; it looks before it acts",
    )
