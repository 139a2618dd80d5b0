"""The GitHub Action of this repository, run by act until the pull request stands there, and held to its judges."""

import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from docs import action, consoles
from pipelinegen import options
from pipelinegen.edge.process import NETWORK_VARIABLES
from tests.support.forges.github import GitHub, Pull
from tests.support.forges.service import CANARIES
from tests.support.hostile_values import MARK, VALUES
from tests.support.registry import start_registry
from tests.support.runner import ACTIONS, Ran, Runner
from tests.support.snippets import snippets
from tests.support.workflows import program
from tests.support.world import World, world

ROOT = consoles.ROOT
INDEX_VARIABLES = (*NETWORK_VARIABLES, "PIP_CERT", "PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX")
SHIPPED = ("action.yml", "requirements.lock", ".github/action", "pipelinegen", "templates")
WORKFLOW = """\
on: push
permissions: {}
jobs:
  bump:
    runs-on: ubuntu-24.04
    permissions: {contents: read}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1  # v7.0.1
        with: {persist-credentials: false}
      - id: bump
        uses: ./
        with:
          references: ${{ vars.REFERENCES }}
          repo: ${{ vars.REPO }}
          token: ${{ secrets.MANIFESTS_TOKEN }}
          forge: github
          forge-url: ${{ vars.FORGE }}
          verify-image: "false"
          label: |
            one
            two
      - env:
          RESULT: ${{ steps.bump.outputs.result }}
          ADDRESS: ${{ steps.bump.outputs.pull-request-url }}
        run: echo "then $RESULT at $ADDRESS"
"""


def described() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[World]:
    with world("github", tmp_path) as place:
        yield place


@pytest.fixture
def runner(scene: World, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    made = Runner(tmp_path / "runner")
    for name in SHIPPED:
        place = made.repository / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place)
    made.commit({".github/workflows/deliver.yml": WORKFLOW})
    made.secrets["MANIFESTS_TOKEN"] = CANARIES["github"]
    made.variables |= {"REPO": scene.url, "FORGE": scene.service.stand_in.api}
    made.environment["CACHE_OF_TEST"] = str(_kept(tmp_path_factory))
    # How this machine reaches the package index.
    made.environment |= {name: os.environ[name] for name in INDEX_VARIABLES if name in os.environ}
    for line in re.findall(
        r"uses: (actions/[\w-]+)\S*@([0-9a-f]{40})", (ROOT / "action.yml").read_text(encoding="utf-8")
    ):
        made.actions[f"{line[0]}@{line[1]}"] = ACTIONS / ("cache" if line[0] == "actions/cache" else "setup")
    return made


def _kept(factory: pytest.TempPathFactory) -> Path:
    """The cache, one for all tests of this worker, so that only the first of them installs."""
    kept = factory.getbasetemp() / "action-cache"
    kept.mkdir(exist_ok=True)
    return kept


def bump(runner: Runner, references: str) -> Ran:
    runner.variables["REFERENCES"] = references
    return runner.run("push")


def _skip_without_index(ran: Ran) -> None:
    if "Failed to fetch" in ran.log or "No matching distribution" in ran.log:
        pytest.skip("the package index is not reached")


def pulls(scene: World) -> list[Pull]:
    assert isinstance(scene.service.stand_in, GitHub)
    return scene.service.stand_in.pulls


def test_the_pull_request_stands_there_and_a_second_run_installs_nothing_and_opens_none(
    runner: Runner, scene: World
) -> None:
    ran = bump(runner, "ghcr.io/acme/api:1.1.0\nghcr.io/acme/web:2.0.0")
    _skip_without_index(ran)
    assert ran.code == 0, ran.log
    (pull,) = pulls(scene)
    assert pull.labels == ["one", "two"]
    changed = scene.repository.read(pull.head, "apps/api/base/deployment.yaml")
    assert "ghcr.io/acme/api:1.1.0  # the application" in changed
    assert "ghcr.io/acme/web:2.0.0" in changed
    assert re.search(r"then updated at http\S+/pull/1", ran.log)
    assert CANARIES["github"] not in ran.log

    again = bump(runner, "ghcr.io/acme/api:1.1.0\nghcr.io/acme/web:2.0.0")
    assert again.code == 0, again.log
    assert "pull request unchanged: http" in again.log, again.log
    assert "⭐ Run Main Install" not in again.log
    assert "⭐ Run Main Keep" not in again.log
    assert len(pulls(scene)) == 1


def test_a_refusal_fails_the_step_and_is_shown_at_its_line(runner: Runner, scene: World) -> None:
    ran = bump(runner, "ghcr.io/acme/api:0.9.0")
    _skip_without_index(ran)
    assert ran.code != 0
    assert re.search(r"::error file=apps/api/base/deployment\.yaml,line=10,col=18::", ran.log), ran.log
    assert not pulls(scene)


def test_hostile_inputs_are_words_and_nothing_of_them_is_run(runner: Runner, scene: World, tmp_path: Path) -> None:
    lines = "\n".join(value.replace("\n", " ") for value in VALUES)
    ran = bump(runner, lines)
    assert ran.code != 0
    assert not list(tmp_path.rglob(MARK)), ran.log
    assert not pulls(scene)


