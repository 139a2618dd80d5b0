"""From GitLab's JSON to the port's values: what must be there is checked; what is not is an error, not a default."""

from __future__ import annotations

import re
from typing import Any

from pipelinegen.edge.forge.port import CommitStatus, Health, PullRequest, State

_DRAFT = re.compile(r"^(?:\s*(?:\[draft\]|\(draft\)|draft:))+\s*", re.IGNORECASE)
_STATES: dict[str, State] = {"opened": "open", "locked": "open", "closed": "closed", "merged": "merged"}
_HEALTH: dict[str, Health] = {"success": "success", "skipped": "success", "failed": "failure", "canceled": "failure"}


def plain_title(title: str) -> str:
    """The title without the words that make a merge request a draft."""
    return _DRAFT.sub("", title)


def pull_request(data: Any) -> PullRequest:
    state = _STATES[data["state"]]
    milestone = data.get("milestone")
    # With fast-forward merges there is no merge commit: the head itself is on the base.
    merged = data.get("merge_commit_sha") or data.get("squash_commit_sha") or data["sha"]
    return PullRequest(
        number=_kept(data, "iid", int),
        url=_kept(data, "web_url", str),
        state=state,
        head_branch=_kept(data, "source_branch", str),
        head_sha=_kept(data, "sha", str),
        base_branch=_kept(data, "target_branch", str),
        title=plain_title(data["title"]),
        body=(data["description"] or "").replace("\r\n", "\n"),
        draft=bool(data.get("draft", data.get("work_in_progress", False))),
        merged_sha=merged if state == "merged" else None,
        author=data["author"]["username"] if data["author"] else "",
        labels=tuple(data["labels"]),
        reviewers=tuple(user["username"] for user in data.get("reviewers") or []),
        assignees=tuple(user["username"] for user in data.get("assignees") or []),
        milestone=milestone["title"] if milestone else None,
        auto_merge=bool(data.get("merge_when_pipeline_succeeds")),
    )


def _kept(data: Any, key: str, kind: type) -> Any:
    if not isinstance(data[key], kind) or not data[key]:
        raise TypeError(f"{key} is {data[key]!r}"[:100])
    return data[key]


def status(data: Any) -> CommitStatus:
    state = _HEALTH.get(_kept(data, "status", str), "pending")
    return CommitStatus(_kept(data, "name", str), state, data["description"] or "", data["target_url"] or None)
