"""The demo: the story comes true with real git, in any folder, under any user's settings, and leaves nothing behind."""

import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelinegen.commands.demo import run
from pipelinegen.commands.demo.expected import NEW_LINES, ROLLED_BACK, STAGED, STAGED_AGAIN, bumped
from pipelinegen.commands.demo.forge import API, ROBOT, Forge
from pipelinegen.commands.demo.forge import Report as Reported
from pipelinegen.commands.demo.repositories import git as plain_git
from pipelinegen.commands.demo.repositories import make_repositories
from pipelinegen.commands.demo.scene import Scene
from pipelinegen.commands.demo.server import PATH, Hosted, has_backend, hosted
from pipelinegen.commands.demo.stage import Stage
from pipelinegen.commands.demo.step import Step, play
from pipelinegen.commands.demo.story import STORY
from pipelinegen.edge.ci import CiContext
from pipelinegen.edge.forge import forge_for
from pipelinegen.errors import Defect
from pipelinegen.redact import Secret
from pipelinegen.report import Report
from pipelinegen.shipped import files_under
from tests.support.forges.description import Description

SCREEN = 52
SERVER = re.compile(r"http://127\.0\.0\.1:[0-9]+/")


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
    lines = [SERVER.sub("URL/", line) for line in told.stderr.splitlines() if line.startswith(("$ ", "# "))]
    assert lines[0].startswith("$ cd ")
    commands = [command.replace("{url}", f"URL/{PATH}.git") for step in STORY for command in step.commands]
    commands = [command.replace("{forge}", "github") for command in commands]
    assert lines[1:] == [command if command.startswith("# ") else f"$ {command}" for command in commands]


def test_standard_output_carries_only_results(told: subprocess.CompletedProcess[str]) -> None:
    assert '+  - { name: shop-worker, newName: ghcr.io/acme/worker, newTag: "8e10257" }' in told.stdout
    for line in ("steps did", "nothing to do", "error:", "$ ", "# ", "pull request opened"):
        assert f"\n{line}" not in told.stdout


def test_the_reviewer_reads_what_the_rollback_undoes(told: subprocess.CompletedProcess[str]) -> None:
    text = told.stderr.partition("# A reviewer reads pull request 3")[2]
    assert "  | - `ghcr.io/acme/worker`: `8e10257` → `3f9a1c2`" in text
    assert re.search(r"  \| - Undoes [0-9a-f]{12} of Ada, .*Promote 2 images in production", text)


def test_the_readme_shows_lines_of_the_story(told: subprocess.CompletedProcess[str]) -> None:
    """In their order, but for what is new in each run: the port, the commits and the time."""
    readme = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    block = readme.partition("```console network\n")[2].partition("```")[0]
    story = iter(map(without_what_is_new, told.stderr.splitlines()))
    missing = [line for line in block.splitlines() if without_what_is_new(line) not in story]
    assert len(block.splitlines()) > 10
    assert not missing


def without_what_is_new(line: str) -> str:
    line = re.sub(r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}", "TIME", SERVER.sub("URL/", line))
    return re.sub(r"(?<![-@0-9a-f])[0-9a-f]{12}\b", "COMMIT", line)


