"""A pipeline that finishes late never wins: compared by the application's real history, else as well as it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.support.faults import API, STAGING, Scene, run_here
from tests.support.forges.service import KINDS
from tests.support.repos import git
from tests.support.world import Ran, world

SHOP = "https://github.com/acme/shop"
WEB = "ghcr.io/acme/web"
BASE = "apps/api/base/deployment.yaml"
PRODUCTION = "apps/api/overlays/production/kustomization.yaml"


class Shop:
    """The application repository at hand, in the folder in which the command runs: a commit on each day."""

    def __init__(self, folder: Path, commits: int = 4) -> None:
        self.folder = folder
        git(folder, "init", "--quiet", "--initial-branch=main")
        self.tree = git(folder, "write-tree").decode().strip()
        self.revisions: list[str] = []
        for day in range(1, commits + 1):
            self.revisions.append(self.commit(day, onto=self.revisions[-1] if self.revisions else None))
        git(folder, "update-ref", "HEAD", self.revisions[-1])

    def commit(self, day: int, *, onto: str | None = None, message: str = "A change") -> str:
        who = f"A <a@b.example> {int(datetime(2024, 1, day, tzinfo=timezone.utc).timestamp())} +0000"
        parent = f"parent {onto}\n" if onto else ""
        text = f"tree {self.tree}\n{parent}author {who}\ncommitter {who}\n\n{message}\n"
        return git(self.folder, "hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode()).decode().strip()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with world("github", tmp_path) as place:
        yield Scene.of(place, tmp_path)


@pytest.fixture
def shop(scene: Scene) -> Shop:
    return Shop(scene.world.folder)


def sha_tag(revision: str) -> str:
    return f"sha-{revision[:12]}"


def deploy(scene: Scene, revision: str, *more: str, tag: str | None = None, push: bool = True, image: str = API) -> Ran:
    """A pipeline's bump: of what it built from a revision."""
    words = (f"{image}:{tag or sha_tag(revision)}", "--source-url", SHOP, "--source-revision", revision, *more)
    ran = run_here(scene.world, *words, *(("--deliver", "push") if push else ()))
    assert ran.code == 0, ran.err
    scene.base = scene.world.repository.tip("main")
    return ran


def result(ran: Ran) -> str:
    return str(ran.document["result"])


def test_a_push_of_an_ancestor_changes_nothing_and_says_so(scene: Scene, shop: Shop) -> None:
    deploy(scene, shop.revisions[2])
    before = scene.world.repository.tip("main")
    late = deploy(scene, shop.revisions[1])
    assert (result(late), late.document["edits"]) == ("superseded", [])
    assert scene.world.repository.tip("main") == before
    assert f"{shop.revisions[2][:12]} stands there, which descends from our {shop.revisions[1][:12]}" in late.err
    newer = deploy(scene, shop.revisions[3])
    assert result(newer) == "updated"
    assert sha_tag(shop.revisions[3]) in scene.world.repository.read("main", STAGING)


@pytest.mark.parametrize("kind", KINDS)
def test_an_open_pull_request_with_something_newer_stays(kind: str, tmp_path: Path) -> None:
    with world(kind, tmp_path) as place:
        scene, shop = Scene.of(place, tmp_path), Shop(place.folder)
        branch = deploy(scene, shop.revisions[2], push=False).document["delivery"]["branch"]
        before, writes = place.repository.tip(branch), scene.writes()
        late = deploy(scene, shop.revisions[1], push=False)
        assert result(late) == "superseded"
        assert (place.repository.tip(branch), scene.writes()) == (before, writes)
        assert len(place.service.open_ones()) == 1
        newer = deploy(scene, shop.revisions[3], push=False)
        assert newer.document["delivery"]["pull_request"]["state"] == "updated"
        assert sha_tag(shop.revisions[3]) in place.repository.read(branch, STAGING)


def test_the_same_revision_again_is_not_late(scene: Scene, shop: Shop) -> None:
    deploy(scene, shop.revisions[1], tag="build-7")
    assert result(deploy(scene, shop.revisions[1], tag="build-8")) == "updated"


