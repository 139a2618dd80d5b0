"""Whether a rollback stands against a build: the one it took away and all before it wait, a newer one does not."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

from pipelinegen.commands.provenance import origin_of, origins_of
from pipelinegen.commands.superseded import concerning, rolled_back
from pipelinegen.manifests.request import Request
from pipelinegen.trailers import Deployed, Trailers, commit_message

API = "ghcr.io/acme/api"
SHOP = "https://github.com/acme/shop"
DIGEST = "sha256:" + "ab" * 32


def when(day: int) -> datetime:
    return datetime(2024, 1, day, tzinfo=timezone.utc)


def built(tag: str, revision: str | None = None, created: datetime | None = None) -> Deployed:
    return Deployed(f"{API}:{tag}", SHOP if revision else None, revision, created)


def deploys(*images: Deployed, environment: str | None = "production") -> str:
    return commit_message("Bump", [], Trailers(images, (environment,) if environment else (), "ab" * 12))


def undoes(bad: Deployed, good: Deployed) -> str:
    return commit_message("Roll back", [], Trailers((good,), ("production",), "ab" * 12, (bad,)))


def asks(tag: str, digest: str | None = None) -> Request:
    return Request(API, tag, digest)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """The application's checkout with four commits, oldest first."""
    folder = str(tmp_path_factory.mktemp("shop"))
    people = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1", **people}

    def git(*words: str) -> str:
        argv = ["git", "-C", folder, *words]
        return str(subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout).strip()

    git("init", "--quiet")
    commits = []
    for number in range(4):
        git("commit", "--quiet", "--allow-empty", "-m", str(number))
        commits.append(git("rev-parse", "HEAD"))
    return folder, commits


@pytest.mark.parametrize(("number", "waits"), [(0, False), (1, True), (2, True), (3, False)])
def test_by_the_source_revision(shop: tuple[str, list[str]], number: int, waits: bool) -> None:
    folder, commits = shop
    log = [undoes(built("3", commits[2]), built("1", commits[0])), deploys(built("3", commits[2]))]
    ours = built("x", commits[number], when(9))
    # The first one was put in place by the rollback itself.
    assert (rolled_back(asks("x"), ours, log, folder) is not None) is waits


@pytest.mark.parametrize(("day", "waits"), [(1, True), (2, True), (3, False)])
def test_by_the_time_where_revisions_cannot_be_compared(tmp_path: Path, day: int, waits: bool) -> None:
    log = [undoes(built("x", "2" * 40, when(2)), built("w", "1" * 40, when(1)))]
    ours = built("y", "2" * 40 if day == 2 else str(day + 5) * 40, when(day))
    assert (rolled_back(asks("y"), ours, log, str(tmp_path)) is not None) is waits


@pytest.mark.parametrize(("tag", "waits"), [("1.1.0", True), ("1.2.0", True), ("1.3.0", False), ("sha-1", False)])
def test_by_the_version_where_nothing_is_known_of_the_source(tmp_path: Path, tag: str, waits: bool) -> None:
    log = [undoes(built("1.2.0"), built("1.0.0"))]
    assert (rolled_back(asks(tag), built(tag, "9" * 40), log, str(tmp_path)) is not None) is waits


def test_what_was_put_in_place_again_since_is_free(tmp_path: Path) -> None:
    log = [deploys(built("2")), undoes(built("2"), built("1")), deploys(built("2"))]
    assert rolled_back(asks("2"), built("2"), log, str(tmp_path)) is None
    assert rolled_back(asks("2"), built("2"), log[1:], str(tmp_path)) is not None


def test_a_digest_tells_two_builds_of_one_tag_apart(tmp_path: Path) -> None:
    other = "sha256:" + "cd" * 32
    log = [undoes(Deployed(f"{API}:main@{DIGEST}"), Deployed(f"{API}:main@{other}"))]
    assert rolled_back(asks("main", DIGEST), Deployed(f"{API}:main@{DIGEST}"), log, str(tmp_path)) is not None
    for digest in (other, "sha256:" + "ef" * 32):
        assert rolled_back(asks("main", digest), Deployed(f"{API}:main@{digest}"), log, str(tmp_path)) is None


def test_another_image_is_not_meant(tmp_path: Path) -> None:
    log = [undoes(Deployed("ghcr.io/acme/web:2"), Deployed("ghcr.io/acme/web:1"))]
    assert rolled_back(asks("2"), built("2"), log, str(tmp_path)) is None


def test_messages_about_an_environment() -> None:
    log = [
        deploys(built("1"), environment="staging"),
        deploys(built("2")),
        deploys(built("3"), environment=None),
        "By hand",
    ]
    assert concerning(log, "production") == log[1:]
    assert concerning(log, None) == log


def test_what_a_version_was_built_from_is_the_newest_word_on_that_version() -> None:
    log = [
        deploys(built("2", "2" * 40, when(2))),
        deploys(built("1", "b" * 40, when(2))),
        deploys(built("1", "a" * 40, when(1))),
        deploys(Deployed(f"{API}:1@{DIGEST}", SHOP, "c" * 40)),
    ]
    assert origin_of(asks("1"), log) == Deployed(f"{API}:1", SHOP, "b" * 40, when(2))
    assert origin_of(asks("1", DIGEST), log[2:]) == Deployed(f"{API}:1@{DIGEST}", SHOP, "a" * 40, when(1))
    assert origin_of(asks("1", "sha256:" + "cd" * 32), log[3:]) is None
    assert origin_of(asks("9"), log) is None
    assert origins_of([asks("2"), Request("ghcr.io/acme/web", "2", None)], log) == {
        API: Deployed(f"{API}:2", SHOP, "2" * 40, when(2))
    }
