"""What the images of one build share: the engine and its end, the logins that it gets."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipelinegen.commands.building.asked import BuildOptions
from pipelinegen.commands.building.bench import Bench
from pipelinegen.config.load import loads
from pipelinegen.edge.engines.port import Setup
from pipelinegen.errors import WorldError
from pipelinegen.images.reference import ImageReference
from pipelinegen.report import Report
from tests.support.builds import source, wanted
from tests.support.registry import Reply, serve

CONFIG = b"version: 1\nimages: {api: {repository: registry.example.com/acme/api}}\n"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name in ("PIPELINEGEN_REGISTRY_USERNAME", "PIPELINEGEN_REGISTRY_PASSWORD", "CI_REGISTRY", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = loads(CONFIG, str(tmp_path / "pipelinegen.yaml"))
    images = [wanted(repository="registry.example.com/acme/api")]
    return Bench(BuildOptions(str(tmp_path)), config, source(), images, Report(verbosity=-1))


class Engine:
    """An engine that only knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __enter__(self) -> Engine:
        return self

    def close(self) -> None:
        self.closed.set()


def test_an_engine_that_is_chosen_while_the_build_is_stopped_does_not_build(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    choosing, go_on, engine = threading.Event(), threading.Event(), Engine()
    raised: list[WorldError] = []

    def choose(*_: object) -> tuple[Engine, str]:
        choosing.set()
        go_on.wait(20)
        return engine, "chosen"

    def work() -> None:
        try:
            bench.engine()
        except WorldError as error:
            raised.append(error)

    monkeypatch.setattr("pipelinegen.edge.engines.choose", choose)
    thread = threading.Thread(target=work)
    thread.start()
    assert choosing.wait(20)
    bench.stop()
    go_on.set()
    thread.join(20)
    assert [error.id for error in raised] == ["interrupted"]
    assert engine.closed.is_set()
    with pytest.raises(WorldError):
        bench.engine()


def test_a_request_that_is_tried_again_does_not_outlast_the_build(bench: Bench) -> None:
    with serve(lambda _: Reply(503)) as server:
        raised: list[WorldError] = []

        def work() -> None:
            with bench.registry(600) as registry:
                try:
                    registry.digest(ImageReference(server.host, "acme/api", "1"))
                except WorldError as error:
                    raised.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        while not server.requests:
            thread.join(0.01)
        bench.stop()
        thread.join(20)
        assert [error.id for error in raised] == ["interrupted"]
        assert len(server.requests) < 4


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param(
            {"PIPELINEGEN_REGISTRY_USERNAME": "u", "PIPELINEGEN_REGISTRY_PASSWORD": "canary-pw"},
            {"registry.example.com": "u"},
            id="ours",
        ),
        pytest.param(
            {"CI_REGISTRY": "Registry.Example.com", "CI_JOB_TOKEN": "canary-token"},
            {"registry.example.com": "gitlab-ci-token"},
            id="GitLab's job",
        ),
        pytest.param(
            {"CI_REGISTRY": "gitlab.example", "CI_REGISTRY_USER": "d", "CI_REGISTRY_PASSWORD": "canary-deploy"},
            {"gitlab.example": "d"},
            id="bases from GitLab's registry",
        ),
    ],
)
def test_the_engine_gets_the_logins_that_stand_in_variables(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    seen: list[Setup] = []

    def choose(_: str, setup: Setup) -> tuple[Engine, str]:
        seen.append(setup)
        return Engine(), "chosen"

    monkeypatch.setattr("pipelinegen.edge.engines.choose", choose)
    bench.engine()
    (setup,) = seen
    assert {host: login.username for host, login in setup.logins.items()} == expected
    assert setup.registries == ("registry.example.com",)
    assert "canary" not in bench.report.mask(" ".join(variables.values()))
