"""The demo: the story comes true with real git, in any folder, under any user's settings, and leaves nothing behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelinegen.commands.demo import run
from pipelinegen.commands.demo.expected import NEW_LINES, bumped
from pipelinegen.commands.demo.repositories import make_repositories
from pipelinegen.commands.demo.story import STORY, Step, play
from pipelinegen.errors import Defect
from pipelinegen.report import Report
from pipelinegen.shipped import files_under

SCREEN = 52


def demo(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "TMPDIR": str(cwd), **variables}
    command = [sys.executable, "-m", "pipelinegen", "demo", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The demo as a newcomer runs it; the folder for temporary files is empty again afterwards."""
    folder = tmp_path_factory.mktemp("home")
    done = demo(cwd=folder)
    assert not list(folder.iterdir())
    return done


def test_the_story_comes_true(told: subprocess.CompletedProcess[str]) -> None:
    assert told.returncode == 0, told.stderr
    assert f"All {len(STORY)} steps did what they should" in told.stderr


def test_every_command_line_is_shown(told: subprocess.CompletedProcess[str]) -> None:
    shown = [line[2:] for line in told.stderr.splitlines() if line.startswith("$ ")]
    assert shown[0].startswith("cd ")
    assert shown[1:] == [command for step in STORY for command in step.commands]


def test_standard_output_carries_only_results(told: subprocess.CompletedProcess[str]) -> None:
    assert '+  - { name: shop-worker, newName: ghcr.io/acme/worker, newTag: "8e10257" }' in told.stdout
    for line in ("steps did", "nothing to do", "error:", "$ "):
        assert line not in told.stdout


def test_each_step_fits_a_screen(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "120"}
    told = subprocess.run(
        [sys.executable, "-m", "pipelinegen", "demo"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout
    steps = told.split("\n\n")
    numbered = [index for index, text in enumerate(steps) if " of " in text.partition(":")[0]]
    assert len(numbered) == len(STORY)
    for start, end in zip(numbered, [*numbered[1:], len(steps)], strict=True):
        assert "\n\n".join(steps[start:end]).count("\n") < SCREEN


def test_the_document_tells_each_step(tmp_path: Path) -> None:
    done = demo("--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert (document["schema"], document["result"], document["folder"]) == ("pipelinegen.demo/1", "done", None)
    assert [step["name"] for step in document["steps"]] == [step.name for step in STORY]
    runs = {step["name"]: step["runs"] for step in document["steps"]}
    assert runs["write"][0]["document"]["result"] == "updated"
    assert runs["again"][0]["document"]["result"] == "unchanged"
    assert [runs[name][0]["exit_code"] for name in ("again", "downgrade", "typo")] == [0, 1, 2]


def test_quiet_says_nothing_to_people(tmp_path: Path) -> None:
    done = demo("--quiet", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""


def test_keep_leaves_both_repositories_with_the_bump(tmp_path: Path) -> None:
    done = demo("--keep", "made/here", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    manifests = tmp_path / "made/here/manifests"
    assert git(manifests, "status", "--porcelain").splitlines() == [f" M {path}" for path in sorted(NEW_LINES)]
    assert git(tmp_path / "made/here/shop", "status", "--porcelain") == ""
    wanted = bumped(files_under("demo", "manifests"))
    assert {path: (manifests / path).read_bytes() for path in wanted} == wanted


def test_keep_takes_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(str(tmp_path / "empty"), Report(verbosity=-1)) == 0


@pytest.mark.parametrize("name", ["full", "file", "file/below"])
def test_keep_refuses_what_is_not_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("precious")
    (tmp_path / "file").write_text("precious")
    done = demo("--keep", name, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {name}: ")
    assert "next: give --keep a folder that is absent or empty" in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full", "mine"]


def test_the_commits_are_the_same_always(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_repositories(str(tmp_path / name))
    for repository in ("shop", "manifests"):
        heads = {git(tmp_path / name / repository, "rev-parse", "HEAD") for name in ("one", "two")}
        assert len(heads) == 1


def test_neither_git_configuration_nor_variables_of_the_user_count(tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text(
        "[user]\n\tuseConfigOnly = true\n[commit]\n\tgpgSign = true\n[core]\n\tautocrlf = true\n"
        "\thooksPath = /nowhere\n[init]\n\tdefaultBranch = trunk\n"
    )
    (tmp_path / "pipelinegen.yaml").write_text("no: configuration of the demo's\n")
    done = demo(
        cwd=tmp_path,
        GIT_DIR="/nowhere",
        GIT_AUTHOR_DATE="never",
        PIPELINEGEN_DRY_RUN="1",
        PIPELINEGEN_REPO="/nowhere",
        LC_ALL="tr_TR.UTF-8",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("mark", [{"GITHUB_ACTIONS": "true"}, {"GITLAB_CI": "true"}, {"JENKINS_URL": "http://ci"}])
def test_in_ci_it_writes_no_outputs_of_the_job(tmp_path: Path, mark: dict[str, str]) -> None:
    names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "PIPELINEGEN_DOTENV")
    files = {name: str(tmp_path / name) for name in names}
    done = demo(cwd=tmp_path, CI_PROJECT_DIR=str(tmp_path), **files, **mark)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


def test_it_may_lie_inside_another_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*\n")
    done = demo("--keep", "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_machine_without_git_is_told_so(tmp_path: Path) -> None:
    done = demo(cwd=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 3
    assert "'git' is not installed" in done.stderr
    assert json.loads(demo("--json", cwd=tmp_path, PATH=str(tmp_path)).stdout)["error"]["id"] == "git-missing"


@pytest.mark.parametrize("damage", ["another-line", "exit-code", "undone"])
def test_a_step_that_does_something_else_is_a_defect(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge of the demo judges: each kind of wrong result ends it with exit 70."""
    story = list(STORY)
    write = next(index for index, step in enumerate(story) if step.name == "write")
    if damage == "another-line":
        monkeypatch.setitem(NEW_LINES["clusters/flux/edge.yaml"], 3, b"metadata: {}\n")
    elif damage == "exit-code":
        story[write] = story[write]._replace(exit_code=1)
    else:
        del story[write]
    monkeypatch.setattr("pipelinegen.commands.demo.STORY", tuple(story))
    with pytest.raises(Defect) as caught:
        run(None, Report(verbosity=-1, json=True))
    assert caught.value.id == "demo-differs"


def test_a_dry_run_that_writes_is_seen(tmp_path: Path) -> None:
    from pipelinegen.commands.demo.scene import Scene
    from pipelinegen.commands.demo.stage import Stage

    make_repositories(str(tmp_path))
    dry = next(step for step in STORY if step.name == "kustomize-and-helm")
    wet: Step = dry._replace(commands=(dry.commands[0].replace("--dry-run ", ""),))
    with pytest.raises(Defect, match="a dry run changed a file"):
        play(wet, "1 of 1", Scene(str(tmp_path), Stage(Report(verbosity=-1, json=True))))
