"""`pipelinegen compare` as it is called: files, folders, the generated pair, every form, and what it refuses."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.cli import run
from pipelinegen.config.load import loads
from tests.support.labelled import ROOT as LABELLED

PUSH = "github/kubectl-context/.github/workflows/deploy.yml"
PULL = "github/manifest-pull-request/.github/workflows/release.yml"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with pipelines of all three systems."""
    workflows = tmp_path / ".github/workflows"
    workflows.mkdir(parents=True)
    shutil.copy(LABELLED / PUSH, workflows)
    shutil.copy(LABELLED / PULL, workflows)
    shutil.copy(LABELLED / "gitlab/kubectl-variable/.gitlab-ci.yml", tmp_path)
    shutil.copy(LABELLED / "jenkins/kubeconfig-file/Jenkinsfile", tmp_path)
    return tmp_path


def told(capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["compare", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def test_the_secret_who_sees_it_and_what_it_can_write_to(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (pipeline,) = told(capfd, "-C", str(repository), ".github/workflows/deploy.yml")["pipelines"]
    (credential,) = pipeline["credentials"]
    assert {
        key: credential[key] for key in ("name", "kind", "stored", "target", "jobs", "third_party", "environments")
    } == {
        "name": "KUBE_CONFIG",
        "kind": "kubeconfig",
        "stored": True,
        "target": "cluster",
        "jobs": ["deploy"],
        "third_party": ["azure/k8s-set-context@v4"],
        "environments": ["production"],
    }
    assert credential["evidence"] == [{"file": ".github/workflows/deploy.yml", "line": 23}]
    (delivery,) = pipeline["delivery"]
    assert (delivery["environment"], delivery["model"], delivery["tool"]) == ("production", "push", "kubectl")
    assert delivery["evidence"] == [{"file": ".github/workflows/deploy.yml", "line": 29}]


def test_a_manifest_pull_request_holds_no_credential_of_a_cluster(
    repository: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (pipeline,) = told(capfd, "-C", str(repository), ".github/workflows/release.yml")["pipelines"]
    assert pipeline["unknown"] == []
    assert {each["model"] for each in pipeline["delivery"]} == {"pull"}
    assert not [each for each in pipeline["credentials"] if each["target"] in {"cluster", "host", "cloud", "unknown"}]
    assert all(each["evidence"] for each in pipeline["delivery"])


def test_a_folder_is_all_its_pipelines(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = told(capfd, "-C", str(repository), ".")
    assert [(each["system"], each["file"]) for each in found["pipelines"]] == [
        ("gitlab", ".gitlab-ci.yml"),
        ("jenkins", "Jenkinsfile"),
        ("github", ".github/workflows/deploy.yml"),
        ("github", ".github/workflows/release.yml"),
    ]
    inner = told(capfd, "-C", str(repository), ".github/workflows")
    assert [each["file"] for each in inner["pipelines"]] == [
        ".github/workflows/deploy.yml",
        ".github/workflows/release.yml",
    ]


@pytest.mark.parametrize("form", ["table", "markdown", "html", "json"])
def test_each_form_is_the_result_alone(repository: Path, capfd: pytest.CaptureFixture[str], form: str) -> None:
    files = [".github/workflows/deploy.yml", ".github/workflows/release.yml"]
    assert run(["compare", "-C", str(repository), *files, "--format", form]) == 0
    out, err = capfd.readouterr()
    beginnings = {"table": ".github/workflows/deploy.yml", "markdown": "### ", "html": "<!doctype html>", "json": "{"}
    assert out.startswith(beginnings[form])
    assert "KUBE" in out
    assert err == ""


def test_paths_are_shown_as_they_were_given(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = repository / ".github/actions/deploy"
    folder.mkdir(parents=True)
    action = "runs:\n  using: composite\n  steps:\n    - run: kubectl apply -f x\n      shell: bash\n"
    (folder / "action.yml").write_text(action, encoding="utf-8")
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: ./.github/actions/deploy\n"
    (repository / ".github/workflows/a.yml").write_text(text, encoding="utf-8")
    above = f"{repository.name}/.github/workflows/a.yml"
    (pipeline,) = told(capfd, "-C", str(repository.parent), above)["pipelines"]
    assert pipeline["file"] == above
    assert pipeline["delivery"][0]["evidence"] == [
        {"file": f"{repository.name}/.github/actions/deploy/action.yml", "line": 4}
    ]


def test_nothing_outside_the_repository_is_read(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (repository.parent / "secret.sh").write_text("kubectl apply -f x\n", encoding="utf-8")
    (repository / "link.sh").symlink_to(repository.parent / "secret.sh")
    os.mkfifo(repository / "pipe.sh")
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: |\n          ./link.sh\n          ../secret.sh\n          ./pipe.sh\n"  # noqa: E501
    (repository / ".github/workflows/a.yml").write_text(text, encoding="utf-8")
    (pipeline,) = told(capfd, "-C", str(repository), ".github/workflows/a.yml")["pipelines"]
    assert pipeline["delivery"] == []
    assert [each["line"] for each in pipeline["unknown"]] == [7, 8, 9]


def test_agents_say_how_long_drift_may_last(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    agent = (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: shop-staging}\n"
        "spec:\n  interval: 10m\n  prune: true\n  path: ./apps/shop/overlays/staging\n"
    )
    (repository / "sync.yaml").write_text(agent, encoding="utf-8")
    (pipeline,) = told(capfd, "-C", str(repository), ".github/workflows/release.yml", "sync.yaml")["pipelines"]
    (drift,) = pipeline["drift"]
    assert (drift["found_by"], drift["within"], drift["healed_by"]) == ("agent", "10m", "agent")
    assert drift["evidence"][0] == {"file": "sync.yaml", "line": 5}


REFUSED = {
    "a file that is not there": (["gone.yml"], "bad-path"),
    "a folder without pipelines": ([".github"], "bad-path"),
    "no file and no configuration": ([], "bad-path"),
    "a tab": (["tab.yml"], "bad-pipeline"),
    "only an agent": (["--agent", "agent.yaml", "agent.yaml"], "bad-path"),
    "a page of a proposal": (["--from", ".github/workflows/deploy.yml", "--format", "html"], "bad-path"),
    "a proposal beside files": (["--from", ".github/workflows/deploy.yml", "Jenkinsfile"], "bad-path"),
}


@pytest.mark.parametrize(("arguments", "identity"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(
    repository: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], identity: str
) -> None:
    (repository / ".git").mkdir()
    (repository / "tab.yml").write_text("on: push\njobs:\n\ta: {}\n", encoding="utf-8")
    (repository / "agent.yaml").write_text("apiVersion: argoproj.io/v1alpha1\nkind: Application\n", encoding="utf-8")
    assert run(["compare", "-C", str(repository), *arguments, "--json"]) == 2
    out, err = capfd.readouterr()
    assert json.loads(out)["error"]["id"] == identity
    assert err.startswith("error: ")
    assert "Traceback" not in err


def test_all_files_that_are_wrong_are_told_at_once(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("one.yml", "two.yml"):
        (repository / name).write_text("on: push\njobs:\n\ta: {}\n", encoding="utf-8")
    assert run(["compare", "-C", str(repository), "one.yml", "two.yml"]) == 2
    err = capfd.readouterr().err
    assert "one.yml:3:1" in err
    assert "two.yml:3:1" in err


CONFIG = """
version: 1
project: shop
images: {api: {repository: ghcr.io/acme/api}}
manifests:
  repository: https://github.com/acme/manifests
  environments:
    staging: {paths: ["apps/*/overlays/staging/**"], deliver: push}
    production: {paths: ["apps/*/overlays/production/**"], approval: true}
"""


@pytest.mark.parametrize("system", ["github", "gitlab", "jenkins"])
def test_without_a_file_the_generated_pair_is_compared(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], system: str
) -> None:
    more = f"pipelines: {{ci: {system}, push: {{deploy: kubectl}}}}\n"
    (tmp_path / "pipelinegen.yaml").write_text(CONFIG.lstrip() + more, encoding="utf-8")
    pull, push = told(capfd, "-C", str(tmp_path))["pipelines"]
    assert (pull["system"], push["system"]) == (system, system)
    assert pull["unknown"] == push["unknown"] == []
    assert {(each["environment"], each["model"]) for each in pull["delivery"]} == {
        ("staging", "pull"),
        ("production", "pull"),
    }
    assert not [each for each in pull["credentials"] if each["target"] in {"cluster", "host", "cloud", "unknown"}]
    assert {(each["environment"], each["model"], each["tool"]) for each in push["delivery"]} == {
        ("staging", "push", "kubectl"),
        ("production", "push", "kubectl"),
    }
    assert [each["target"] for each in push["credentials"] if each["kind"] == "kubeconfig"]
    assert {each["found_by"] for each in pull["drift"]} == {"agent"}
    assert {each["within"] for each in pull["drift"]} == {"3m"}


def test_a_pull_pipeline_is_proposed_in_the_place_of_a_push_pipeline(
    repository: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = told(capfd, "-C", str(repository), "--from", ".github/workflows/deploy.yml")
    proposal = found["proposal"]
    config = loads(proposal["config"].encode(), "pipelinegen.yaml")
    assert list(config.manifests.environments) == ["production"]
    assert [each["name"] for each in proposal["credentials_gone"]] == ["KUBE_CONFIG"]
    assert ".github/workflows/pipelinegen.yml" in proposal["files"]
    assert proposal["decisions"]
    assert found["result"] == "proposed"
    for form in ("table", "markdown"):
        assert run(["compare", "-C", str(repository), "--from", "Jenkinsfile", "--format", form]) == 0
        assert "kubeconfig-production" in capfd.readouterr().out.replace("\\", "")