@pytest.mark.parametrize(("ours", "expected"), [(2, "superseded"), (4, "updated")])
def test_in_a_shallow_checkout_time_decides_and_this_is_said(
    scene: Scene, shop: Shop, tmp_path: Path, ours: int, expected: str
) -> None:
    deploy(scene, shop.revisions[2])
    revision = shop.revisions[ours - 1]
    git(shop.folder, "branch", "--force", "built", revision)
    source = f"file://{shop.folder}"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=built", source, str(tmp_path / "shallow"))
    scene.world.folder = tmp_path / "shallow"
    ran = deploy(scene, revision)
    assert result(ran) == expected
    known = f"this checkout does not know {shop.revisions[2][:12]}"
    assert f"2024-01-03 00:00:00Z, ours of 2024-01-0{ours} 00:00:00Z (by time, since {known})" in ran.err


@pytest.mark.parametrize(
    ("tag", "expected", "words"),
    [
        ("1.1.0", "superseded", "1.2.0 stands there, which is higher than 1.1.0 (by version, since this checkout does"),
        ("1.3.0", "updated", "1.2.0 stands there, which is not higher than 1.3.0 (by version"),
        ("main", "updated", "nothing tells whether 1.2.0 is newer"),
    ],
)
def test_without_a_checkout_versions_decide_and_this_is_said(scene: Scene, tag: str, expected: str, words: str) -> None:
    deploy(scene, "a" * 40, tag="1.2.0")
    ran = deploy(scene, "b" * 40, tag=tag)
    assert result(ran) == expected
    assert words in ran.err


@pytest.mark.parametrize(("day", "expected"), [(2, "superseded"), (9, "updated")])
def test_of_two_lines_of_history_the_later_one_is_newer(scene: Scene, shop: Shop, day: int, expected: str) -> None:
    deploy(scene, shop.revisions[2])
    other = shop.commit(day, onto=shop.revisions[0], message="Another line")
    ran = deploy(scene, other)
    assert result(ran) == expected
    assert "by time, since neither descends from the other" in ran.err


def test_production_may_be_behind_staging(scene: Scene, shop: Shop) -> None:
    """What counts is what stands in the places that are to change, not what was deployed elsewhere."""
    one, two, three, _ = shop.revisions
    for revision in (one, three):
        deploy(scene, revision, "--path", STAGING)
    deploy(scene, one, "--path", PRODUCTION)
    assert result(deploy(scene, two, "--path", PRODUCTION)) == "updated"
    assert sha_tag(two) in scene.world.repository.read("main", PRODUCTION)
    assert result(deploy(scene, two, "--path", STAGING)) == "superseded"
    assert result(deploy(scene, one, "--path", PRODUCTION)) == "superseded"
    assert sha_tag(three) in scene.world.repository.read("main", STAGING)


def test_what_a_person_took_back_by_hand_may_be_deployed_again(scene: Scene, shop: Shop) -> None:
    zero, one, two, _ = shop.revisions
    deploy(scene, one)
    texts = {path: scene.world.repository.read("main", path) + "\n" for path in (BASE, STAGING, PRODUCTION)}
    deploy(scene, two)
    scene.stranger("main", texts, "Revert")
    assert result(deploy(scene, zero)) == "superseded"
    assert result(deploy(scene, two)) == "updated"


def test_a_person_without_a_pipeline_is_asked_nothing(scene: Scene, shop: Shop) -> None:
    deploy(scene, shop.revisions[2])
    ran = run_here(scene.world, f"{API}:{sha_tag(shop.revisions[1])}", "--deliver", "push")
    assert result(ran) == "updated"


def metadata(folder: Path, **built: tuple[str, str]) -> str:
    """What `pipelinegen build` writes: the tag and the revision of each image."""
    images = [
        {
            "name": name,
            "reference": f"ghcr.io/acme/{name}:{tag}",
            "repository": f"ghcr.io/acme/{name}",
            "tag": tag,
            "source": {"url": SHOP, "revision": revision},
        }
        for name, (tag, revision) in built.items()
    ]
    path = folder / "build.json"
    path.write_text(json.dumps({"schema": "pipelinegen.build/1", "images": images}))
    return str(path)


