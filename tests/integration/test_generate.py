"""`pipelinegen generate` as a person runs it in a git repository: first time, again, after edits, in each way."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipelinegen.cli import run
from tests.support.checkout import Checkout

CONFIG = """\
version: 1
project: shop
images:
  api: {repository: ghcr.io/acme/api}
  worker: {repository: ghcr.io/acme/worker}
manifests:
  repository: https://github.com/acme/manifests
  environments:
    staging: {paths: ["apps/*/overlays/staging/**"], deliver: push}
    production: {paths: ["apps/*/overlays/production/**"], deliver: pull-request}
"""
HOSTS = CONFIG.replace("deliver: push}", "deliver: push, hosts: [s.example]}").replace(
    "pull-request}", "pull-request, hosts: [p.example]}"
)
WORKFLOW = ".github/workflows/pipelinegen.yml"
PULL = ("--style", "pull", "--ci", "github")
PUSH = ("--style", "push", "--ci", "github", "--deploy", "kubectl")
BEGIN = "      # pipelinegen:begin before-build\n"


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.out)
        assert document["schema"] == "pipelinegen.generate/1"
        return dict(document)


Generate = Callable[..., Ran]


@pytest.fixture
def repository(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "shop", {"pipelinegen.yaml": CONFIG})


@pytest.fixture
def generate(repository: Checkout, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Generate:
    for name in list(os.environ):
        if name.startswith(("PIPELINEGEN_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(repository.folder.parent))
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments: str) -> Ran:
        capfd.readouterr()
        code = run(["generate", "-C", str(repository.folder), *arguments])
        said = capfd.readouterr()
        return Ran(code, said.out, said.err)

    return call


def edit(repository: Checkout, path: str, old: str, new: str) -> None:
    text = repository.read(path)
    assert old in text
    repository.write({path: text.replace(old, new, 1)})


def fill(repository: Checkout, lines: str = "      - run: echo mine\n") -> None:
    edit(repository, WORKFLOW, BEGIN, BEGIN + lines)


def rename(repository: Checkout) -> None:
    """Change what is generated: every file names the project."""
    edit(repository, "pipelinegen.yaml", "project: shop", "project: store")


class TestWriting:
    def test_the_first_run_writes_the_files_at_their_places(self, repository: Checkout, generate: Generate) -> None:
        ran = generate(*PULL)
        assert (ran.code, ran.out.splitlines()) == (0, [WORKFLOW, "deploy/SETUP.md"])
        assert set(repository.files()) == {"pipelinegen.yaml", WORKFLOW, "deploy/SETUP.md", ".pipelinegen.lock"}
        assert repository.read(WORKFLOW).startswith("# Written by pipelinegen ")

    def test_the_second_run_changes_nothing_and_the_check_agrees(
        self, repository: Checkout, generate: Generate
    ) -> None:
        generate(*PUSH)
        before = repository.files()
        again = generate(*PUSH)
        assert (again.code, again.out) == (0, "")
        assert repository.files() == before
        checked = generate(*PUSH, "--check")
        assert (checked.code, checked.out) == (0, "")

    def test_a_dry_run_shows_the_diff_and_writes_nothing(self, repository: Checkout, generate: Generate) -> None:
        ran = generate(*PULL, "--dry-run")
        assert ran.code == 0
        assert f"+++ b/{WORKFLOW}" in ran.out
        assert set(repository.files()) == {"pipelinegen.yaml"}

    def test_a_change_of_the_configuration_is_written(self, repository: Checkout, generate: Generate) -> None:
        generate(*PULL)
        rename(repository)
        assert WORKFLOW in generate(*PULL).out
        assert "store" in repository.read(WORKFLOW)

    def test_programs_are_executable(self, repository: Checkout, generate: Generate) -> None:
        edit(repository, "pipelinegen.yaml", CONFIG, HOSTS)
        document = generate("--style", "push", "--ci", "github", "--deploy", "puppet", "--json").document
        programs = {file["path"] for file in document["files"] if file["executable"]}
        assert programs
        assert programs == {path for path in repository.files() if os.access(repository.folder / path, os.X_OK)}

    def test_the_document_says_what_became_of_each_file(self, generate: Generate) -> None:
        document = generate(*PULL, "--json").document
        assert (document["result"], document["targets"]) == ("written", ["pull/github"])
        assert {file["path"]: file["action"] for file in document["files"]} == {
            WORKFLOW: "create",
            "deploy/SETUP.md": "create",
        }
        assert generate(*PULL, "--json").document["result"] == "unchanged"
        assert generate(*PULL, "--json", "--check").document["result"] == "unchanged"

    def test_outside_of_git_it_works_as_well(self, tmp_path: Path, generate: Generate) -> None:
        plain = Checkout(tmp_path / "plain", {"pipelinegen.yaml": CONFIG}, in_git=False)
        assert generate("-C", str(plain.folder), *PULL).code == 0
        assert WORKFLOW in plain.files()


class TestEdits:
    def test_an_edited_file_is_refused_with_the_diff_and_force_restores_it(
        self, repository: Checkout, generate: Generate
    ) -> None:
        generate(*PULL)
        generated = repository.files()
        edit(repository, WORKFLOW, "timeout-minutes: 30", "timeout-minutes: 99")
        edited = repository.files()
        checked = generate(*PULL, "--check")
        assert checked.code == 1
        assert "-    timeout-minutes: 99\n+    timeout-minutes: 30\n" in checked.out
        refused = generate(*PULL)
        assert refused.code == 1
        assert "-    timeout-minutes: 99\n" in refused.out
        assert f"{WORKFLOW}: it was edited" in refused.err
        assert repository.files() == edited
        assert generate(*PULL, "--force").code == 0
        assert repository.files() == generated

    def test_one_edited_file_keeps_all_from_being_written(self, repository: Checkout, generate: Generate) -> None:
        generate(*PUSH)
        edit(repository, WORKFLOW, "timeout-minutes: 30", "timeout-minutes: 99")
        rename(repository)
        before = repository.files()
        assert generate(*PUSH).code == 1
        assert repository.files() == before

    def test_a_block_is_kept_when_something_else_is_generated(self, repository: Checkout, generate: Generate) -> None:
        generate(*PULL)
        fill(repository)
        assert generate(*PULL, "--check").code == 0
        rename(repository)
        assert generate(*PULL).code == 0
        text = repository.read(WORKFLOW)
        assert "store" in text
        assert f"{BEGIN}      - run: echo mine\n      # pipelinegen:end\n" in text
        assert generate(*PULL, "--check").code == 0

    def test_a_file_that_was_there_before_is_refused(self, repository: Checkout, generate: Generate) -> None:
        repository.write({WORKFLOW: "name: theirs\n"})
        ran = generate(*PULL)
        assert ran.code == 1
        assert "not written by pipelinegen" in ran.err
        assert "next: move it out of the way" in ran.err
        assert repository.read(WORKFLOW) == "name: theirs\n"

    def test_a_deleted_file_is_written_again(self, repository: Checkout, generate: Generate) -> None:
        generate(*PULL)
        (repository.folder / WORKFLOW).unlink()
        assert generate(*PULL, "--check").code == 1
        assert "though it was deleted" in generate(*PULL).err
        assert generate(*PULL, "--check").code == 0

    def test_line_breaks_of_windows_stay(self, repository: Checkout, generate: Generate) -> None:
        generate(*PULL)
        repository.write({WORKFLOW: repository.read(WORKFLOW).replace("\n", "\r\n")})
        assert generate(*PULL, "--check").code == 0
        rename(repository)
        assert generate(*PULL).code == 0
        text = repository.read(WORKFLOW)
        assert "store" in text
        assert text.count("\n") == text.count("\r\n")

    @pytest.mark.parametrize("place", [WORKFLOW, ".github"])
    def test_a_link_is_never_followed(
        self, repository: Checkout, generate: Generate, tmp_path: Path, place: str
    ) -> None:
        outside = tmp_path / "outside"
        (outside / "workflows").mkdir(parents=True)
        (outside / "workflows/pipelinegen.yml").write_text("theirs\n")
        link = repository.folder / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(outside / "workflows/pipelinegen.yml" if place == WORKFLOW else outside)
        ran = generate(*PULL, "--force", "--json")
        assert (ran.code, ran.document["error"]["id"]) == (2, "file-refused")
        assert (outside / "workflows/pipelinegen.yml").read_text() == "theirs\n"

    def test_a_broken_lock_is_told_and_force_makes_a_new_one(self, repository: Checkout, generate: Generate) -> None:
        generate(*PULL)
        repository.write({".pipelinegen.lock": "{}"})
        ran = generate(*PULL, "--json")
        assert (ran.code, ran.document["error"]["id"]) == (2, "bad-lock")
        assert generate(*PULL, "--force").code == 0
        assert generate(*PULL).code == 0


class TestMerge:
    def test_an_edit_and_a_change_of_the_configuration_are_merged(
        self, repository: Checkout, generate: Generate
    ) -> None:
        generate(*PULL)
        edit(repository, WORKFLOW, "timeout-minutes: 30", "timeout-minutes: 99")
        rename(repository)
        assert generate(*PULL, "--merge").code == 0
        text = repository.read(WORKFLOW)
        assert "store" in text
        assert "timeout-minutes: 99" in text
        assert generate(*PULL, "--check").code == 0, "an edit that --merge has kept is no difference"

    def test_an_edit_in_a_line_that_changes_is_a_conflict(self, repository: Checkout, generate: Generate) -> None:
        generate(*PULL)
        edit(repository, WORKFLOW, "name: shop", "name: my shop")
        rename(repository)
        ran = generate(*PULL, "--merge")
        assert (ran.code, "conflicts to resolve" in ran.err) == (1, True)
        text = repository.read(WORKFLOW)
        assert "<<<<<<< yours\nname: my shop\n||||||| generated before\nname: shop\n=======\nname: store\n" in text
        repository.write({WORKFLOW: text.replace(text[text.index("<<<<") : text.index(">>>>>>>")], "name: my store\n")})
        edit(repository, WORKFLOW, ">>>>>>> generated now\n", "")
        assert generate(*PULL, "--merge").code == 0
        assert generate(*PULL, "--check").code == 0
        assert "name: my store\n" in repository.read(WORKFLOW)

    def test_the_base_is_found_in_the_history_of_another_clone(
        self, repository: Checkout, generate: Generate, tmp_path: Path
    ) -> None:
        generate(*PULL)
        fill(repository)
        repository.commit()
        edit(repository, WORKFLOW, "timeout-minutes: 30", "timeout-minutes: 99")
        repository.commit()
        clone = Checkout(tmp_path / "clone", {}, in_git=False)
        clone.git("clone", "--quiet", "--no-local", str(repository.folder), ".")
        rename(clone)
        assert generate("-C", str(clone.folder), *PULL, "--merge").code == 0
        text = clone.read(WORKFLOW)
        assert all(word in text for word in ("store", "timeout-minutes: 99", "echo mine"))

    def test_without_a_base_nothing_is_guessed(self, tmp_path: Path, generate: Generate) -> None:
        plain = Checkout(tmp_path / "plain", {"pipelinegen.yaml": CONFIG}, in_git=False)
        generate("-C", str(plain.folder), *PULL)
        edit(plain, WORKFLOW, "timeout-minutes: 30", "timeout-minutes: 99")
        ran = generate("-C", str(plain.folder), *PULL, "--merge")
        assert (ran.code, "not in git" in ran.err) == (1, True)


class TestOtherSelections:
    def test_another_deployer_takes_the_place_of_the_first(self, repository: Checkout, generate: Generate) -> None:
        generate(*PUSH)
        ran = generate("--style", "push", "--ci", "github", "--deploy", "helm")
        assert ran.code == 0
        assert not [path for path in repository.files() if path.startswith("deploy/kubectl")]

    def test_what_was_edited_of_the_first_stays_and_is_told(self, repository: Checkout, generate: Generate) -> None:
        generate(*PUSH)
        path = next(path for path in repository.files() if path.startswith("deploy/kubectl"))
        repository.write({path: repository.read(path) + "# mine\n"})
        ran = generate(*PULL)
        assert (ran.code, f"{path}: it is generated no longer, and was edited" in ran.err) == (0, True)
        assert [each for each in repository.files() if each.startswith("deploy/kubectl")] == [path]

    def test_the_pipeline_of_another_system_stays(self, repository: Checkout, generate: Generate) -> None:
        generate(*PULL)
        generate("--style", "pull", "--ci", "gitlab")
        assert {WORKFLOW, ".gitlab-ci.yml"} <= set(repository.files())
        assert all(f"## {system}" in repository.read("deploy/SETUP.md") for system in ("GitHub", "GitLab"))
        assert generate(*PULL, "--check").code == 0

    def test_the_configuration_chooses_where_no_option_does(self, repository: Checkout, generate: Generate) -> None:
        edit(repository, "pipelinegen.yaml", CONFIG, CONFIG + "pipelines: {style: pull, ci: gitlab}\n")
        assert generate("--json").document["targets"] == ["pull/gitlab"]


class TestGrid:
    def test_both_styles_are_the_whole_grid(self, repository: Checkout, generate: Generate) -> None:
        edit(repository, "pipelinegen.yaml", CONFIG, HOSTS)
        document = generate("--style", "both", "--out", "all", "--json").document
        deployers = ("kubectl", "helm", "kustomize", "terraform", "ansible", "chef", "puppet")
        systems = ("github", "gitlab", "jenkins")
        assert document["targets"] == [
            *(f"pull/{system}" for system in systems),
            *(f"push/{system}/{deployer}" for system in systems for deployer in deployers),
            *("agent/argocd", "agent/flux"),
        ]
        files = {path.removeprefix("all/") for path in repository.files() if path.startswith("all/")}
        assert {"SETUP.md", ".pipelinegen.lock", f"pull/github/{WORKFLOW}", "push/jenkins/helm/Jenkinsfile"} <= files
        assert "agent/flux/RECOVERY.md" in files
        first = {path: data for path, data in repository.files().items() if path.startswith("all/")}
        generate("--style", "both", "--out", "again")
        assert first == {
            f"all/{path.removeprefix('again/')}": data
            for path, data in repository.files().items()
            if path.startswith("again/")
        }, "the same input gives the same bytes"

    def test_a_part_of_it_leaves_the_rest_alone(self, repository: Checkout, generate: Generate) -> None:
        generate("--style", "both", "--ci", "github", "--deploy", "helm", "--deploy", "kubectl", "--out", "some")
        before = repository.files()
        assert generate("--style", "push", "--ci", "github", "--deploy", "helm", "--out", "some").code == 0
        assert repository.files() == before, "what people must create is told for all that lies there"

    def test_what_a_deployer_cannot_use_is_told_at_its_place(self, repository: Checkout, generate: Generate) -> None:
        edit(repository, "pipelinegen.yaml", CONFIG, HOSTS.replace("p.example", "-oProxyCommand=x"))
        ran = generate("--style", "both", "--out", "all", "--json")
        assert (ran.code, set(repository.files())) == (2, {"pipelinegen.yaml"})
        assert ran.document["error"]["where"].endswith("pipelinegen.yaml:10:90")


WRONG = [
    ((), "--style pull or push"),
    (("--style", "both", "--ci", "github"), "--style pull or push"),
    (("--style", "pull"), "--ci github or gitlab or jenkins"),
    (("--style", "pull", "--ci", "github", "--ci", "gitlab"), "--ci github or gitlab"),
    (("--style", "push", "--ci", "github"), "--deploy kubectl or helm"),
    ((*PULL, "--check", "--force"), "--check and --force exclude each other"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[" ".join(row[0]) or "nothing" for row in WRONG])
def test_a_selection_that_is_not_clear_is_refused(generate: Generate, arguments: tuple[str, ...], said: str) -> None:
    ran = generate(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_an_application_without_a_name_is_refused(repository: Checkout, generate: Generate) -> None:
    """The folder's name would do here, and be another in the checkout of a CI system."""
    edit(repository, "pipelinegen.yaml", "project: shop\n", "")
    ran = generate(*PULL)
    assert (ran.code, "write it down: project: shop" in ran.err) == (2, True)