# As in a job of CI, with settings of the user's that would end badly if they counted.
HOSTILE = {
    "GIT_DIR": "/nowhere",
    "GIT_AUTHOR_DATE": "never",
    "PIPELINEGEN_DRY_RUN": "1",
    "PIPELINEGEN_REPO": "/nowhere",
    "PIPELINEGEN_TOKEN": "none",
    "JENKINS_URL": "http://ci",
    "GH_TOKEN": "none",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "LC_ALL": "tr_TR.UTF-8",
}
HOSTILE_FILES = {
    ".gitconfig": "[user]\n\tuseConfigOnly = true\n[commit]\n\tgpgSign = true\n[core]\n\tautocrlf = true\n"
    "\thooksPath = /nowhere\n[init]\n\tdefaultBranch = trunk\n",
    "pipelinegen.yaml": "no: configuration of the demo's\n",
}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The demo as a document, in a job with hostile settings; it wrote no file."""
    folder = tmp_path_factory.mktemp("job")
    for name, text in HOSTILE_FILES.items():
        (folder / name).write_text(text)
    outputs = dict.fromkeys(("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"), str(folder / "outputs"))
    done = demo("--json", cwd=folder, GITHUB_ACTIONS="true", **outputs, **HOSTILE)
    assert {path.name for path in folder.iterdir()} == set(HOSTILE_FILES)
    return done


def test_neither_git_configuration_nor_variables_of_the_user_count(job: subprocess.CompletedProcess[str]) -> None:
    assert job.returncode == 0, job.stderr


def test_the_document_tells_each_step_and_a_job_gets_no_outputs(job: subprocess.CompletedProcess[str]) -> None:
    document = json.loads(job.stdout)
    assert (document["schema"], document["result"], document["folder"]) == ("pipelinegen.demo/1", "done", None)
    assert [step["name"] for step in document["steps"]] == [step.name for step in STORY]
    runs = {step["name"]: step["runs"] for step in document["steps"]}
    assert runs["write"][0]["document"]["result"] == "updated"
    assert runs["again"][0]["document"]["result"] == "unchanged"
    assert [runs[name][0]["exit_code"] for name in ("again", "downgrade", "typo")] == [0, 1, 2]
    pulls = [runs[name][0]["document"]["delivery"]["pull_request"] for name in ("pull-request", "newer-build")]
    assert [(pull["number"], pull["state"]) for pull in pulls] == [(1, "opened"), (1, "updated")]
    assert runs["late-build"][0]["document"]["result"] == "superseded"
    assert runs["observe"][1]["document"]["result"] == "healthy"


def test_keep_leaves_the_repositories_also_inside_another_one_and_quiet_says_nothing_to_people(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*\n")
    variables = {"CI_PROJECT_DIR": str(tmp_path), "PIPELINEGEN_DOTENV": str(tmp_path / "dotenv"), "GITLAB_CI": "true"}
    done = demo("--quiet", "--keep", "made/here", cwd=tmp_path, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {".git", ".gitignore", "made"}
    manifests = tmp_path / "made/here/manifests"
    assert git(manifests, "status", "--porcelain").splitlines() == [f" M {path}" for path in sorted(NEW_LINES)]
    assert git(tmp_path / "made/here/shop", "status", "--porcelain") == ""
    wanted = bumped(files_under("demo", "manifests"))
    assert {path: (manifests / path).read_bytes() for path in wanted} == wanted
    server = tmp_path / f"made/here/server/{PATH}.git"
    heads = git(server, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert [name.rpartition("-")[0] for name in heads if name != "main"] == [
        "pipelinegen-production-api",
        "pipelinegen-promotion-production-from-staging",
        "pipelinegen-rollback-production-images",
    ]
    rolled_back = bumped(bumped(files_under("demo", "manifests"), STAGED_AGAIN), ROLLED_BACK)
    assert {path: git(server, "show", f"{heads[-1]}:{path}").encode() for path in rolled_back} == rolled_back
    subjects = git(server, "log", "--first-parent", "--format=%s", "main").splitlines()
    assert len(subjects) == 5
    assert subjects[-1] == "Deploy the shop"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Forge, str]:
    """The forge of a whole story, and all that was told in a wide terminal's order of both streams."""
    forges: list[Forge] = []
    screen = io.TextIOWrapper(io.BytesIO(), write_through=True)
    with pytest.MonkeyPatch.context() as patch:
        made = Forge.__init__

        def noted(self: Forge, repository: str, path: str) -> None:
            made(self, repository, path)
            forges.append(self)

        patch.setattr(Forge, "__init__", noted)
        patch.setenv("COLUMNS", "120")
        patch.setattr(sys, "stdout", screen)
        patch.setattr(sys, "stderr", screen)
        assert run(str(tmp_path_factory.mktemp("empty")), Report()) == 0
    return forges[0], screen.buffer.getvalue().decode()


@pytest.fixture
def forge(played: tuple[Forge, str]) -> Forge:
    return played[0]


def test_each_step_fits_a_screen(played: tuple[Forge, str]) -> None:
    told = played[1]
    numbered = list(re.finditer(r"(?m)^[0-9]+ of [0-9]+: ", told))
    assert len(numbered) == len(STORY)
    ends = [*(found.start() for found in numbered[1:]), len(told)]
    tall = [told[start.start() : end] for start, end in zip(numbered, ends, strict=True)]
    assert not [step for step in tall if step.count("\n") > SCREEN]


