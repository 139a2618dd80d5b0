"""What a CI run is about: the git ref that is built, whether it may push, and what the forge says of the repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")


class CiEvent(NamedTuple):
    """`ref` is refs/heads/main, refs/tags/v1.2.3 or refs/pull/12/merge, empty where it is not known.

    fork: it builds what somebody without write access has proposed. head: the ref of the remote where the newest
    commit of what is built stands. The rest is what the forge says of the repository.
    """

    ref: str = ""
    schedule: bool = False
    fork: bool = False
    head: str | None = None
    default_branch: str | None = None
    base_ref: str | None = None
    title: str | None = None
    description: str | None = None
    licenses: str | None = None


def read_event(environ: Mapping[str, str]) -> CiEvent:
    """The event that these variables of a CI system tell of; an empty one outside CI."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    if environ.get("JENKINS_URL") or environ.get("JENKINS_HOME"):
        return _jenkins(environ)
    return CiEvent()


def _github(environ: Mapping[str, str]) -> CiEvent:
    event = _payload(environ.get("GITHUB_EVENT_PATH"))
    name = environ.get("GITHUB_EVENT_NAME", "")
    repository = environ.get("GITHUB_REPOSITORY", "")
    ref, head = environ.get("GITHUB_REF", ""), None
    number = _text(event, "number") or _text(event, "pull_request", "number")
    source = _text(event, "pull_request", "head", "repo", "full_name")
    if name == "pull_request_target" and number:
        # Its GITHUB_REF is the base branch, and what it builds is a stranger's.
        ref = f"refs/pull/{number}/merge"
    if name == "workflow_run":
        source = _text(event, "workflow_run", "head_repository", "full_name")
        branch = _text(event, "workflow_run", "head_branch")
        ref = f"refs/heads/{branch}" if branch else ref
    if ref.startswith("refs/pull/"):
        head = ref.replace("/merge", "/head")
    # A fork that was deleted meanwhile has no repository any more; and who does not say whose it is, is a stranger.
    gone = name in _PULL_REQUEST_EVENTS and source is None
    return CiEvent(
        ref=ref,
        schedule=name == "schedule",
        fork=gone or (source is not None and source.lower() != repository.lower()),
        head=head,
        default_branch=_text(event, "repository", "default_branch"),
        base_ref=_text(event, "pull_request", "base", "ref") or _branch(_text(event, "base_ref")),
        title=_text(event, "repository", "name") or repository.rpartition("/")[2] or None,
        description=_text(event, "repository", "description"),
        licenses=_text(event, "repository", "license", "spdx_id"),
    )


def _gitlab(environ: Mapping[str, str]) -> CiEvent:
    number, source = environ.get("CI_MERGE_REQUEST_IID"), environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    ref = ""
    if environ.get("CI_COMMIT_TAG"):
        ref = f"refs/tags/{environ['CI_COMMIT_TAG']}"
    elif number:
        ref = f"refs/pull/{number}/merge"
    elif environ.get("CI_COMMIT_BRANCH"):
        ref = f"refs/heads/{environ['CI_COMMIT_BRANCH']}"
    return CiEvent(
        ref=ref,
        schedule=environ.get("CI_PIPELINE_SOURCE") == "schedule",
        fork=bool(number) and source != environ.get("CI_MERGE_REQUEST_PROJECT_ID"),
        head=f"refs/merge-requests/{number}/head" if number else None,
        default_branch=environ.get("CI_DEFAULT_BRANCH") or None,
        base_ref=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or None,
        title=environ.get("CI_PROJECT_NAME") or None,
        description=environ.get("CI_PROJECT_DESCRIPTION") or None,
    )


def _jenkins(environ: Mapping[str, str]) -> CiEvent:
    branch = (environ.get("BRANCH_NAME") or environ.get("GIT_BRANCH") or "").removeprefix("origin/")
    number, tag = environ.get("CHANGE_ID"), environ.get("TAG_NAME")
    ref = f"refs/tags/{tag}" if tag else f"refs/pull/{number}/merge" if number else ""
    return CiEvent(
        ref=ref or (f"refs/heads/{branch}" if branch else ""),
        fork=bool(environ.get("CHANGE_FORK")),
        default_branch=branch if environ.get("BRANCH_IS_PRIMARY") == "true" else None,
        base_ref=environ.get("CHANGE_TARGET") or None,
    )


def _payload(path: str | None) -> dict[str, Any]:
    try:
        with open(path or "", encoding="utf-8") as file:
            event = json.load(file)
    except (OSError, ValueError):
        return {}  # act and self-written runners have none
    return event if isinstance(event, dict) else {}


def _text(event: Any, *keys: str) -> str | None:
    for key in keys:
        event = event.get(key) if isinstance(event, dict) else None
    return str(event) if isinstance(event, str | int) and not isinstance(event, bool) and event != "" else None


def _branch(ref: str | None) -> str | None:
    return ref.removeprefix("refs/heads/") if ref else None
