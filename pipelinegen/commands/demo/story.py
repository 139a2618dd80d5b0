"""The story of the demo as data, first in a checkout: each step a title, the command lines, and a check of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipelinegen.commands.demo.delivered import DELIVERED
from pipelinegen.commands.demo.expected import NEW_LINES, bumped
from pipelinegen.commands.demo.repositories import MANIFESTS
from pipelinegen.commands.demo.scene import Run, Scene
from pipelinegen.commands.demo.step import Step
from pipelinegen.shipped import files_under

_GIT = "git -C ../manifests"
_BUMP = "pipelinegen bump ghcr.io/acme/api:1.10.0 ghcr.io/acme/worker:8e10257 --repo ../manifests"


def _before() -> dict[str, bytes]:
    return files_under("demo", MANIFESTS)


def _listed(scene: Scene, runs: Sequence[Run]) -> str | None:
    del scene
    return None if str(runs[-1].output).split() == sorted(_before()) else "git lists other files"


def _nothing_written(scene: Scene, runs: Sequence[Run]) -> str | None:
    del runs
    return None if scene.files() == _before() else "a dry run changed a file"


def _found(changed: dict[str, int]) -> Callable[[Scene, Sequence[Run]], str | None]:
    def check(scene: Scene, runs: Sequence[Run]) -> str | None:
        document = runs[-1].document or {}
        counts = {image["repository"].rpartition("/")[2]: image["changed"] for image in document.get("images", ())}
        return _nothing_written(scene, runs) if counts == changed else f"changed places: {counts}"

    return check


def _written(scene: Scene, runs: Sequence[Run]) -> str | None:
    if not str(runs[-1].output).rstrip().endswith("7 files changed, 11 insertions(+), 12 deletions(-)"):
        return "git counts other changes"
    return _as_after_the_bump(scene)


def _unchanged(scene: Scene, runs: Sequence[Run]) -> str | None:
    document, status = runs[0].document or {}, str(runs[1].output)
    if document.get("result") != "unchanged" or document.get("edits"):
        return "the second run found something to do"
    if status.splitlines() != [f" M {path}" for path in sorted(NEW_LINES)]:
        return "git shows another state than after the first run"
    return _as_after_the_bump(scene)


def _told_as(id: str, *names: str) -> Callable[[Scene, Sequence[Run]], str | None]:
    def check(scene: Scene, runs: Sequence[Run]) -> str | None:
        error = (runs[-1].document or {}).get("error", {})
        told = "\n".join(error.get("details", ()))
        if error.get("id") != id or not all(name in told for name in names):
            return f"the error is {error}"
        return _as_after_the_bump(scene)

    return check


def _as_after_the_bump(scene: Scene) -> str | None:
    now, wanted = scene.files(), bumped(_before())
    wrong = [path for path in wanted if now.get(path) != wanted[path]]
    return f"these files hold something else: {', '.join(wrong)}" if wrong else None


_IN_A_CHECKOUT = (
    Step(
        "repositories",
        "the manifests that run a shop",
        "Eight places deploy ghcr.io/acme/api:1.9.3 and three ghcr.io/acme/worker:3f9a1c2, written in seven ways.\n"
        "Few spell the whole name; some that do are a comment, a README or an image of somebody else.",
        (f"{_GIT} ls-files",),
        _listed,
    ),
    Step(
        "kustomize-and-helm",
        "what would change, in kustomize and Helm",
        "The digest goes: it names the old image and would win over the tag. 8e10257 gets quotes: YAML reads it as\n"
        "a number. values-production.yaml names no image at all; the values.yaml beside it does.",
        (f"{_BUMP} --dry-run --path 'apps/**' --path 'charts/**'",),
        _found({"api": 4, "worker": 2}),
    ),
    Step(
        "agents-and-plain",
        "what would change, in Argo CD, Flux and plain manifests",
        "The shop's pipelinegen.yaml says what api and worker are, and where the manifests are. YAML in a text in\n"
        "YAML is read, too. Odd quotes and blanks stay; the fork at quay.io and api-docs are left alone.",
        ("pipelinegen bump api=1.10.0 worker=8e10257 --dry-run --path 'clusters/**' --path 'legacy/**'",),
        _found({"api": 4, "worker": 1}),
    ),
    Step(
        "plan",
        "the plan: each place that changes, each that was left alone, and why",
        "The diff goes to standard output, and all that is for people to standard error.",
        (f"{_BUMP} --dry-run --explain > /dev/null",),
        _found({"api": 8, "worker": 3}),
    ),
    Step(
        "write",
        "write it",
        "Before a byte is written, both versions are parsed and compared: they must differ in exactly the planned\n"
        "values. All files are written, or none.",
        (f"{_BUMP} > /dev/null", f"{_GIT} diff --stat"),
        _written,
    ),
    Step(
        "again",
        "the same command again has nothing to do",
        "A pipeline that is started twice does no harm.",
        (_BUMP, f"{_GIT} status --short"),
        _unchanged,
    ),
    Step(
        "downgrade",
        "an older version than the deployed one is refused",
        "A pipeline that finishes late does not win. --allow-downgrade is for going back on purpose.",
        ("pipelinegen bump api=1.9.2",),
        _told_as("downgrade-refused", "1.10.0 is newer than 1.9.2"),
        exit_code=1,
    ),
    Step(
        "typo",
        "an image that occurs nowhere is an error, with the nearest names",
        "A search and replace would have changed nothing and called it a success.",
        ("pipelinegen bump ghcr.io/acme/apj:1.11.0 --repo ../manifests",),
        _told_as("no-match", "ghcr.io/acme/api"),
        exit_code=2,
    ),
)


def _generated(scene: Scene, runs: Sequence[Run]) -> str | None:
    del scene
    written, checked = (run.document or {} for run in runs)
    if written.get("result") != "written" or len(written.get("targets", ())) != _TARGETS:
        return f"it wrote {written.get('targets')}"
    return None if checked.get("result") == "unchanged" else f"the check found {checked.get('result')}"


# Three CI systems by one pull style and seven deployers, and two agents.
_TARGETS = 3 * (1 + 7) + 2
_PIPELINES = (
    Step(
        "pipelines",
        "the pipelines around it, in both styles",
        "From the same pipelinegen.yaml: GitOps and DevOps for GitHub Actions, GitLab CI and Jenkins, with seven\n"
        "deployers and two agents, and a SETUP.md with all that people must create. Written again, nothing changes.",
        (
            "pipelinegen generate --style both --out ../pipelines > /dev/null",
            "pipelinegen generate --style both --out ../pipelines --check",
        ),
        _generated,
    ),
)


def _built(scene: Scene, runs: Sequence[Run]) -> str | None:
    del scene
    documents = [run.document or {} for run in runs]
    digests = [[image["digest"] for image in document.get("unpushed", ())] for document in documents]
    if [len(each) for each in digests] != [2, 2] or digests[0] != digests[1]:
        return f"it built {digests}"
    tested = [image["tests"]["passed"] for image in documents[0]["unpushed"]]
    return None if tested == [2, 1] else f"tests: {tested}"


_IMAGES = (
    Step(
        "build",
        "two images, without a container engine",
        "Their Dockerfiles need no RUN, so that the built-in engine writes them. The tests look into the layers, and\n"
        "the same inputs give the same digest. --no-push only for want of a registry here.",
        ("pipelinegen build --engine oci --no-push", "pipelinegen build --engine oci --no-push --no-cache > /dev/null"),
        _built,
    ),
)


def _told_apart(scene: Scene, runs: Sequence[Run]) -> str | None:
    del scene
    pipelines = (runs[-1].document or {}).get("pipelines", ())
    held = [{each["target"] for each in pipeline["credentials"] if each["stored"]} for pipeline in pipelines]
    models = [{each["model"] for each in pipeline["delivery"]} for pipeline in pipelines]
    if models != [{"pull"}, {"push"}] or "cluster" in held[0] or "cluster" not in held[1]:
        return f"the pipelines are {models} and hold credentials for {held}"
    return None


_COMPARED = (
    Step(
        "compare",
        "what each style costs, read from those files",
        "The pull pipeline keeps a token for the manifest repository, none for a cluster; the push pipeline keeps the\n"
        "clusters' keys. Without > /dev/null it prints the table, each fact with its line; --format html draws it.",
        ("pipelinegen compare > /dev/null",),
        _told_apart,
    ),
)

STORY = (*_IMAGES, *_IN_A_CHECKOUT, *DELIVERED, *_PIPELINES, *_COMPARED)