def test_the_forge_answers_as_github_describes_itself(forge: Forge) -> None:
    """What GitHub would refuse or never say is found here, also in what this forge leaves out."""
    assert len(held_to_the_description(forge)) >= 6


def held_to_the_description(forge: Forge) -> set[str]:
    """The operations that were asked of the forge."""
    description, faults, operations = Description("github.json"), [], set()
    for each in forge.log:
        if each.path.startswith(f"{API}/"):
            operation = description.operation(each.method, each.path.removeprefix(API))
            assert operation, f"not in GitHub's description: {each.method} {each.path}"
            operations.add(operation)
            faults += description.request_faults(operation, dict(each.query), each.content)
            complete = description.completed(operation, each.status, each.answer)
            faults += description.answer_faults(operation, each.status, complete)
    assert not faults
    return operations


def test_three_pull_requests_are_made_and_nothing_more_is_written(forge: Forge) -> None:
    writes = [f"{each.method} {each.path.rpartition(PATH)[2]}" for each in forge.log if each.method != "GET"]
    assert writes == ["POST /pulls", "PATCH /pulls/1", "POST /pulls", "POST /pulls"]
    assert [(pull.number, pull.state) for pull in forge.pulls] == [(1, "closed"), (2, "closed"), (3, "open")]


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
    make_repositories(str(tmp_path))
    dry = next(step for step in STORY if step.name == "kustomize-and-helm")
    wet: Step = dry._replace(commands=(dry.commands[0].replace("--dry-run ", ""),))
    with hosted(str(tmp_path)) as server, pytest.raises(Defect, match="a dry run changed a file"):
        play(wet, "1 of 1", Scene(str(tmp_path), Stage(Report(verbosity=-1, json=True)), server))


def steps(*names: str) -> tuple[Step, ...]:
    return tuple(step for step in STORY if step.name in names)


def test_a_push_of_something_else_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = STAGED
    monkeypatch.setitem(STAGED[path], 8, b"  newTag: 1.10.1\n")
    monkeypatch.setattr("pipelinegen.commands.demo.STORY", steps("server", "push"))
    with pytest.raises(Defect, match=f"on main these files hold something else: {re.escape(path)}"):
        run(None, Report(verbosity=-1, json=True))


def test_a_second_pull_request_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forge that loses what it was told opens another one for the same branch."""

    def forget(self: Forge, *_: object) -> tuple[int, object]:
        for pull in self.pulls:
            pull.state = "closed"
        return 200, []

    monkeypatch.setattr(Forge, "_list", forget)
    monkeypatch.setattr(
        "pipelinegen.commands.demo.STORY", steps("server", "push", "pull-request", "pull-request-again")
    )
    with pytest.raises(Defect, match="2 requests wrote something"):
        run(None, Report(verbosity=-1, json=True))


def test_an_agent_that_fails_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    expect = Forge.expect

    def fail(self: Forge, commit: str, *_: object) -> None:
        expect(self, commit, Reported("argocd/shop-production", "failure", "ImagePullBackOff"))

    monkeypatch.setattr(Forge, "expect", fail)
    chosen = steps("server", "push", "pull-request", "newer-build", "merge", "observe")
    monkeypatch.setattr("pipelinegen.commands.demo.STORY", chosen)
    with pytest.raises(Defect, match="exit 1: pipelinegen observe"):
        run(None, Report(verbosity=-1, json=True))


def test_a_git_that_cannot_serve_tells_the_story_without_a_forge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipelinegen.commands.demo.server.has_backend", lambda: False)
    assert run(str(tmp_path / "here"), Report()) == 0
    told = capfd.readouterr().err
    assert "this git has no http-backend and cannot be a server" in told
    assert f"PIPELINEGEN_REPO=file://{tmp_path}/here/server/{PATH}.git PIPELINEGEN_FORGE=none" in told
    assert f"All {len(STORY) - 1} steps did what they should" in told
    assert "pipelinegen observe" not in told


def test_whether_git_can_serve_is_asked_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_backend()
    (tmp_path / "git").write_text("#!/bin/sh\necho /nowhere\n")
    (tmp_path / "git").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not has_backend()


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    """In the middle of a delivery, with a server that answers it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "pipelinegen", "demo"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "--env staging" in line:
                running.send_signal(signal.SIGINT)
                break
        rest = running.stderr.read()
    assert running.returncode == 130
    assert "Traceback" not in rest
    assert not list(tmp_path.iterdir())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hosted]:
    make_repositories(str(tmp_path))
    with hosted(str(tmp_path)) as server:
        yield server


