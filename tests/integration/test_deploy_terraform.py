"""Terraform itself, with a back end on the disk and a kubectl that notes what it is asked: plan, apply, drift, undo."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import terraform
from pipelinegen.pipelines.deployers.terraform import FOLDER
from tests.support.applications import API, PRODUCTION, shop
from tests.support.deploying import bump, checkout, hostile_texts, objects, program, reference, rendered
from tests.support.steps import Job, Outcome, ended, said

STAND_IN = Path(__file__).parent.parent / "support" / "kubectl_stand_in.sh"
PLAN = f"{FOLDER}/production.tfplan"
WORKER = shop().images[1].repository


class Cluster:
    """One environment: the checkout of each run is fresh, the state and the answers of kubectl stay."""

    def __init__(self, folder: Path, application: Application | None = None) -> None:
        program("terraform")
        self.folder, self.runs = folder, 0
        environment = replace(PRODUCTION, url=None)
        self.application = replace(application or shop(), environments=(environment,), timeout=1)
        self.environment = environment
        self.record = folder / "record"
        (folder / "programs").mkdir()
        self.record.mkdir()
        (folder / "programs" / "kubectl").symlink_to(STAND_IN)

    def answer(self, name: str, text: str) -> None:
        (self.record / name).write_text(text, encoding="utf-8")

    def job(self, *words: str, commit: str = "c" * 40) -> Job:
        """A fresh checkout with these versions in it, whose state is in a file: what the block in backend.tf is for."""
        self.runs += 1
        at = checkout("terraform", self.application, self.folder / f"w{self.runs}")
        backend = re.sub(r'backend "kubernetes" \{\}', 'backend "local" {}', at.read(f"{FOLDER}/backend.tf"))
        state = self.folder / "state" / "terraform.tfstate"
        settings = f'path = "{state}"\n'
        at.write({f"{FOLDER}/backend.tf": backend, f"{FOLDER}/environments/production/backend.hcl": settings})
        at.commit()
        if words:
            bump(at, "terraform", "production", words)
        temporary = self.folder / f"t{self.runs}"
        temporary.mkdir()
        environ = {"RECORD": str(self.record), "TF_CLI_CONFIG_FILE": "/dev/null"}
        secrets = {"KUBE_CONFIG": str(self.folder / "kubeconfig")}
        return Job(at.folder, temporary, secrets, [self.folder / "programs"], environ, commit)

    def deploy(self, *words: str) -> list[Outcome]:
        return self.job(*words).run(terraform.deploy(self.application, self.environment))

    def drift(self) -> list[Outcome]:
        return self.job().run(terraform.drift(self.application, self.environment))

    def applied(self) -> list[str]:
        """What `kubectl apply` was given since the last question."""
        paths = list(self.record.glob("given.apply.*"))
        found = [path.read_text(encoding="utf-8") for path in paths]
        for path in paths:
            path.unlink()
        return found


def versions(texts: Sequence[str]) -> set[str]:
    return set(re.findall(r'"image": "ghcr\.io/acme/(\w+:[\w.]+)@', "\n".join(texts)))


def test_the_life_of_an_environment(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    nothing = cluster.drift()
    assert ended(nothing) == 0
    assert "Nothing has been deployed to production yet." in said(nothing)
    first = cluster.deploy(reference(API.repository), reference(WORKER))
    assert ended(first) == 0, said(first)
    assert versions(cluster.applied()) == {"api:1.2.3", "worker:1.2.3"}

    quiet = cluster.drift()
    assert ended(quiet) == 0, said(quiet)
    assert "No changes" in said(quiet)

    second = cluster.deploy(reference(API.repository, "1.3.0", "b"))
    assert ended(second) == 0, said(second)
    # Replaced alone, and without a deletion before: the worker keeps its version, which the state knows.
    assert versions(cluster.applied()) == {"api:1.3.0"}
    assert "delete" not in (cluster.record / "calls").read_text(encoding="utf-8")

    cluster.answer("diff.code", "1")  # somebody has changed it by hand
    drifted = cluster.drift()
    assert ended(drifted) == 1
    assert "production is not as it was deployed" in said(drifted)
    assert "2 to add, 0 to change, 2 to destroy" in said(drifted)
    assert cluster.applied() == []

    repaired = cluster.deploy(reference(API.repository, "1.3.0", "b"))
    assert ended(repaired) == 0, said(repaired)
    assert versions(cluster.applied()) == {"api:1.3.0", "worker:1.2.3"}
    cluster.answer("diff.code", "0")
    assert ended(cluster.drift()) == 0

    cluster.answer("status.once.code", "1")  # the next version does not come up
    failed = cluster.deploy(reference(API.repository, "2.0.0", "f"))
    assert ended(failed) == 1
    assert failed[-1].code == 0, said(failed)
    assert versions(cluster.applied()) == {"api:2.0.0", "api:1.3.0", "worker:1.2.3"}
    assert ended(cluster.drift()) == 0

    cluster.answer("diff.code", "3")
    assert ended(cluster.drift()) == 3  # no answer is no drift


def test_the_plan_that_people_agreed_to_is_the_one_that_is_applied(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    words = (reference(API.repository), reference(WORKER))
    preview = cluster.job(*words)
    assert ended(preview.run(terraform.dry_run(cluster.application, cluster.environment))) == 0
    assert cluster.applied() == []
    plan = (preview.workspace / PLAN).read_bytes()

    work = cluster.job(*words)
    (work.workspace / PLAN).write_bytes(plan)
    done = work.run(terraform.deploy(cluster.application, cluster.environment))
    assert ended(done) == 0, said(done)
    assert "Terraform will perform" not in said(done)  # it did not plan again
    assert versions(cluster.applied()) == {"api:1.2.3", "worker:1.2.3"}
    assert not (work.workspace / PLAN).exists()


@pytest.mark.parametrize("other", ["a commit", "an image"])
def test_a_plan_of_something_else_is_a_leftover(other: str, tmp_path: Path) -> None:
    """A workspace that is used again may hold the plan of a pull request."""
    cluster = Cluster(tmp_path)
    words = (reference(API.repository), reference(WORKER))
    leftover = cluster.job(
        *(words if other == "a commit" else (reference(API.repository, "6.6.6", "6"), words[1])),
        commit=("d" if other == "a commit" else "c") * 40,
    )
    assert ended(leftover.run(terraform.dry_run(cluster.application, cluster.environment))) == 0
    work = cluster.job(*words)
    (work.workspace / PLAN).write_bytes((leftover.workspace / PLAN).read_bytes())
    done = work.run(terraform.deploy(cluster.application, cluster.environment))
    assert ended(done) == 0, said(done)
    assert "planning again" in said(done)
    assert versions(cluster.applied()) == {"api:1.2.3", "worker:1.2.3"}


def test_a_plan_that_has_grown_stale_is_refused(tmp_path: Path) -> None:
    """The state has changed since: what people agreed to is not what would happen."""
    cluster = Cluster(tmp_path)
    words = (reference(API.repository), reference(WORKER))
    preview = cluster.job(*words)
    preview.run(terraform.dry_run(cluster.application, cluster.environment))
    assert ended(cluster.deploy(*words)) == 0
    work = cluster.job(*words)
    (work.workspace / PLAN).write_bytes((preview.workspace / PLAN).read_bytes())
    done = work.run(terraform.deploy(cluster.application, cluster.environment))
    assert ended(done) != 0
    assert "Saved plan is stale" in said(done)


def test_the_same_objects_as_kubectl_whatever_the_texts(tmp_path: Path) -> None:
    """Hostile ones come through Terraform, its shell and the environment as they are."""
    application = replace(hostile_texts(), images=hostile_texts().images[:1])
    cluster = Cluster(tmp_path, application)
    assert ended(cluster.deploy(reference(API.repository, "1.0.0", "1"))) == 0
    got = [each for text in cluster.applied() for each in objects(text)]
    at = checkout("kubectl", cluster.application, tmp_path / "k")
    bump(at, "kubectl", "production", [reference(API.repository, "1.0.0", "1")])
    wanted = rendered("kubectl", at, cluster.application, "production")
    for each in (*got, *wanted):
        assert each["metadata"]["labels"].pop("app.kubernetes.io/managed-by") in ("pipelinegen", "terraform")
    assert sorted(map(yaml.safe_dump, got)) == sorted(map(yaml.safe_dump, wanted))
    assert not {"x", "y"} & {path.name for path in tmp_path.rglob("*")}


def test_what_leaves_the_configuration_leaves_the_cluster(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    assert ended(cluster.deploy(reference(API.repository), reference(WORKER))) == 0
    cluster.application = replace(cluster.application, images=cluster.application.images[:1])
    done = cluster.deploy(reference(API.repository))
    assert ended(done) == 0, said(done)
    deleted = [line for line in (cluster.record / "calls").read_text().splitlines() if " delete " in line]
    kinds = ("deployment", "service", "poddisruptionbudget")
    assert [re.findall(r"delete (\w+) (\w+)", line) for line in deleted] == [[(kind, "worker")] for kind in kinds]


@pytest.mark.parametrize(
    "image",
    ["ghcr.io/acme/api:1.0.0", f"ghcr.io/acme/api@sha256:{'a' * 63}A"],
)
def test_an_image_that_is_not_named_by_its_digest_is_refused(image: str, tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    job = cluster.job(reference(API.repository), reference(WORKER))
    path = job.workspace / FOLDER / "environments/production/images.tfvars.json"
    given = json.loads(path.read_text(encoding="utf-8"))
    given["images"]["api"] = image
    path.write_text(json.dumps(given), encoding="utf-8")
    done = job.run(terraform.dry_run(cluster.application, cluster.environment))
    assert ended(done) == 1
    assert "Every image is named by its digest" in said(done)


def test_two_runs_at_once_wait_for_each_other_and_no_secret_is_in_the_plan(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    steps = terraform.deploy(cluster.application, cluster.environment)
    scripts = ["\n".join(step.script) for step in steps]
    for command in re.findall(r"terraform \S+ (?:plan|apply).*", "\n".join(scripts)):
        assert "-lock-timeout=5m" in command
    job = cluster.job(reference(API.repository), reference(WORKER))
    assert ended(job.run(terraform.dry_run(cluster.application, cluster.environment))) == 0
    shown = subprocess.run(["unzip", "-p", job.workspace / PLAN], capture_output=True, check=False).stdout
    assert len(shown) > 1000
    assert b"kubeconfig" not in shown
