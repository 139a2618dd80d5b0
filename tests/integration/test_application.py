"""The application repository, by real git: commit, branch, tags, changes, and where its remote stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelinegen.edge.git.application import Application
from tests.support.repos import git


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))  # what a hook leaves behind must not count
    return tmp_path


def commit(folder: Path, name: str, text: str = "x") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    git(folder, "add", "--", name)
    git(folder, "commit", "--quiet", "-m", name)
    return git(folder, "rev-parse", "HEAD").decode().strip()


@pytest.fixture
def remote(home: Path) -> Path:
    folder = home / "remote"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    commit(folder, "app/main.c")
    return folder


@pytest.fixture
def clone(home: Path, remote: Path) -> Path:
    git(home, "clone", "--quiet", str(remote), "clone")
    return home / "clone"


def test_a_folder_without_git_tells_nothing(home: Path) -> None:
    application = Application(str(home))
    assert (application.head(), application.tags(), application.origin()) == (None, (), None)
    assert (application.default_branch(), application.changed(["."])) == (None, None)
    assert application.remote_refs("refs/heads/main") is None
    assert not application.contains("a" * 40)


def test_a_repository_without_a_commit_tells_nothing(home: Path) -> None:
    git(home, "init", "--quiet", "fresh")
    assert Application(str(home / "fresh")).head() is None


def test_the_head_of_a_branch(clone: Path) -> None:
    head = Application(str(clone / "app")).head()
    assert head is not None
    assert (head.branch, head.tags) == ("main", ())
    assert head.revision == git(clone, "rev-parse", "HEAD").decode().strip()
    assert int(head.committed.timestamp()) == int(git(clone, "log", "-1", "--format=%ct"))


def test_a_tag_that_is_checked_out(clone: Path) -> None:
    git(clone, "tag", "v1.0.0")
    git(clone, "tag", "-a", "-m", "annotated", "api/v2,odd")
    git(clone, "checkout", "--quiet", "--detach", "v1.0.0")
    application = Application(str(clone))
    head = application.head()
    assert head is not None
    assert head.branch == ""
    assert "v1.0.0" in head.tags
    assert set(application.tags()) == {"v1.0.0", "api/v2,odd"}


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        pytest.param("app/main.c", "app/main.c", id="a file that is changed"),
        pytest.param("app/new.c", "app/new.c", id="a file that is new"),
        pytest.param("docs/new.md", None, id="a file elsewhere"),
        pytest.param("app/build-metadata.json", None, id="a file of our own"),
        pytest.param("app/junit/api.xml", None, id="a folder of our own"),
    ],
)
def test_what_is_changed_below_a_path(clone: Path, path: str, seen: str | None) -> None:
    (clone / path).parent.mkdir(parents=True, exist_ok=True)
    (clone / path).write_text("changed", encoding="utf-8")
    ours = ["app/build-metadata.json", "app/junit"]
    assert Application(str(clone)).changed(["app"], ours) == seen


def test_a_name_is_not_read_as_a_pattern(clone: Path) -> None:
    (clone / "app" / "b.c").write_text("new", encoding="utf-8")
    assert Application(str(clone)).changed(["app"], ["app/*"]) == "app/b.c"


def test_the_remote_is_asked_as_it_stands_now(clone: Path, remote: Path) -> None:
    application = Application(str(clone))
    first = application.remote_refs("refs/heads/main")
    newer = commit(remote, "app/later.c")
    assert first == {"refs/heads/main": git(clone, "rev-parse", "HEAD").decode().strip()}
    assert application.remote_refs("refs/heads/main") == {"refs/heads/main": newer}
    assert application.remote_refs("refs/heads/none") == {}
    assert application.default_branch() == "main"
    assert application.origin() == str(remote)


def test_a_remote_that_is_gone_cannot_be_asked(clone: Path, remote: Path) -> None:
    remote.rename(remote.with_name("moved"))
    assert Application(str(clone)).remote_refs("refs/heads/main") is None


def test_which_commits_are_contained(clone: Path, remote: Path) -> None:
    older = git(clone, "rev-parse", "HEAD").decode().strip()
    commit(clone, "app/ours.c")
    newer = commit(remote, "app/theirs.c")
    application = Application(str(clone))
    assert application.contains(older)
    assert not application.contains(newer)
