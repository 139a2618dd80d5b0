"""The YAML that documents show: each piece is of a known kind, and the judges of that kind have nothing to say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelinegen import config
from pipelinegen.errors import InputError
from tests.support.gitlab_ci import documents
from tests.support.snippets import KINDS, ROOT, Snippet, read, snippets
from tests.support.workflows import program

ALL = snippets()
WORKFLOWS = [each for each in ALL if each.kind in ("steps", "workflow")]
CONFIGS = [each for each in ALL if each.kind in ("config", "image")]
GITLAB = [each for each in ALL if each.kind == "gitlab"]
ZIZMOR = ("--offline", "--no-config", "--persona", "auditor", "--strict-collection")


def run(*command: str, cwd: Path) -> str:
    """What a judge says; nothing where it is silent."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def written(snippets: list[Snippet], folder: Path, ours: str = "./") -> list[str]:
    """A repository with the snippets as workflows, and the action in it, so that its inputs are known."""
    workflows = folder / ".github/workflows"
    workflows.mkdir(parents=True)
    shutil.copy(ROOT / "action.yml", folder)
    (folder / ".git").mkdir()  # where actionlint begins to look for actions
    for each in snippets:
        (workflows / f"{re.sub(r'[^a-z0-9]+', '-', each.name.lower())}.yml").write_text(each.workflow(ours))
    return sorted(str(path.relative_to(folder)) for path in workflows.iterdir())


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    written(WORKFLOWS, folder)
    return folder


@pytest.mark.parametrize("snippet", ALL, ids=lambda each: each.name)
def test_each_piece_is_of_a_kind_that_is_judged(snippet: Snippet) -> None:
    assert snippet.kind in KINDS, "tests/support/snippets.py must learn what this is"


@pytest.mark.parametrize("snippet", CONFIGS, ids=lambda each: each.name)
def test_a_piece_of_the_configuration_is_accepted(snippet: Snippet) -> None:
    config.loads(snippet.config().encode(), snippet.name)


def test_actionlint_finds_nothing_and_knows_the_inputs_of_the_action(repository: Path, tmp_path: Path) -> None:
    actionlint = program("actionlint", "go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
    names = sorted(str(path) for path in repository.glob(".github/workflows/*.yml"))
    assert not run(actionlint, "-no-color", *names, cwd=repository)
    wrong = Snippet("wrong.md", 1, "- uses: acme/pipelinegen@COMMIT\n  with: {reference: a/b:1}\n")
    assert 'input "reference" is not defined' in run(actionlint, "-no-color", *written([wrong], tmp_path), cwd=tmp_path)


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    written(WORKFLOWS, tmp_path, f"acme/pipelinegen@{'0' * 40}")
    assert not run(program("zizmor", "pip install zizmor"), *ZIZMOR, ".github/workflows", cwd=tmp_path)


def test_the_schemas_find_nothing(repository: Path, tmp_path: Path) -> None:
    check = program("check-jsonschema", "pip install check-jsonschema")
    workflows = sorted(str(path) for path in repository.glob(".github/workflows/*.yml"))
    assert not run(check, "--builtin-schema", "vendor.github-workflows", *workflows, cwd=repository)
    files = []
    for at, each in enumerate(GITLAB):
        files.append(tmp_path / f"{at}.yml")
        files[-1].write_text(each.text)
    schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    assert not run(check, *schema, *map(str, files), cwd=tmp_path)


@pytest.mark.parametrize("snippet", GITLAB, ids=lambda each: each.name)
def test_the_inputs_of_an_include_are_those_of_the_template(snippet: Snippet) -> None:
    header = documents((ROOT / ".gitlab-ci-template.yml").read_text(encoding="utf-8"))[0]
    included = read(snippet.text).get("include", [])
    given = {name for each in included for name in each.get("inputs", {})}
    assert given <= set(header["spec"]["inputs"])


def test_a_piece_that_is_wrong_is_seen() -> None:
    assert Snippet("a.md", 1, "surprise: true\n").kind == "unknown"
    with pytest.raises(InputError):
        config.loads(Snippet("a.md", 1, "images: {api: {repositry: a}}\n").config().encode(), "a.md")
    assert len(ALL) > 10
