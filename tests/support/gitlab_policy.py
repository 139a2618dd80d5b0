"""What a pipeline of GitLab must keep to whatever it does: the defences, looked for in the file as GitLab reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.support.gitlab_ci import jobs, scripts_in

DIGEST = re.compile(r"\S+:\S+@sha256:[0-9a-f]{64}")
# What a shell must never be handed by `-x`, and GitLab never by this variable: all values of all variables.
TELL_ALL = re.compile(r"CI_DEBUG_TRACE|CI_DEBUG_SERVICES|set -[a-z]*x")


def problems(found: dict[str, Any]) -> set[str]:
    """What is wrong, as JOB: WHAT."""
    whole = dict(jobs(found))
    told = {f"{name}: {what}" for name, job in whole.items() for what in _of_job(name, _merged(whole, job))}
    if TELL_ALL.search(json.dumps(found)):
        told.add("debug trace")
    rules = [rule["if"] for rule in found["workflow"]["rules"]]
    if any("merge_request_event" in rule for rule in rules) and "never" not in json.dumps(found["workflow"]):
        told.add("two pipelines for one push")
    return told


def _merged(whole: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """A job with what it extends."""
    base = _merged(whole, whole[job["extends"]]) if "extends" in job else {}
    variables = {**base.get("variables", {}), **job.get("variables", {})}
    return {**base, **job, "variables": variables}


def _of_job(name: str, job: dict[str, Any]) -> Iterator[str]:
    images = [job["image"], *(service["name"] for service in job.get("services", []))]
    if not all(DIGEST.fullmatch(image) for image in images):
        yield "an image without its digest"
    for variable, value in job["variables"].items():
        text = value["value"] if isinstance(value, dict) else value
        raw = isinstance(value, dict) and value.get("expand") is False
        if re.search(r"[$%]", text) and not raw and "$CI_JOB_ID" not in text:
            yield f"GitLab would expand {variable}"
    if job["retry"].get("exit_codes") != 3 or job["retry"].get("when") != "runner_system_failure":
        yield "a failure is tried again that is none of the world"
    if name.startswith("."):
        return
    yield from _of_run(job)


def _of_run(job: dict[str, Any]) -> Iterator[str]:
    script = scripts_in(job)
    if "timeout" not in job:
        yield "no end to its time"
    if not job.get("rules"):
        yield "runs whatever happens"
    if "${{" in script or "$[[" in script:
        yield "an expression in a script"
    if re.search(r"(?:password|token)[= ]+\"?\$(?!TEMP)\w+", re.sub(r"export \w+=.*", "", script), re.IGNORECASE):
        yield "a secret among arguments"
    events = json.dumps(job["rules"])
    environment = job.get("environment")
    if environment and environment.get("action") != "verify":
        if "resource_group" not in job:
            yield "two deployments at a time"
        if job.get("interruptible") is not False:
            yield "a deployment may be cut off"
        if "merge_request_event" in events:
            yield "a merge request deploys"
    if environment and "merge_request_event" in events and not environment["name"].endswith("-look"):
        yield "a merge request sees the credentials of deployments"
    if environment and "merge_request_event" in events and "SOURCE_PROJECT_ID == $CI_PROJECT_ID" not in events:
        yield "a fork sees credentials"
