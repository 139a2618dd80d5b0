"""Which CI this is: one frozen value read from the environment, the credentials it offers, and where its outputs go."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipelinegen.errors import Defect, WorldError
from pipelinegen.redact import Secret

Kind = Literal["github", "gitlab", "jenkins", "none"]

DOTENV = "pipelinegen.env"
SUMMARY_LIMIT = 1024 * 1024 - 4096  # GitHub refuses the whole summary of a step above 1 MiB

# Events whose GITHUB_SHA is a merge commit that GitHub made up (or the tip of the base), not what was built.
_PULL_EVENTS = frozenset({"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SCP_LIKE = re.compile(r"(?:[^@/:]+@)?([^/:@]+):(?!//)(.+)")


@dataclass(frozen=True, slots=True)
class CiContext:
    """What the CI system says about this run. Absent facts are None."""

    kind: Kind = "none"
    source_url: str | None = None
    revision: str | None = None
    ref: str | None = None
    actor: str | None = None
    run_url: str | None = None
    server_url: str | None = None
    api_url: str | None = None
    output_file: str | None = None
    summary_file: str | None = None


def read_ci(environ: Mapping[str, str]) -> CiContext:
    """The CI that set these variables."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    if environ.get("JENKINS_URL") or environ.get("JENKINS_HOME"):
        return _jenkins(environ)
    return CiContext()


def _github(environ: Mapping[str, str]) -> CiContext:
    server = _trimmed(environ.get("GITHUB_SERVER_URL")) or "https://github.com"
    repository = environ.get("GITHUB_REPOSITORY")
    source = f"{server}/{repository}" if repository else None
    run = environ.get("GITHUB_RUN_ID")
    event = _event(environ.get("GITHUB_EVENT_PATH"))
    name = environ.get("GITHUB_EVENT_NAME", "")
    return CiContext(
        kind="github",
        source_url=source,
        revision=_built(name, event) or environ.get("GITHUB_SHA") or None,
        ref=environ.get("GITHUB_HEAD_REF") or environ.get("GITHUB_REF_NAME") or None,
        actor=environ.get("GITHUB_ACTOR") or None,
        run_url=f"{source}/actions/runs/{run}" if source and run else None,
        server_url=server,
        api_url=_trimmed(environ.get("GITHUB_API_URL")),
        output_file=environ.get("GITHUB_OUTPUT") or None,
        summary_file=environ.get("GITHUB_STEP_SUMMARY") or None,
    )


def _built(name: str, event: Mapping[str, Any]) -> str | None:
    """The revision that an event of GitHub is about, where GITHUB_SHA is another one."""
    if name in _PULL_EVENTS:
        place: Any = _within(event, "pull_request", "head", "sha")
    elif name == "workflow_run":
        place = _within(event, "workflow_run", "head_sha")
    else:
        return None
    return place if isinstance(place, str) and re.fullmatch(r"[0-9a-f]{40,64}", place) else None


