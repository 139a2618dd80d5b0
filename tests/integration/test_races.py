"""Many bumps of one manifest repository at the same moment, each a process of its own: nothing is lost or done twice.

PIPELINEGEN_RACERS says how many (the heavy run: 50); on the second forge, which is another forge and not another race,
half as many.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.forges.repository import Repository
from tests.support.forges.service import KINDS
from tests.support.repos import git
from tests.support.world import Ran, World, world

RACERS = int(os.environ.get("PIPELINEGEN_RACERS", "4"))
PATIENCE = 120 + 12 * RACERS
FORGES = list(zip(KINDS, (RACERS, max(2, RACERS // 2)), strict=True))
ONE_FILE = "clusters/production/kustomization.yaml"
MOST_ATTEMPTS = 8


def image(number: int) -> str:
    return f"ghcr.io/acme/app-{number}"


def kustomization(count: int) -> str:
    entries = "".join(f"  - name: {image(number)}\n    newTag: 1.0.0\n" for number in range(count))
    return f"kind: Kustomization\nimages:\n{entries}"


class Racer(NamedTuple):
    """One process of the race, ended."""

    ran: Ran
    attempts: int


def race(place: World, each: Sequence[Sequence[str]]) -> list[Racer]:
    """Start all of them, then wait for all."""
    words = ["--no-verify-image", "--json", "-v", *place.place()]
    processes = [place.start("bump", *own, *words) for own in each]
    try:
        return [_ended(process) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def _ended(process: subprocess.Popen[bytes]) -> Racer:
    out, err = process.communicate(timeout=PATIENCE)
    ran = Ran(process.returncode, out.decode(), err.decode())
    return Racer(ran, 1 + ran.err.count("planning again"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[World]:
    with world("github", tmp_path, {ONE_FILE: kustomization(RACERS)}) as made:
        yield made


class Human(threading.Thread):
    """Somebody who commits to the base branch all the time, and is never in a race with himself."""

    def __init__(self, repository: Repository) -> None:
        super().__init__()
        self.repository = repository
        self.commits: list[str] = []
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(1.0):
            tip = self.repository.tip("main") or ""
            files = {"notes.txt": f"{len(self.commits)}\n"}
            sha = self.repository.commit("main", files, "A note", tip, move=False)
            try:
                self.repository.move("main", sha, tip)
            except RuntimeError:
                continue  # a racer was faster
            self.commits.append(sha)


def landed(place: World, racers: Sequence[Racer], first: str | None) -> list[str]:
    """The commits since the first one, of which each racer's is exactly its own change; the others are left."""
    assert [racer.ran.code for racer in racers] == [0] * len(racers), "\n".join(racer.ran.err for racer in racers)
    commits = place.repository.git("rev-list", "--reverse", f"{first}..main").split()
    for number, racer in enumerate(racers):
        commit = racer.ran.document["delivery"]["commit"]
        assert changed_lines(place.repository, commit) == [image(number)]
        commits.remove(commit)
    return commits


def test_all_land_and_each_commit_is_exactly_its_own_change(place: World) -> None:
    first = place.repository.tip("main")
    started = time.monotonic()
    racers = race(place, [(f"{image(number)}:1.1.0", "--deliver", "push") for number in range(RACERS)])
    wall = time.monotonic() - started
    assert landed(place, racers, first) == []
    assert content(place) == kustomization(RACERS).replace("1.0.0", "1.1.0")
    attempts = [racer.attempts for racer in racers]
    print(f"{RACERS} racers: {sum(attempts)} attempts, most {max(attempts)}, {wall:.0f} s")
    assert max(attempts) <= MOST_ATTEMPTS


def test_a_person_who_commits_meanwhile_loses_nothing(place: World) -> None:
    first = place.repository.tip("main")
    human = Human(place.repository)
    human.start()
    try:
        racers = race(place, [(f"{image(number)}:1.1.0", "--deliver", "push") for number in range(3)])
    finally:
        human.done.set()
        human.join()
    assert landed(place, racers, first) == human.commits
    assert content(place) == kustomization(RACERS).replace("1.0.0", "1.1.0", 3)


def content(place: World, branch: str = "main") -> str:
    return place.repository.read(branch, ONE_FILE) + "\n"


