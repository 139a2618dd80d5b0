"""Delivery into the checkout that was given: the files alone, or a commit of exactly these files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipelinegen.edge.worktree import Worktree
from pipelinegen.errors import InputError
from pipelinegen.manifests.plan import Plan
from pipelinegen.report import Report


class Delivery(NamedTuple):
    """How far a change went, for the JSON document."""

    how: str
    branch: str | None = None
    commit: str | None = None
    pull_request: Mapping[str, Any] | None = None

    def data(self) -> dict[str, Any]:
        return self._asdict()


def deliver_here(
    tree: Worktree,
    contents: Mapping[str, bytes],
    plan: Plan,
    delivery: Delivery,
    report: Report,
    message: str | None = None,
) -> Delivery:
    """Write the files; with `commit`, commit them and nothing else. message: another one than that of a bump."""
    if delivery.how == "worktree":
        tree.write(contents)
        return delivery
    if delivery.how != "commit":
        raise InputError(
            f"--deliver {delivery.how} needs the URL of a repository, and {tree.root} is a checkout",
            id="bad-url",
            next="give --repo URL, or --deliver commit and push it yourself",
        )
    from pipelinegen.edge.local_commit import commit
    from pipelinegen.edge.local_commit import message as bump_message

    branch, sha = commit(tree, contents, message or bump_message(plan))
    report.say(f"committed {sha[:12]} on {branch}")
    return delivery._replace(branch=branch, commit=sha)