def bump_from(scene: Scene, folder: Path, *more: str, **built: tuple[str, str]) -> Ran:
    ran = run_here(scene.world, "--from", metadata(folder, **built), *more)
    assert ran.code == 0, ran.err
    scene.base = scene.world.repository.tip("main")
    return ran


def test_of_two_images_the_late_one_stays_and_the_other_goes_on(scene: Scene, shop: Shop, tmp_path: Path) -> None:
    one, two, three, _ = shop.revisions
    bump_from(scene, tmp_path, "--deliver", "push", api=("b", two), web=("b", two))
    mixed = bump_from(scene, tmp_path, "--deliver", "push", api=("a", one), web=("c", three))
    assert result(mixed) == "updated"
    assert f"{API}: superseded" in mixed.err
    text = scene.world.repository.read("main", BASE)
    assert f"{API}:b" in text
    assert f"{WEB}:c" in text
    message = scene.world.repository.message("main")
    assert f"Pipelinegen-Image: {WEB}:c" in message
    assert API not in message


def test_a_newer_build_that_is_only_proposed_stays_proposed(scene: Scene, shop: Shop, tmp_path: Path) -> None:
    one, two, three, _ = shop.revisions
    proposed = bump_from(scene, tmp_path, api=("b", two), web=("a", one))
    branch = proposed.document["delivery"]["branch"]
    mixed = bump_from(scene, tmp_path, api=("a", one), web=("c", three))
    assert result(mixed) == "updated"
    text = scene.world.repository.read(branch, BASE)
    assert f"{API}:b" in text
    assert f"{WEB}:c" in text
    message = scene.world.repository.message(branch)
    assert f"Pipelinegen-Image: {API}:b\nPipelinegen-Source: {SHOP}@{two}" in message
    assert f"Pipelinegen-Image: {WEB}:c\nPipelinegen-Source: {SHOP}@{three}" in message
    writes = scene.writes()
    bump_from(scene, tmp_path, api=("a", one), web=("c", three))
    assert scene.writes() == writes
    assert len(scene.world.service.open_ones()) == 1


def test_a_late_run_with_nothing_newer_leaves_the_proposal_of_all_its_images(
    scene: Scene, shop: Shop, tmp_path: Path
) -> None:
    """As with cached images: the newer build has the other image from the same revision as we."""
    one, two, _, _ = shop.revisions
    branch = bump_from(scene, tmp_path, api=("b", two), web=("a", one)).document["delivery"]["branch"]
    before, writes = scene.world.repository.tip(branch), scene.writes()
    late = bump_from(scene, tmp_path, api=("a", one), web=("a", one))
    assert result(late) == "superseded"
    assert (scene.world.repository.tip(branch), scene.writes()) == (before, writes)


@pytest.mark.parametrize("given", ["main", "--output=stolen", "HEAD~1", "1.2.3", "", "abc", "é" * 8])
def test_a_revision_that_is_none_is_exit_2_and_never_an_option(scene: Scene, shop: Shop, given: str) -> None:
    ran = run_here(scene.world, f"{API}:1.1.0", f"--source-revision={given}")
    assert ran.code == 2, ran.err
    assert "--source-revision" in ran.err
    assert scene.world.server.requests == []
    assert [path.name for path in shop.folder.iterdir()] == [".git"]


def test_nothing_of_the_users_configuration_runs_when_revisions_are_compared(scene: Scene, shop: Shop) -> None:
    """log.showSignature asks gpg.program about every commit that is shown."""
    marker = scene.home.parent / "ran"
    program = scene.home.parent / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    for name, value in {
        "log.showSignature": "true",
        "gpg.program": str(program),
        "core.fsmonitor": str(program),
        "core.pager": str(program),
        "core.hooksPath": str(program.parent),
    }.items():
        git(shop.folder, "config", name, value)
    deploy(scene, shop.revisions[2])
    assert result(deploy(scene, shop.revisions[1])) == "superseded"
    assert not marker.exists()
