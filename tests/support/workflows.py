"""Workflows of GitHub for tests: small pipelines, what GitHub makes of a text, and rules that every workflow keeps."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelinegen.pipelines import pins
from pipelinegen.pipelines.model import Checkout, Condition, Job, Permission, Pipeline, Run, Step, Triggers
from pipelinegen.pipelines.rendering import github

READ = Permission("contents", "read", "to check out the repository")
HELLO = Run("Say hello", ("echo hello", "echo again"))
PUSHED = Condition(("branch",))


def job(id: str = "build", *steps: Step, **more: Any) -> Job:
    """A job that checks out and does what is given."""
    values = {"title": "Build", "stages": ("build",), "when": PUSHED, "permissions": (READ,), **more}
    return Job(id=id, steps=(Checkout(), *(steps or (HELLO,))), **values)


def pipeline(*jobs: Job, **more: Any) -> Pipeline:
    values: dict[str, Any] = {
        "style": "push",
        "system": "github",
        "name": "shop",
        "triggers": Triggers(("main",)),
        **more,
    }
    return Pipeline(jobs=jobs or (job(),), **values)


def text_of(pipeline: Pipeline) -> str:
    (file,) = github.files(pipeline)
    assert file.path == ".github/workflows/pipelinegen.yml"
    return file.text


def read(pipeline: Pipeline) -> dict[str, Any]:
    return parsed(text_of(pipeline))


def parsed(text: str) -> dict[str, Any]:
    document: dict[Any, Any] = yaml.load(text, yaml.CSafeLoader)
    # YAML 1.1 takes the key for a boolean, GitHub does not.
    return {"on" if key is True else key: value for key, value in document.items()}


def steps(pipeline: Pipeline, id: str = "build") -> list[dict[str, Any]]:
    return list(read(pipeline)["jobs"][id]["steps"])


def evaluated(text: str) -> str:
    """What GitHub makes of a text in which only strings are evaluated. No other expression may be there."""
    pieces = re.split(r"\$\{\{ '((?:[^']|'')*)' \}\}", text)
    assert all("${{" not in piece for piece in pieces[::2]), text
    return "".join(piece.replace("''", "'") if at % 2 else piece for at, piece in enumerate(pieces))


def program(name: str, how: str) -> str:
    """A judge: beside this Python, on PATH, or where Go puts what it builds."""
    places = [str(Path(sys.executable).parent), *map(str, [Path.home() / "go/bin"])]
    found = shutil.which(name, path=":".join(places)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed ({how})")
    return found


# What these actions cache unless they are told not to.
_CACHES = {"docker/setup-buildx-action": "cache-binary", "docker/setup-qemu-action": "cache-image"}


def faults(text: str) -> list[str]:
    """Which of our own rules a workflow breaks (defences.md, D15)."""
    return list(_faults(parsed(text), text))


def _faults(document: dict[str, Any], text: str) -> Iterator[str]:
    if document.get("permissions") != {}:
        yield "rights for all jobs"
    if "pull_request_target" in document["on"] or "workflow_run" in document["on"]:
        yield "runs with secrets for changes of strangers"
    if document["defaults"]["run"]["shell"] != "bash -euo pipefail {0}":
        yield "a failure goes unnoticed"
    if "event.pull_request.number || github.run_id" not in document["concurrency"]["group"]:
        yield "runs stop each other"
    for line in re.findall(r"^ +uses: (.*)$", text, re.MULTILINE):
        found = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40})  # (v\d+\.\d+\.\d+)", line)
        pinned = [one for one in pins.actions().values() if found and one.name == found[1]]
        if not found or not pinned or (pinned[0].commit, pinned[0].tag) != found.groups()[1:]:
            yield f"not pinned: {line}"
    for name, each in document["jobs"].items():
        yield from (f"{name}: {fault}" for fault in _faults_of_job(each, document))


def _faults_of_job(job: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    if not 0 < job.get("timeout-minutes", 0) <= 360:
        yield "no time-out"
    if not job.get("name"):
        yield "no name"
    written = json.dumps(job)
    condition = str(job.get("if", ""))
    has_secrets = "secrets." in written
    if has_secrets and "environment" not in job:
        yield "secrets outside of an environment"
    changes = "pull_request" in document["on"] and (not condition or "'pull_request'" in condition)
    if has_secrets and changes and "head.repo.full_name == github.repository" not in condition:
        yield "secrets for the pull requests of forks"
    lock = job.get("concurrency")
    deploys = isinstance(job.get("environment"), dict)
    if deploys and (not lock or lock["cancel-in-progress"]):
        yield "a deployment that can be stopped, or run twice"
    for scope, level in job.get("permissions", {}).items():
        if level == "write" and scope not in ("id-token", "packages", "attestations"):
            yield f"may write {scope}"
    if "id-token" in job.get("permissions", {}) and not re.search("cosign sign|ACTIONS_ID_TOKEN_REQUEST", written):
        yield "an identity that nothing asks for"
    yield from _faults_of_steps(job, document)


def _faults_of_steps(job: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    for step in job["steps"]:
        name = step.get("uses", "").partition("@")[0]
        inputs = step.get("with", {})
        if "${{" in step.get("run", ""):
            yield f"a value in the script of {step['name']}"
        if "shell" in step:
            yield f"another shell in {step['name']}"
        if name == "actions/checkout" and inputs.get("persist-credentials") is not False:
            yield "the credential of the checkout stays"
        if name == "actions/cache" or "cache" in inputs or (name in _CACHES and inputs.get(_CACHES[name]) is not False):
            yield "a cache, which a pull request can poison"
        if name == "actions/create-github-app-token" and not (
            {"owner", "repositories"} <= set(inputs) and any(each.startswith("permission-") for each in inputs)
        ):
            yield "a token for more than one repository, or with all rights"
        action = next((one for one in pins.actions().values() if one.name == name), None)
        if action and action.unknown(inputs):
            yield f"{name} has no input {action.unknown(inputs)}"
