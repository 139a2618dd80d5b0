"""The second half of the story, delivered: CI, a reviewer and an agent at one manifest repository on a server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelinegen.commands.demo.expected import (
    PROMOTED,
    PROPOSED,
    ROLLED_BACK,
    STAGED,
    STAGED_AGAIN,
    UPDATED,
    Lines,
    bumped,
)
from pipelinegen.commands.demo.repositories import MANIFESTS
from pipelinegen.commands.demo.scene import Run, Scene
from pipelinegen.commands.demo.step import Step
from pipelinegen.shipped import files_under

Check = Callable[[Scene, Sequence[Run]], str | None]


def _build(images: str, environment: str, tag: str) -> str:
    return f"pipelinegen bump {images} --env {environment} --source-revision $(git rev-parse {tag})"


def _holds(scene: Scene, branch: str, *lines: Lines) -> str | None:
    """What is wrong with a branch on the server, if anything."""
    wanted: Mapping[str, bytes] = files_under("demo", MANIFESTS)
    for each in lines:
        wanted = bumped(wanted, each)
    ids = {path: hashlib.sha1(b"blob %d\0%b" % (len(data), data)).hexdigest() for path, data in wanted.items()}  # noqa: S324
    there = scene.delivered(branch)
    wrong = sorted(path for path in {**ids, **there} if ids.get(path) != there.get(path))
    return f"on {branch} these files hold something else: {', '.join(wrong)}" if wrong else None


def _main(*lines: Lines) -> Check:
    return lambda scene, _: _holds(scene, "main", *lines)


def _pushed(*lines: Lines) -> Check:
    """The last command pushed, and the branch main holds just these lines."""

    def check(scene: Scene, runs: Sequence[Run]) -> str | None:
        delivery = _delivery(runs[0])
        if delivery.get("how") != "push" or not delivery.get("commit"):
            return f"it was not pushed: {delivery}"
        return _holds(scene, "main", *lines)

    return check


def _proposed(number: int, state: str, lines: Sequence[Lines], main: Sequence[Lines], command: int = 0) -> Check:
    """Pull request `number` is in this state and its branch holds these lines; main is as it was."""

    def check(scene: Scene, runs: Sequence[Run]) -> str | None:
        pull = _delivery(runs[command]).get("pull_request") or {}
        forge = scene.server.forge
        if forge and (pull.get("number"), pull.get("state"), len(forge.pulls)) != (number, state, number):
            return f"the pull request is {pull}, of {len(forge.pulls)}"
        if len(scene.proposals) != number:
            return f"these branches are proposed: {scene.proposals}"
        return _holds(scene, scene.proposals[-1], *lines) or _holds(scene, "main", *main)

    return check


def _unchanged(scene: Scene, runs: Sequence[Run]) -> str | None:
    forge = scene.server.forge
    if forge and forge.writes() != 1:
        return f"{forge.writes()} requests wrote something, where one opened the pull request"
    return _proposed(1, "unchanged", (STAGED, PROPOSED), (STAGED,))(scene, runs)


def _promoted(scene: Scene, runs: Sequence[Run]) -> str | None:
    main = (STAGED_AGAIN, PROMOTED)
    return _proposed(2, "opened", main, main, command=1)(scene, runs)


def _rolled_back(scene: Scene, runs: Sequence[Run]) -> str | None:
    undone = [image["image"] for each in (runs[0].document or {}).get("undone", ()) for image in each["images"]]
    if sorted(undone) != ["ghcr.io/acme/api:1.11.0", "ghcr.io/acme/worker:8e10257"]:
        return f"it undoes {undone}"
    return _proposed(3, "opened", (STAGED_AGAIN, ROLLED_BACK), (STAGED_AGAIN, PROMOTED))(scene, runs)


def _superseded(scene: Scene, runs: Sequence[Run]) -> str | None:
    result = (runs[0].document or {}).get("result")
    if result != "superseded":
        return f"the result is {result}"
    return _holds(scene, scene.proposals[0], UPDATED, STAGED)


def _healthy(scene: Scene, runs: Sequence[Run]) -> str | None:
    del scene
    document = runs[-1].document or {}
    return None if document.get("result") == "healthy" else f"what was observed is {document.get('result')}"


def _delivery(run: Run) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (run.document or {}).get("delivery", {})
    return found


DELIVERED = (
    Step(
        "server",
        "the manifests on a server, and a CI job with a token",
        "The repository, with 1.9.3 everywhere, now also lies where CI finds it: {where}.\n"
        "A job has the address from variables; pipelinegen.yaml says how each environment is delivered.",
        (
            "export PIPELINEGEN_REPO={url} PIPELINEGEN_FORGE={forge} PIPELINEGEN_TOKEN=***",
            "export PIPELINEGEN_SOURCE_URL=https://github.com/acme/shop",
            "git log --oneline --decorate=short",
            "git grep --no-index -n deliver pipelinegen.yaml",
        ),
        _main(),
    ),
    Step(
        "push",
        "CI brings a build to staging, by a push",
        "No work tree is made: the commit comes from the tip and the plan, and is made again where another was first.\n"
        "The trailers of the commit say what it was built from.",
        (_build("api=1.10.0", "staging", "v1.10.0"), "git -C ../server/acme/manifests.git log -1 --format=%B main"),
        _pushed(STAGED),
    ),
    Step(
        "pull-request",
        "and proposes it for production, as a pull request",
        "This is what a reviewer reads:",
        (f"{_build('api=1.10.0', 'production', 'v1.10.0')} > /dev/null", "# A reviewer reads pull request 1"),
        _proposed(1, "opened", (STAGED, PROPOSED), (STAGED,)),
    ),
    Step(
        "pull-request-again",
        "the same job once more changes nothing",
        "No second commit, no second pull request, no second mail to anybody.",
        (f"{_build('api=1.10.0', 'production', 'v1.10.0')} > /dev/null",),
        _unchanged,
    ),
    Step(
        "newer-build",
        "a newer build takes over the pull request that is open",
        "The branch is named after the image and the environment, whatever the tag.",
        (f"{_build('api=1.10.1', 'production', 'v1.10.1')} > /dev/null",),
        _proposed(1, "updated", (STAGED, UPDATED), (STAGED,)),
    ),
    Step(
        "late-build",
        "an older build that finishes late does not win",
        "v1.10.1 descends from v1.10.0, so the job of v1.10.0 has nothing to do any more, and that is no error.",
        (_build("api=1.10.0", "production", "v1.10.0"),),
        _superseded,
    ),
    Step(
        "merge",
        "a reviewer merges it",
        "The demo plays the reviewer; real git makes the merge.",
        (
            "# A reviewer merges pull request 1",
            "git -C ../server/acme/manifests.git log --first-parent --format=%s main",
        ),
        _main(STAGED, UPDATED),
    ),
    Step(
        "observe",
        "and the job waits for what the agent in the cluster reports",
        "The demo plays an Argo CD whose notifications write a status on the commit. The job needs no credential\n"
        "of the cluster for that.",
        (
            "# Argo CD works on the commit of pull request 1",
            "pipelinegen observe --pull-request 1 --status argocd/shop-production --interval 1s",
        ),
        _healthy,
        needs_forge=True,
    ),
    Step(
        "promote",
        "what staging runs is promoted to production",
        "Tag and digest of each image, as git says they stand in staging, in one pull request.",
        (
            f"{_build('api=1.11.0 worker=8e10257', 'staging', 'v1.11.0')} > /dev/null",
            "pipelinegen promote --from staging --to production",
            "# A reviewer merges pull request 2",
        ),
        _promoted,
    ),
    Step(
        "rollback",
        "and rolled back, as a pull request that says what it undoes",
        "No version has to be named: the history of the manifests has it. A late job of v1.11.0 will not put it back.",
        ("pipelinegen rollback --env production > /dev/null", "# A reviewer reads pull request 3"),
        _rolled_back,
    ),
)