def changed_lines(repository: Repository, commit: str) -> list[str]:
    """The images whose tags a commit changes; it changes nothing else."""
    diff = repository.git("diff", "-U1", f"{commit}^", commit).splitlines()
    lines = [line for line in diff if line[:1] in ("+", "-") and not line.startswith(("+++", "---"))]
    assert len(lines) % 2 == 0
    assert set(lines) == {"-    newTag: 1.0.0", "+    newTag: 1.1.0"}, lines
    before = [diff[at - 1] for at, line in enumerate(diff) if line.startswith("-    newTag")]
    return [line.rpartition("name: ")[2] for line in before]


def test_of_one_image_the_highest_version_stands(place: World) -> None:
    tags = [f"1.{number + 1}.0" for number in range(RACERS)]
    racers = race(place, [(f"{image(0)}:{tag}", "--deliver", "push") for tag in tags])
    highest = racers[-1].ran
    assert highest.code == 0, highest.err
    for racer in racers:
        assert racer.ran.code in (0, 1), racer.ran.err
        assert racer.ran.code == 0 or racer.ran.document["error"]["id"] == "downgrade-refused"
    assert content(place) == kustomization(RACERS).replace("1.0.0", tags[-1], 1)


@pytest.mark.parametrize("deliver", ["push", "pull-request"])
def test_of_one_image_without_versions_the_newest_revision_stands(place: World, deliver: str) -> None:
    """Tags that have no order: what was built from the newest revision wins, and who comes late is told so."""
    git(place.folder, "init", "--quiet", "--initial-branch=main")
    revisions = []
    for number in range(RACERS):
        git(place.folder, "commit", "--quiet", "--allow-empty", "-m", f"change {number}")
        revisions.append(git(place.folder, "rev-parse", "HEAD").decode().strip())
    source = ("--source-url", "https://github.com/acme/shop")
    own = [(f"{image(0)}:sha-{sha[:12]}", "--deliver", deliver, *source, "--source-revision", sha) for sha in revisions]
    racers = race(place, own)
    assert [racer.ran.code for racer in racers] == [0] * RACERS, "\n".join(racer.ran.err for racer in racers)
    assert racers[-1].ran.document["result"] == "updated"
    assert {racer.ran.document["result"] for racer in racers} <= {"updated", "superseded"}
    newest = f"sha-{revisions[-1][:12]}"
    branch = "main" if deliver == "push" else next(iter(place.repository.branches("pipelinegen-")))
    assert content(place, branch) == kustomization(RACERS).replace("1.0.0", newest, 1)
    assert [newest in one.title for one in place.service.all()] == ([] if deliver == "push" else [True])


@pytest.mark.parametrize(("kind", "count"), FORGES)
def test_different_images_have_a_branch_and_a_pull_request_each(kind: str, count: int, tmp_path: Path) -> None:
    with world(kind, tmp_path, {ONE_FILE: kustomization(count)}) as place:
        before = place.repository.tip("main")
        racers = race(place, [(f"{image(number)}:1.1.0",) for number in range(count)])
        assert [racer.ran.code for racer in racers] == [0] * count, "\n".join(racer.ran.err for racer in racers)
        assert place.repository.tip("main") == before
        pulls = [racer.ran.document["delivery"]["pull_request"] for racer in racers]
        assert sorted(pull["number"] for pull in pulls) == list(range(1, count + 1))
        assert {pull["state"] for pull in pulls} == {"opened"}
        for number, racer in enumerate(racers):
            branch = racer.ran.document["delivery"]["branch"]
            assert place.repository.ahead("main", branch) == 1
            assert changed_lines(place.repository, place.repository.tip(branch) or "") == [image(number)]
        assert len(place.repository.branches("pipelinegen-")) == count
        assert len(place.service.open_ones()) == count


@pytest.mark.parametrize(("kind", "count"), FORGES)
def test_many_times_the_same_is_one_branch_and_one_pull_request(kind: str, count: int, tmp_path: Path) -> None:
    with world(kind, tmp_path, {ONE_FILE: kustomization(2)}) as place:
        racers = race(place, [(f"{image(0)}:1.1.0", "--label", "deploy")] * (count + 1))
        assert [racer.ran.code for racer in racers] == [0] * (count + 1), "\n".join(racer.ran.err for racer in racers)
        documents = [racer.ran.document["delivery"] for racer in racers]
        assert {document["pull_request"]["number"] for document in documents} == {1}
        assert len(place.service.all()) == 1
        assert place.service.all()[0].labels == ["deploy"]
        (branch,) = place.repository.branches("pipelinegen-")
        assert place.repository.ahead("main", branch) == 1
        assert {document["commit"] for document in documents} == {place.repository.tip(branch)}
        states = Counter(document["pull_request"]["state"] for document in documents)
        assert states["opened"] >= 1