SHOWN = """\
on: push
permissions: {}
jobs:
  deliver:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1  # v7.0.1
        with: {persist-credentials: false}
"""
CONFIG = """\
images:
  api: {repository: HOST/acme/api, context: site, tags: [type=sha]}
build: {engine: oci}
manifests:
  repository: URL
  forge: github
  forge-url: API
  environments:
    staging: {paths: [apps/*/overlays/staging/**], deliver: push}
"""


def test_what_the_documents_show_builds_an_image_and_delivers_its_digest(
    runner: Runner, scene: World, tmp_path: Path
) -> None:
    (shown,) = [each for each in snippets() if each.document == "docs/github.md" and "command: build" in each.text]
    building = shown.text.replace("acme/pipelinegen@COMMIT", "./").partition("- uses: ./ # v0.1.0\n  if: ")[0]
    overlay = "apps/api/overlays/staging/kustomization.yaml"
    with start_registry(tmp_path / "registry", "open") as registry:
        image = f"{registry.host}/acme/api"
        before = scene.repository.read("main", overlay)
        scene.repository.commit("main", {overlay: before.replace("ghcr.io/acme/api", image)}, "Take our registry")
        config = CONFIG.replace("HOST", registry.host).replace("URL", scene.url)
        workflow = SHOWN + textwrap.indent(building, "      ")
        runner.commit(
            {
                ".github/workflows/deliver.yml": workflow,
                "pipelinegen.yaml": config.replace("API", scene.service.stand_in.api),
                "site/Dockerfile": "FROM scratch\nCOPY index.html /\n",
                "site/index.html": "hello\n",
            }
        )
        runner.secrets["GITHUB_TOKEN"] = "a-token-of-the-job"
        ran = runner.run("push")
    _skip_without_index(ran)
    assert ran.code == 0, ran.log
    assert ran.log.count("⭐ Run Main Install") <= 1, "the second step has what the first one has brought"
    assert ran.log.count("⭐ Run Main Restore") == 1
    changed = scene.repository.read("main", overlay)
    assert re.search(r"newTag: sha-[0-9a-f]+\n    digest: sha256:[0-9a-f]{64}", changed), changed
    assert CANARIES["github"] not in ran.log


def test_a_runner_that_cannot_run_it_is_told_so(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    variables = {"GITHUB_ACTION_PATH": str(ROOT), "GITHUB_OUTPUT": str(outputs), "RUNNER_OS": "Windows", "TARGET": ""}
    done = subprocess.run(
        ["bash", ROOT / ".github/action/find-python"],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("::error::pipelinegen runs on Linux and macOS")
    assert not outputs.exists()


@pytest.mark.parametrize(
    "name", [".github/action/run", "pipelinegen/cli.py", "templates/actions.lock", "requirements.lock"]
)
def test_another_code_is_kept_under_another_key(name: str, tmp_path: Path) -> None:
    def contents() -> str:
        variables = {"GITHUB_ACTION_PATH": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "outputs"), "TARGET": "/none"}
        command = ["bash", str(tmp_path / ".github/action/find-python")]
        subprocess.run(command, env={"PATH": os.environ["PATH"], **variables}, check=True)
        said = (tmp_path / "outputs").read_text()
        return str(re.findall(r"^contents=([0-9a-f]{40})$", said, re.M)[-1])

    for each in SHIPPED:
        place = tmp_path / each
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / each).is_dir() else shutil.copy)(ROOT / each, place)
    before = contents()
    assert contents() == before
    with (tmp_path / name).open("a") as file:
        file.write("#\n")
    assert contents() != before


# What it says of itself.


def test_there_is_an_input_for_each_option_of_bump_and_it_is_handed_on_by_its_variable() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert action.text(text) == text, "run `make docs`"
    inputs = described()["inputs"]
    assert isinstance(inputs, dict)
    for option in options.BUMP:
        assert action.name(option) in inputs
        assert f"{option.variable}: ${{{{ inputs.{action.name(option)} }}}}" in text


def test_no_expression_stands_inside_a_script() -> None:
    runs = described()["runs"]
    assert isinstance(runs, dict)
    scripts = [step["run"] for step in runs["steps"] if "run" in step]
    assert len(scripts) == 3
    assert all("${{" not in script for script in scripts)


def test_everything_that_is_installed_has_its_hashes_and_is_what_the_package_asks_for() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    named = set(re.findall(r"^([a-z0-9-]+)==", lock, re.M))
    asked = re.findall(r'^  "([A-Za-z0-9-]+)>=', _table("dependencies = ["), re.M)
    assert {name.lower() for name in asked} <= named
    entries = re.split(r"^(?=[a-z0-9-]+==)", lock, flags=re.M)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|file:|^-", lock, re.M)


def _table(begin: str) -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return text.partition(begin)[2].partition("]")[0]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"), id="schema"),
        pytest.param(
            ("zizmor", "--offline", "--no-config", "--persona", "auditor", "--strict-collection", "action.yml"),
            id="zizmor",
        ),
        pytest.param(
            ("shellcheck", *(f".github/action/{name}" for name in ("find-python", "install", "run"))), id="shellcheck"
        ),
    ],
)
def test_its_judges_find_nothing(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [program(command[0], f"pip install {command[0]}"), *command[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
