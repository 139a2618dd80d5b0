"""From GitHub's JSON to the port's values: what must be there is checked; what is not is an error, not a default."""

from __future__ import annotations

from typing import Any

from pipelinegen.edge.forge.port import CommitStatus, Health, PullRequest, State

_HEALTH: dict[str, Health] = {"success": "success", "failure": "failure", "error": "failure"}
_GOOD = frozenset({"success", "neutral", "skipped"})


def within(data: Any, kind: type, *keys: str) -> Any:
    """A field of an answer, of the kind that it must have."""
    for key in keys:
        data = data[key]
    if not isinstance(data, kind) or data == "":
        raise TypeError(f"{'.'.join(keys)} is {data!r}"[:100])
    return data


def pull_request(data: Any) -> PullRequest:
    merged = data["merged_at"] is not None
    milestone = data.get("milestone")
    return PullRequest(
        number=within(data, int, "number"),
        url=within(data, str, "html_url"),
        state=_state(within(data, str, "state"), merged),
        head_branch=within(data, str, "head", "ref"),
        head_sha=within(data, str, "head", "sha"),
        base_branch=within(data, str, "base", "ref"),
        title=data["title"] or "",
        body=(data["body"] or "").replace("\r\n", "\n"),
        draft=bool(data.get("draft")),
        merged_sha=data["merge_commit_sha"] if merged else None,
        author=data["user"]["login"] if data["user"] else "",
        # Older GitHub Enterprise Servers have some of these not yet.
        labels=tuple(label["name"] for label in data.get("labels") or []),
        reviewers=tuple(user["login"] for user in data.get("requested_reviewers") or []),
        teams=tuple(team["slug"] for team in data.get("requested_teams") or []),
        assignees=tuple(user["login"] for user in data.get("assignees") or []),
        milestone=milestone["title"] if milestone else None,
        auto_merge=bool(data.get("auto_merge")),
    )


def _state(state: str, merged: bool) -> State:
    if merged:
        return "merged"
    if state not in ("open", "closed"):
        raise ValueError(f"state is {state!r}")
    return "open" if state == "open" else "closed"


def statuses(data: Any) -> CommitStatus:
    state = _HEALTH.get(within(data, str, "state"), "pending")
    return CommitStatus(within(data, str, "context"), state, data["description"] or "", data["target_url"] or None)


def checks(data: Any) -> CommitStatus:
    state: Health = "pending"
    if within(data, str, "status") == "completed":
        state = "success" if data["conclusion"] in _GOOD else "failure"
    said = (data.get("output") or {}).get("title") or ""
    return CommitStatus(within(data, str, "name"), state, said, data.get("html_url") or None)
