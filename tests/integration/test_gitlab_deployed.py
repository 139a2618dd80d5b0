"""The push pipeline of GitLab, executed: an image built, tested, pushed and run on a host; its drift seen, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelinegen.pipelines.rendering import gitlab
from tests.support.deployed import Deployed, deployed
from tests.support.dockerd import docker_daemon
from tests.support.gitlab_runner import Project, Ran, project
from tests.support.hostile_values import MARK
from tests.support.registry import start_registry
from tests.support.wheel import thin_wheel


@dataclass(frozen=True)
class Place:
    """A project of GitLab, and the host that its pipeline deploys to."""

    project: Project
    deployed: Deployed

    def push(self, version: str) -> Ran:
        self.project.write(self.deployed.sources(version), f"Version {version}")
        return self.project.run("--needs", jobs=["deploy-staging"])

    def scheduled(self) -> Ran:
        return self.project.run(CI_PIPELINE_SOURCE="schedule")

    def by_hand(self, references: str) -> Ran:
        return self.project.run(CI_PIPELINE_SOURCE="web", ENVIRONMENT="staging", REFERENCES=references)


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with (
        docker_daemon(tmp_path_factory) as daemon,
        start_registry(tmp_path / "registry") as registry,
        deployed(tmp_path, daemon, registry, monkeypatch) as made,
    ):
        shop = project(
            tmp_path / "shop",
            "https://gitlab.example/acme/shop.git",
            REGISTRY_USERNAME=registry.username,
            REGISTRY_PASSWORD=registry.password,
            DOCKER_HOST=daemon.socket,
            DOCKER_BUILDKIT="0",
            **dict.fromkeys(("DOCKER_TLS_VERIFY", "DOCKER_TLS_CERTDIR", "DOCKER_CERT_PATH"), ""),
            **thin_wheel(tmp_path / "wheels"),
        )
        # A variable of type File, for this environment alone: jobs get the path of a file that everybody may read.
        shop.keep_file("SSH_KEY", {"staging": made.host.key.read_text(encoding="utf-8")})
        (file,) = gitlab.files(made.pipeline("gitlab"))
        shop.write({**made.files(), file.path: file.text})
        yield Place(shop, made)


def test_a_commit_is_deployed_a_failure_undone_drift_seen_and_a_person_goes_back(place: Place) -> None:
    first = place.push("1")
    assert first.jobs == {"build": "PASS", "deploy-staging": "PASS"}, first.said
    assert place.deployed.answer() == "1"

    (reference,) = re.findall(r"pushed (\S+/api:\S+@sha256:[0-9a-f]{64})", first.said)
    nothing = reference[:-8] + "0" * 8
    broken = place.by_hand(nothing)
    assert broken.jobs == {"rollback-staging": "FAIL"}, broken.said
    assert "Bring" in broken.said, "what follows a failure has not run"
    assert place.deployed.answer() == "1", "what ran before has not come back"

    place.deployed.remove()
    looked = place.scheduled()
    assert looked.jobs == {"drift-staging": "FAIL"}, looked.said
    assert "staging is not as it was deployed" in looked.said

    refused = place.by_hand(f"$(touch {MARK}) `touch {MARK}`")
    assert refused.jobs == {"rollback-staging": "FAIL"}, refused.said
    assert not list(place.project.folder.rglob(MARK))

    back = place.by_hand(reference)
    assert back.jobs == {"rollback-staging": "PASS"}, back.said
    assert place.deployed.answer() == "1"