def _within(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _event(path: str | None) -> dict[str, Any]:
    import json

    if not path:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            event = json.load(file)
    except (OSError, ValueError):
        return {}  # act and self-written runners have none; GITHUB_SHA stays
    return event if isinstance(event, dict) else {}


def _gitlab(environ: Mapping[str, str]) -> CiContext:
    folder = environ.get("CI_PROJECT_DIR") or "."
    return CiContext(
        kind="gitlab",
        source_url=_trimmed(environ.get("CI_PROJECT_URL")),
        # A merged-results pipeline runs on a commit that GitLab made up; the source branch's own is named beside it.
        revision=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA") or None,
        ref=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or environ.get("CI_COMMIT_REF_NAME") or None,
        actor=environ.get("GITLAB_USER_LOGIN") or None,
        run_url=environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL") or None,
        server_url=_trimmed(environ.get("CI_SERVER_URL")),
        api_url=_trimmed(environ.get("CI_API_V4_URL")),
        output_file=environ.get("PIPELINEGEN_DOTENV") or os.path.join(folder, DOTENV),
    )


def _jenkins(environ: Mapping[str, str]) -> CiContext:
    branch = environ.get("CHANGE_BRANCH") or environ.get("BRANCH_NAME") or environ.get("GIT_BRANCH") or None
    return CiContext(
        kind="jenkins",
        source_url=web_url(environ.get("GIT_URL")),
        revision=environ.get("GIT_COMMIT") or None,
        ref=branch.removeprefix("origin/") if branch else None,
        actor=environ.get("CHANGE_AUTHOR") or environ.get("BUILD_USER_ID") or None,
        run_url=environ.get("BUILD_URL") or None,
        output_file=environ.get("PIPELINEGEN_DOTENV") or None,
    )


def _trimmed(url: str | None) -> str | None:
    return url.rstrip("/") or None if url else None


def web_url(remote: str | None) -> str | None:
    """A git remote's page on the web: no user, no password, no `.git`; None for what has no page (a path)."""
    text = (remote or "").strip()
    scheme, found, rest = text.partition("://")
    if found and scheme.lower() in ("http", "https", "ssh", "git+ssh"):
        authority, _, path = rest.partition("/")
        host = authority.rpartition("@")[2]
        if not scheme.lower().startswith("http"):
            scheme, host = "https", host.partition(":")[0]
    elif not found and (scp := _SCP_LIKE.fullmatch(text)):
        scheme, host, path = "https", scp.group(1), scp.group(2)
    else:
        return None
    path = path.strip("/").removesuffix(".git")
    return f"{scheme.lower()}://{host.lower()}/{path}" if host and path else None


def forge_token(kind: str, environ: Mapping[str, str]) -> Secret | None:
    """The token for the manifest repository and its forge, from the variables that this kind of forge may use."""
    names = {"github": ["GH_TOKEN", "GITHUB_TOKEN"], "gitlab": ["GITLAB_TOKEN"]}.get(kind, [])
    for name in ["PIPELINEGEN_TOKEN", *names]:
        if value := environ.get(name):
            return Secret(name, value)
    return None


def forge_user(kind: str, environ: Mapping[str, str]) -> str:
    """The user name that goes with the token over https."""
    return environ.get("PIPELINEGEN_USERNAME") or ("oauth2" if kind == "gitlab" else "x-access-token")


def write_outputs(ci: CiContext, facts: Mapping[str, str]) -> None:
    """Hand the facts to the later steps of this CI: GITHUB_OUTPUT, or a dotenv file. Elsewhere nothing is written."""
    if not ci.output_file or not facts:
        return
    write = _github_outputs if ci.kind == "github" else _dotenv
    _append(ci.output_file, write(facts), replace=ci.kind != "github")


def _github_outputs(facts: Mapping[str, str]) -> str:
    return "".join(
        f"{_checked(name)}<<{(mark := _delimiter(value))}\n{value}\n{mark}\n" for name, value in facts.items()
    )


def _delimiter(value: str) -> str:
    mark = f"pipelinegen_{os.urandom(16).hex()}"
    if mark in value:
        raise Defect("an output holds its own random delimiter", id="output-delimiter")
    return mark


def _dotenv(facts: Mapping[str, str]) -> str:
    lines = []
    for name, value in facts.items():
        if "\n" in value or "\r" in value:
            raise Defect(f"the output {name} has more than one line, which a dotenv file cannot hold", id="output-line")
        lines.append(f"PIPELINEGEN_{_checked(name).upper().replace('-', '_')}={value}\n")
    return "".join(lines)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Defect(f"not a name for an output: {name!r}", id="output-name")
    return name


def write_summary(ci: CiContext, markdown: str) -> None:
    """Add to the page that GitHub shows for this step. Elsewhere nothing is written."""
    if not ci.summary_file:
        return
    octets = markdown.encode("utf-8")
    if len(octets) > SUMMARY_LIMIT:
        kept = octets[:SUMMARY_LIMIT].decode("utf-8", "ignore").rpartition("\n")[0]
        markdown = f"{kept}\n\n(cut: the whole summary has {len(octets)} bytes)\n"
    _append(ci.summary_file, markdown if markdown.endswith("\n") else markdown + "\n", replace=False)


def _append(path: str, text: str, *, replace: bool) -> None:
    try:
        with open(path, "w" if replace else "a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise WorldError(
            f"could not write the outputs: {error.strerror}", id="disk", where=path, next="the work itself is done"
        ) from error
