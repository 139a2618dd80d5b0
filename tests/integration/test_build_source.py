"""What images are built from, and when a moving tag may move: real git, a real remote that goes on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from pipelinegen.commands.building.asked import BuildOptions
from pipelinegen.commands.building.forward import is_later, way_of
from pipelinegen.commands.building.source import Source, source_of
from pipelinegen.errors import InputError
from tests.support.builds import wanted
from tests.support.repos import git

CI_VARIABLES = ("GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "JENKINS_HOME", "SOURCE_DATE_EPOCH", "GITHUB_TOKEN")

ASKED = BuildOptions()


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def commit(folder: Path, name: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name, encoding="utf-8")
    git(folder, "add", "--", name)
    git(folder, "commit", "--quiet", "-m", name)
    return git(folder, "rev-parse", "HEAD").decode().strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    folder = tmp_path / "remote"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    commit(folder, "services/api/Dockerfile")
    return folder


@pytest.fixture
def clone(tmp_path: Path, remote: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(remote), "clone")
    return tmp_path / "clone"


def look(folder: Path, options: BuildOptions = ASKED) -> Source:
    image = wanted("api")
    placed = replace(image, context=folder / image.context, dockerfile=folder / image.dockerfile)
    return source_of(options._replace(directory=str(folder)), folder, "shop", [placed])


def test_a_branch_at_hand(clone: Path) -> None:
    source = look(clone)
    revision = git(clone, "rev-parse", "HEAD").decode().strip()
    assert (source.event.ref, source.revision, source.changed) == ("refs/heads/main", revision, None)
    assert (source.event.default_branch, source.head, source.fork) == ("main", "refs/heads/main", False)
    assert (source.title, source.url) == ("shop", None)
    assert source.created.timestamp() == int(git(clone, "log", "-1", "--format=%ct"))


def test_the_highest_tag_of_a_commit_that_is_checked_out(clone: Path) -> None:
    for tag in ("v1.2.0", "v1.10.0", "anything"):
        git(clone, "tag", tag)
    git(clone, "checkout", "--quiet", "--detach")
    assert look(clone).event.ref == "refs/tags/v1.10.0"
    git(clone, "checkout", "--quiet", "main")
    assert look(clone).event.ref == "refs/heads/main"


def test_files_that_are_not_of_the_commit_have_no_revision(clone: Path) -> None:
    (clone / "services/api/Dockerfile").write_text("changed", encoding="utf-8")
    before = dt.datetime.now(dt.timezone.utc)
    source = look(clone)
    assert source.changed == "services/api/Dockerfile"
    assert (source.revision, source.event.revision) == (None, None)
    assert source.created >= before
    assert source.event.ref == "refs/heads/main"


def test_our_own_files_are_no_change(clone: Path) -> None:
    for name in ("build-metadata.json", "services/api/out.json", "services/api/junit/api.xml"):
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).write_text("{}", encoding="utf-8")
    assert look(clone).changed == "services/api/junit/"
    told = look(clone, ASKED._replace(metadata_file="services/api/out.json", junit="services/api/junit"))
    assert told.changed is None


def test_without_git_there_is_a_source_all_the_same(tmp_path: Path) -> None:
    source = look(tmp_path)
    assert (source.event.ref, source.revision, source.changed, source.head) == ("", None, None, None)
    given = look(tmp_path, ASKED._replace(source_revision="a" * 40, source_url="https://x.example/y"))
    assert (given.revision, given.url) == ("a" * 40, "https://x.example/y")


def test_ci_says_what_is_built(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clone / "services/api/Dockerfile").write_text("changed by a step before", encoding="utf-8")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_COMMIT_TAG", "v2.0.0")
    monkeypatch.setenv("CI_COMMIT_SHA", "b" * 40)
    monkeypatch.setenv("CI_PROJECT_URL", "https://gitlab.example.com/acme/shop")
    source = look(clone)
    assert (source.event.ref, source.revision) == ("refs/tags/v2.0.0", "b" * 40)
    assert (source.url, source.head, source.changed) == ("https://gitlab.example.com/acme/shop", None, None)


def test_the_time_of_images_can_be_given(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert look(clone).created.isoformat() == "2023-11-14T22:13:20+00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(InputError, match="number of seconds"):
        look(clone)


def test_a_moving_tag_follows_the_newest_commit_of_its_branch(clone: Path, remote: Path) -> None:
    assert way_of(look(clone)) == (True, True, "")
    newer = commit(remote, "later")
    forward, certain, why = way_of(look(clone))
    assert (forward, certain) == (False, True)
    assert why.startswith(f"main is at {newer[:12]} by now, and this is ")


def test_a_commit_that_is_not_pushed_yet_is_newer_than_the_remote(clone: Path) -> None:
    commit(clone, "ours")
    assert way_of(look(clone)).forward


def test_a_branch_that_the_remote_does_not_have_has_no_newer_commit(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "-b", "topic")
    assert way_of(look(clone)) == (True, True, "")


def test_a_remote_that_cannot_be_asked_leaves_it_open(clone: Path, remote: Path) -> None:
    source = look(clone)
    remote.rename(remote.with_name("moved"))
    assert way_of(source) == (True, False, "the remote cannot be asked which commit is the newest")


def test_without_a_remote_nobody_is_ahead(remote: Path) -> None:
    assert way_of(look(remote)) == (True, True, "")


def test_a_git_tag_is_ahead_of_nothing(clone: Path, remote: Path) -> None:
    git(clone, "tag", "v1.0.0")
    git(clone, "checkout", "--quiet", "--detach")
    commit(remote, "later")
    assert way_of(look(clone)) == (True, True, "")


@pytest.mark.parametrize(
    ("present", "later"),
    [
        ("2026-03-07T15:04:10Z", True),
        ("2026-03-07T15:04:09Z", False),
        ("2026-03-07T16:04:10+02:00", False),
        ("2026-03-07", False),
        ("once", False),
        (None, False),
    ],
)
def test_which_image_is_later(present: str | None, later: bool) -> None:
    assert is_later(present, dt.datetime(2026, 3, 7, 15, 4, 9, tzinfo=dt.timezone.utc)) is later