def ask(server: Hosted, method: str, path: str, token: str | None, body: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.request(method, path, body, {"Authorization": f"token {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("token", [None, "", "wrong"], ids=["none", "empty", "wrong"])
@pytest.mark.parametrize("path", [f"/{PATH}.git/info/refs?service=git-upload-pack", f"{API}/repos/{PATH}"])
def test_the_server_answers_nobody_without_the_token(server: Hosted, path: str, token: str | None) -> None:
    assert ask(server, "GET", path, token)[0] == 401
    assert ask(server, "GET", path, server.token)[0] == 200


def test_the_server_serves_nothing_but_the_repository(server: Hosted) -> None:
    assert urlsplit(server.url).hostname == "127.0.0.1"
    for path in (f"/{PATH}.git/../../../shop/.git/HEAD", "/etc/passwd", f"{API}/user", f"{API}/repos/acme/other"):
        assert ask(server, "GET", path, server.token)[0] == 404


def test_the_forge_refuses_what_github_refuses(server: Hosted) -> None:
    pulls, content = f"{API}/repos/{PATH}/pulls", {"title": "t", "head": "nowhere", "base": "main"}
    status, answer = ask(server, "POST", pulls, server.token, json.dumps(content))
    assert (status, json.loads(answer)["errors"][0]["field"]) == (422, "head")
    git(Path(server.repository), "branch", "change", "main")
    content["head"] = "change"
    assert ask(server, "POST", pulls, server.token, json.dumps(content))[0] == 201
    status, answer = ask(server, "POST", pulls, server.token, json.dumps(content))
    assert (status, json.loads(answer)["errors"][0]["message"]) == (422, "A pull request already exists for change.")
    assert ask(server, "GET", f"{pulls}/2", server.token)[0] == 404
    assert ask(server, "PUT", f"{pulls}/1/merge", server.token, json.dumps({"sha": "0" * 40}))[0] == 409


def test_whatever_the_commands_may_ask_of_it_the_forge_does(server: Hosted) -> None:
    """Through the port that the commands use, also what the story has no place for."""
    assert server.forge is not None
    made = plain_git(server.repository, "commit-tree", "main^{tree}", "-p", "main", "-m", "A change").strip()
    plain_git(server.repository, "branch", "change", made)
    token = Secret("PIPELINEGEN_TOKEN", server.token)
    port = forge_for(server.url, "github", None, token, CiContext())
    try:
        first = port.open("change", "main", "Title", "Body")
        assert port.close(first.number, "There is nothing left", "nothing-left").state == "closed"
        assert server.forge.pulls[0].comments == ["There is nothing left"]
        second = port.open("change", "main", "Title", "Body")
        assert port.find_any("change") == port.get(second.number) == second
        content = json.dumps({"sha": made})
        assert ask(server, "PUT", f"{API}/repos/{PATH}/pulls/2/merge", server.token, content)[0] == 200
        merged = port.get(second.number)
        assert (merged.state, merged.merged_sha) == ("merged", port.tip("main"))
        server.forge.expect(made, Reported("ci", "pending", ""), Reported("ci", "success", "ok"))
        assert [port.statuses(made)[0].state for _ in range(3)] == ["pending", "success", "success"]
        assert (port.default_branch(), port.login(), port.check_token().can_push) == ("main", ROBOT, True)
    finally:
        port.shutdown()
    assert len(held_to_the_description(server.forge)) >= 10


def test_the_token_is_new_each_time_and_never_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_repositories(str(tmp_path / "one"))
    with hosted(str(tmp_path / "one")) as one:
        scene = Scene(str(tmp_path / "one"), Stage(Report(verbosity=2)), one)
        for step in steps("server", "push", "pull-request"):
            play(step, "1 of 1", scene)
    printed = capfd.readouterr()
    assert "pull request opened" in printed.err
    assert one.token not in printed.out + printed.err
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(one.token.encode() in data for data in kept)
    os.rename(tmp_path / "one/server", tmp_path / "one/before")
    with hosted(str(tmp_path / "one")) as two:
        assert two.token != one.token