def test_a_configuration_that_is_not_at_the_root_is_told_of(tmp_path: Path, generate: Generate) -> None:
    below = Checkout(tmp_path / "mono", {"services/shop/pipelinegen.yaml": CONFIG})
    ran = generate("-C", str(below.folder / "services/shop"), *PULL)
    assert (ran.code, "services/shop/ is not the root of the repository" in ran.err) == (0, True)


NO_ADDRESS = [
    ("  repository: https://github.com/acme/manifests\n", "", "none is configured"),
    ("https://github.com/acme/manifests", "https://git.acme.example/manifests", "which forge"),
]


@pytest.mark.parametrize(("old", "new", "said"), NO_ADDRESS, ids=["none", "unknown forge"])
def test_the_pull_style_needs_an_address(
    repository: Checkout, generate: Generate, old: str, new: str, said: str
) -> None:
    edit(repository, "pipelinegen.yaml", old, new)
    ran = generate(*PULL)
    assert (ran.code, said in ran.err) == (2, True)
    assert generate(*PUSH).code == 0


def test_explanations_name_what_each_file_has_and_why(generate: Generate) -> None:
    document = generate(*PULL, "--explain", "--json").document
    (workflow,) = [each for each in document["explanations"] if each["path"] == WORKFLOW]
    kinds = {entry["kind"] for entry in workflow["entries"]}
    assert kinds == {"credential", "permission", "third-party"}
    assert all(entry["why"] for entry in workflow["entries"])
    others = {entry["what"].partition("@")[0]: entry["why"] for entry in workflow["entries"] if entry["job"] == "-"}
    assert others["actions/checkout"] == "Check out the application repository"
    assert others["docker/setup-buildx-action"] == "Set up Docker Buildx"
    text = generate(*PULL, "--explain").out
    assert "permission: packages: write: to push the images" in text
    assert "MANIFESTS_APP" in text
