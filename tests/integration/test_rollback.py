"""`rollback` against a real git server and both forges: what stood there before comes back, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.forges.service import KINDS
from tests.support.githttp import push
from tests.support.world import Ran, World, world

API, WEB = "ghcr.io/acme/api", "ghcr.io/acme/web"
DIGEST = "sha256:" + "ab" * 32
PRODUCTION = "apps/shop/overlays/production/kustomization.yaml"
STAGING = "apps/shop/overlays/staging/kustomization.yaml"
VALUES = "apps/shop/overlays/production/values.yaml"


def kustomization(api: str, web: str = "1.0.0", note: str = "") -> str:
    return f"{note}images:\n  - name: {API}\n    newTag: {api}\n  - name: {WEB}\n    newTag: {web}  # kept\n"


FILES = {PRODUCTION: kustomization("1.0.0"), STAGING: kustomization("1.0.0")}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[World]:
    with world("github", tmp_path, FILES) as made:
        configure(made)
        yield made


def configure(place: World) -> None:
    (place.folder / "pipelinegen.yaml").write_text(
        f"""\
version: 1
project: shop
images: {{api: {{repository: {API}}}}}
manifests:
  repository: {place.url}
  forge: {place.kind}
  forge-url: {place.service.stand_in.api}
  environments:
    staging: {{paths: [apps/*/overlays/staging/**], deliver: push}}
    production: {{paths: [apps/*/overlays/production/**], title: Deploy the shop}}
"""
    )


def bump(place: World, tag: str, *arguments: str) -> Ran:
    """What the pipeline of a build does. arguments: others than those that say what it was built from."""
    source = ["--source-url", "https://github.com/acme/shop", "--source-revision", revision(tag)]
    return place.here(
        *("bump", f"api={tag}", "--env", "production", "--deliver", "push", "--no-verify-image", "--json"),
        *(arguments or source),
    )


def revision(tag: str) -> str:
    return tag.replace(".", "").ljust(40, "0")


def rollback(place: World, *arguments: str) -> Ran:
    return place.here("rollback", "--env", "production", "--json", *arguments)


def merge(place: World, ran: Ran, **how: Any) -> str:
    return str(place.service.stand_in.merge_by_hand(ran.document["delivery"]["pull_request"]["number"], **how))


@pytest.mark.parametrize("kind", KINDS)
def test_the_version_before_comes_back_by_a_pull_request_that_says_what_it_undoes(tmp_path: Path, kind: str) -> None:
    with world(kind, tmp_path, FILES) as place:
        configure(place)
        good, bad = bump(place, "1.1.0"), bump(place, "1.2.0")
        assert (good.code, bad.code) == (0, 0), good.err + bad.err
        done = place.run("rollback", "--env", "production", "--json")
        assert done.code == 0, done.err
        document = done.document
        assert (document["schema"], document["result"]) == ("pipelinegen.rollback/1", "updated")
        assert document["to"]["commit"] == good.document["delivery"]["commit"]
        undone = [(one["commit"], one["subject"], one["images"][0]["revision"]) for one in document["undone"]]
        assert undone == [(bad.document["delivery"]["commit"], "Bump api to 1.2.0 in production", revision("1.2.0"))]
        branch = document["delivery"]["branch"]
        assert branch.startswith("pipelinegen-rollback-production-images-")
        assert place.repository.read(branch, PRODUCTION) == kustomization("1.1.0").strip()
        assert place.repository.message(branch) == (
            "Roll back api to 1.1.0 in production\n\n"
            f"As at {good.document['delivery']['commit'][:12]} of {document['to']['date']}: "
            "Bump api to 1.1.0 in production\n\n"
            f"Undoes {bad.document['delivery']['commit'][:12]} of pipelinegen, {document['undone'][0]['date']}: "
            "Bump api to 1.2.0 in production (built from https://github.com/acme/shop@\u200d120000000000)\n\n"
            f"Pipelinegen-Image: {API}:1.1.0\n"
            f"Pipelinegen-Source: https://github.com/acme/shop@{revision('1.1.0')}\n"
            f"Pipelinegen-Created: {trailer(place, branch, 'Created')}\n"
            f"Pipelinegen-Undone: {API}:1.2.0\n"
            f"Pipelinegen-Source: https://github.com/acme/shop@{revision('1.2.0')}\n"
            f"Pipelinegen-Created: {trailer(place, 'main', 'Created')}\n"
            "Pipelinegen-Environment: production\n"
            f"Pipelinegen-Key: {trailer(place, branch, 'Key')}"
        )
        (opened,) = place.service.all()
        # The title of the configuration is for what is deployed.
        assert opened.title == f"Roll back {API} to 1.1.0 in production"
        assert f"--to {bad.document['delivery']['commit'][:12]}" in str(getattr(opened, "body", None) or "") + str(
            getattr(opened, "description", None) or ""
        )
        again = rollback(place)
        assert (again.code, again.document["delivery"]["pull_request"]["state"]) == (0, "unchanged"), again.err


def trailer(place: World, branch: str, name: str) -> str:
    """The last value of a trailer of ours, but for what was undone."""
    lines = place.repository.message(branch).partition("Pipelinegen-Undone")
    text = lines[0] if name == "Created" else lines[0] + lines[2]
    return [line.partition(": ")[2] for line in text.splitlines() if line.startswith(f"Pipelinegen-{name}: ")][-1]


@pytest.mark.parametrize("squash", [False, True], ids=["merged", "squashed"])
def test_a_second_rollback_goes_further_back(place: World, squash: bool) -> None:
    for tag in ("1.1.0", "1.2.0"):
        bump(place, tag)
    merge(place, rollback(place), squash=squash)
    assert place.repository.read("main", PRODUCTION) == kustomization("1.1.0").strip()
    second = rollback(place)
    assert second.code == 0, second.err
    assert [edit["after"] for edit in second.document["edits"]] == ["1.0.0"]
    assert second.document["to"]["subject"] == "Applications"
    merge(place, second, squash=squash)
    nothing = rollback(place)
    assert (nothing.code, nothing.document["error"]["id"]) == (1, "no-earlier-version")
    assert "no earlier version in the last" in nothing.err


def test_a_pipeline_does_not_undo_a_rollback_but_a_newer_build_or_a_person_does(place: World) -> None:
    built = application(place, "1.1.0", "1.1.5", "1.2.0", "1.3.0")

    def pipeline(tag: str) -> Ran:
        return bump(place, tag, "--source-url", "https://github.com/acme/shop", "--source-revision", built[tag])

    for tag in ("1.1.0", "1.2.0"):
        pipeline(tag)
    merge(place, rollback(place))
    again = pipeline("1.2.0")
    assert (again.code, again.document["result"]) == (0, "superseded"), again.err
    assert "1.2.0 was rolled back, and ours is not newer than that" in again.err
    late = pipeline("1.1.5")
    assert (late.code, late.document["result"]) == (0, "superseded"), late.err
    assert place.repository.read("main", PRODUCTION) == kustomization("1.1.0").strip()
    fixed = pipeline("1.3.0")
    assert (fixed.code, fixed.document["result"]) == (0, "updated"), fixed.err
    merge(place, rollback(place))
    person = bump(place, "1.3.0", "--no-sign")
    assert (person.code, person.document["result"]) == (0, "updated"), person.err
    # It was put in place again since, so its pipeline has nothing to stand back from.
    assert pipeline("1.3.0").document["result"] == "unchanged"


def application(place: World, *tags: str) -> dict[str, str]:
    """The checkout that the command runs in, with a commit for each build; tag to commit."""
    people = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.folder), "GIT_CONFIG_NOSYSTEM": "1", **people}

    def git(*words: str) -> str:
        argv = ["git", "-C", str(place.folder), *words]
        return str(subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout)

    git("init", "--quiet", "--initial-branch=main")
    built = {}
    for tag in tags:
        git("commit", "--quiet", "--allow-empty", "-m", tag)
        built[tag] = git("rev-parse", "HEAD").strip()
    return built


def test_a_newer_build_in_another_environment_holds_nobody_up(place: World) -> None:
    built = application(place, "1.1.0", "1.2.0")
    for environment, tag in (("staging", "1.2.0"), ("production", "1.1.0")):
        done = place.here(
            *("bump", f"api={tag}", "--env", environment, "--deliver", "push", "--no-verify-image", "--json"),
            *("--source-url", "https://github.com/acme/shop", "--source-revision", built[tag]),
        )
        assert (done.code, done.document["result"]) == (0, "updated"), done.err


def test_a_promotion_does_not_undo_a_rollback_unless_it_is_meant(place: World) -> None:
    promote = ["promote", "--from", "staging", "--to", "production", "--image", "api", "--deliver", "push", "--json"]
    place.repository.commit("main", {STAGING: kustomization("1.1.0")}, "Staging has 1.1.0")
    assert place.here(*promote).document["result"] == "updated"
    merge(place, rollback(place))
    again = place.here(*promote)
    assert (again.code, again.document["result"]) == (0, "superseded"), again.err
    assert "--allow-rolled-back promotes it all the same" in again.err
    meant = place.here(*promote, "--allow-rolled-back")
    assert meant.document["result"] == "updated", meant.err
    assert place.repository.read("main", PRODUCTION) == kustomization("1.1.0").strip()


def test_hand_made_commits_count_and_newer_edits_beside_the_versions_stay(place: World) -> None:
    place.repository.commit("main", {PRODUCTION: kustomization("1.1.0", "9.0.0")}, "By hand \x1b[31m@ada Closes #1")
    noted = kustomization("1.1.0", "9.0.0", note="# a note of later\nnamePrefix: shop-\n")
    place.repository.commit("main", {PRODUCTION: noted}, "A prefix")
    done = rollback(place)
    assert done.code == 0, done.err
    assert [one["subject"] for one in done.document["undone"]] == ["By hand \x1b[31m@ada Closes #1"]
    assert "By hand \\u001B[31m@ada Closes #1" in done.err
    (opened,) = place.service.all()
    for text in (done.err, opened.body, place.repository.message(done.document["delivery"]["branch"])):
        assert "\x1b" not in text
    assert "@ada" not in opened.body
    assert "Closes" not in opened.body
    wanted = kustomization("1.0.0", "1.0.0", note="# a note of later\nnamePrefix: shop-\n")
    assert place.repository.read(done.document["delivery"]["branch"], PRODUCTION) == wanted.strip()


def test_only_the_named_image_goes_back_and_another_environment_is_not_touched(place: World) -> None:
    place.repository.commit("main", {PRODUCTION: kustomization("1.1.0", "2.0.0"), STAGING: kustomization("3.0.0")}, "x")
    done = rollback(place, "--image", "api")
    assert done.code == 0, done.err
    branch = done.document["delivery"]["branch"]
    assert place.repository.read(branch, PRODUCTION) == kustomization("1.0.0", "2.0.0").strip()
    assert place.repository.read(branch, STAGING) == kustomization("3.0.0").strip()


def test_steps_and_a_commit_say_how_far(place: World) -> None:
    commits = [place.repository.commit("main", {PRODUCTION: kustomization(f"1.{n}.0")}, f"1.{n}") for n in range(1, 4)]
    assert rollback(place, "--steps", "2", "--dry-run").document["to"]["commit"] == commits[0]
    done = rollback(place, "--to", commits[0][:9], "--dry-run")
    assert done.document["to"]["commit"] == commits[0]
    assert [one["subject"] for one in done.document["undone"]] == ["1.3", "1.2"]
    assert [edit["after"] for edit in done.document["edits"]] == ["1.1.0"]
    assert not place.service.all()
    here = rollback(place, "--to", commits[-1])
    assert (here.code, here.document["result"]) == (0, "unchanged"), here.err
    far = rollback(place, "--steps", "4")
    assert (far.code, far.document["error"]["id"]) == (1, "no-earlier-version")
    near = rollback(place, "--max-commits", "1")
    assert "no earlier version in the last 1 commits" in near.err


def test_a_commit_that_came_by_a_merge_is_known_and_said(place: World) -> None:
    source = ["--source-url", "https://github.com/acme/shop", "--source-revision", revision("2.0.0")]
    bumped = place.here("bump", "api=2.0.0", "--env", "production", "--no-verify-image", "--json", *source)
    merged = merge(place, bumped)
    done = rollback(place, "--dry-run")
    assert [(one["commit"], one["author"]) for one in done.document["undone"]] == [(merged, "Person")]
    assert done.document["undone"][0]["images"][0]["revision"] == revision("2.0.0")
    bump(place, "3.0.0")
    side = rollback(place, "--to", bumped.document["delivery"]["commit"], "--dry-run")
    assert [edit["after"] for edit in side.document["edits"]] == ["2.0.0"]
    assert [one["subject"] for one in side.document["undone"]] == ["Bump api to 3.0.0 in production"]


def test_each_place_gets_what_stood_there_and_what_was_not_there_is_left(place: World) -> None:
    before = f"stable: {{image: '{API}:1.0.0'}}\ncanary: {{image: '{API}:1.1.0@{DIGEST}'}}\n"
    after = f"stable: {{image: '{API}:2.0.0'}}\n# now alike\ncanary: {{image: '{API}:2.0.0'}}\n"
    pinned = f"image: {API}@{DIGEST}\n"
    folder = "apps/shop/overlays/production"
    place.repository.commit(
        "main", {VALUES: before, f"{folder}/pinned.yaml": pinned, f"{folder}/bare.yaml": f"image: {API}:1.0.0\n"}, "one"
    )
    place.repository.commit(
        "main",
        {
            VALUES: after,
            f"{folder}/pinned.yaml": f"image: {API}:2.0.0\n",
            f"{folder}/bare.yaml": f"image: {API}:2.0.0\nmore: {{image: '{API}:2.0.0'}}\n",
            f"{folder}/new.yaml": f"image: {API}:2.0.0\n",
        },
        "two",
    )
    done = rollback(place, "--image", "api")
    assert done.code == 0, done.err
    branch = done.document["delivery"]["branch"]
    assert place.repository.read(branch, VALUES) == before.replace("canary", "# now alike\ncanary").strip()
    (opened,) = place.service.all()
    assert opened.title == f"Roll back {API} to 1.0.0 and 1.1.0 in production"
    assert place.repository.message(branch).startswith("Roll back api to 1.0.0 and 1.1.0 in production\n")
    assert place.repository.read(branch, f"{folder}/bare.yaml") == f"image: {API}:1.0.0\nmore: {{image: '{API}:1.0.0'}}"
    assert place.repository.read(branch, f"{folder}/new.yaml") == f"image: {API}:2.0.0"
    assert place.repository.read(branch, f"{folder}/pinned.yaml") == f"image: {API}:2.0.0"
    left = {one["file"].rpartition("/")[2]: one["reason"] for one in done.document["left"]}
    at = done.document["to"]["commit"][:12]
    assert left == {"new.yaml": f"was not in it at {at}", "pinned.yaml": f"had a digest and no tag at {at}"}
    assert f"{folder}/new.yaml: {API} was not in it at {at}: left as it is" in done.err


def test_a_race_is_planned_again_unless_the_same_versions_moved(place: World) -> None:
    bump(place, "1.1.0")
    place.server.before(push, lambda: place.repository.commit("main", {"notes.txt": "x\n"}, "Something else"))
    done = rollback(place, "--deliver", "push")
    assert done.code == 0, done.err
    assert place.repository.read("main", PRODUCTION) == kustomization("1.0.0").strip()
    assert place.repository.read("main", "notes.txt") == "x"
    bump(place, "1.2.0")
    place.server.before(push, lambda: place.repository.commit("main", {PRODUCTION: kustomization("1.3.0")}, "Newer"))
    lost = rollback(place, "--deliver", "push")
    assert (lost.code, lost.document["error"]["id"]) == (3, "push-race")
    assert place.repository.read("main", PRODUCTION) == kustomization("1.3.0").strip()


@pytest.mark.parametrize(
    ("arguments", "code", "id", "words"),
    [
        ([], 2, "bad-config", "what is to be brought back is not said"),
        (["--env", "prod"], 2, "bad-config", "no environment prod"),
        (["--env", "production", "--to", "0000", "--steps", "2"], 2, "bad-config", "two answers to one question"),
        (["--env", "production", "--to", "main"], 2, "no-such-commit", "main is not the name of a commit"),
        (["--env", "production", "--to", "00000000"], 2, "no-such-commit", "is not among the last"),
        (["--env", "production", "--image", "ghcr.io/acme/wib"], 2, "no-match", f"names {WEB}"),
        (["--path", "nowhere/**"], 2, "no-match", "no image stands in the selected files"),
        (["--env", "production", "--deliver", "worktree"], 2, "bad-path", "needs a checkout"),
    ],
    ids=["nothing", "environment", "both", "a branch", "unknown", "a typo", "no file", "no checkout"],
)
def test_what_ends_a_rollback(place: World, arguments: list[str], code: int, id: str, words: str) -> None:
    done = place.here("rollback", "--json", *arguments)
    assert (done.code, done.document["error"]["id"]) == (code, id), done.err
    assert done.document["schema"] == "pipelinegen.rollback/1"
    assert words in done.err
    assert not place.service.all()


def test_files_are_named_where_there_is_no_configuration(place: World) -> None:
    (place.folder / "pipelinegen.yaml").unlink()
    place.repository.commit("main", {PRODUCTION: kustomization("1.1.0"), STAGING: kustomization("1.1.0")}, "Both")
    done = place.here("rollback", *place.place(), "--path", STAGING, "--json")
    assert done.code == 0, done.err
    assert [edit["file"] for edit in done.document["edits"]] == [STAGING]
    assert done.document["delivery"]["branch"].startswith("pipelinegen-rollback-all-images-")


def test_in_a_checkout_that_is_a_folder_of_a_repository(tmp_path: Path) -> None:
    people = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", **people}
    folder = tmp_path / "mono" / "deploy"
    target = folder / PRODUCTION
    target.parent.mkdir(parents=True)

    def git(*words: str) -> str:
        argv = ["git", "-C", str(tmp_path / "mono"), *words]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "pipelinegen", "rollback", "--repo", str(folder), *arguments]
        return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    git("init", "--quiet", "--initial-branch=main")
    for tag in ("1.0.0", "1.1.0"):
        target.write_text(kustomization(tag))
        git("add", ".")
        git("commit", "--quiet", "-m", tag)
    target.write_text(kustomization("9.9.9"))
    dirty = run("--image", API)
    assert dirty.returncode == 0, dirty.stderr
    assert target.read_text() == kustomization("1.1.0")
    assert git("status", "--porcelain") == ""
    committed = run("--path", PRODUCTION, "--deliver", "commit", "--json")
    assert committed.returncode == 0, committed.stderr
    assert json.loads(committed.stdout)["delivery"]["commit"] == git("rev-parse", "HEAD").strip()
    assert git("log", "-1", "--format=%s").strip() == "Roll back api to 1.0.0"
    assert f"Pipelinegen-Undone: {API}:1.1.0" in git("log", "-1", "--format=%B")
    git("checkout", "--quiet", "--detach")
    detached = run("--path", PRODUCTION)
    assert (detached.returncode, "no branch is checked out here" in detached.stderr) == (2, True)
