"""Every engine runs containers as the port says, with the real programs, and leaves none behind."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.engines.port import Built, Container, Engine
from pipelinegen.errors import InputError, WorldError
from tests.support.engines import (
    RUNNING_KINDS,
    SERVER,
    Bench,
    local_of,
    make_context,
    open_bench,
    request_for,
    run_of,
    wait_for,
)


@pytest.fixture(scope="module", params=RUNNING_KINDS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(request.param, tmp_path_factory) as opened:
        yield opened


@pytest.fixture(scope="module")
def engine(bench: Bench) -> Iterator[Engine]:
    with bench.engine(GITHUB_TOKEN="canary-forge", NPM_SECRET="canary-npm") as made:
        assert made.detect().works, made.detect()
        yield made


@pytest.fixture(scope="module")
def context(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_context(bench, tmp_path_factory.mktemp("context"))


@pytest.fixture(scope="module")
def built(engine: Engine, context: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built") / "layout"
    return engine.build(request_for(context), folder)


# Commands.


def test_a_command_takes_the_place_of_entrypoint_and_command(engine: Engine, built: Built) -> None:
    ran = engine.run(
        local_of(built), ["sh", "-c", "id -u; pwd; echo $GREETING $A; echo err >&2; exit 3"], env={"A": "b c"}
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, b"1000\n/srv\nhello b c\n", b"err\n")
    assert ran.local is None


@pytest.mark.parametrize("script", ["exit 1", "exit 125", "exit 126", "exit 127", "echo -n no line end >&2; exit 2"])
def test_exit_codes_and_standard_error_are_the_commands_own(engine: Engine, built: Built, script: str) -> None:
    ran = engine.run(local_of(built), ["sh", "-c", script])
    assert ran.returncode == int(script.rsplit(maxsplit=1)[-1])
    assert ran.stderr == (b"no line end" if "echo" in script else b"")


def test_a_command_that_a_signal_ends_has_the_code_of_shells(engine: Engine, built: Built) -> None:
    # The first process of a container ignores most signals, what it starts does not; in a chroot it is not the first.
    script = "kill -9 $$" if engine.name == "buildah" else "sh -c 'kill -9 $$'; exit $?"
    ran = engine.run(local_of(built), ["sh", "-c", script])
    assert (ran.returncode, ran.stdout) == (137, b"")


@pytest.mark.parametrize("program", ["no-such-program", "/no/such/file", "/srv/server"])
def test_a_program_that_cannot_be_started_is_no_exit_code(engine: Engine, built: Built, program: str) -> None:
    with pytest.raises(WorldError) as told:
        engine.run(local_of(built), [program])
    assert told.value.id == "container-failed"
    assert any(program in line for line in told.value.details)


def test_what_a_command_leaves_can_be_kept_for_the_next(engine: Engine, built: Built) -> None:
    local = local_of(built)
    kept = engine.run(local, ["sh", "-c", "echo made > /tmp/file"], keep=True)
    assert kept.local is not None
    assert engine.run(kept.local, ["cat", "/tmp/file"]).stdout == b"made\n"
    assert engine.run(local, ["test", "-e", "/tmp/file"]).returncode == 1


def test_a_command_that_hangs_is_ended_and_its_container_removed(bench: Bench, engine: Engine, built: Built) -> None:
    with pytest.raises(WorldError) as told:
        engine.run(local_of(built), ["sleep", "100"], timeout=0.5)
    assert told.value.id == "timeout"
    wait_for(lambda: bench.containers(run_of(engine)) == [])


# Containers that run on.


@contextlib.contextmanager
def started(engine: Engine, built: Built, port: int, **env: str) -> Iterator[Container]:
    container = engine.start(local_of(built), ports=[port], env={"PORT": str(port), **env})
    try:
        yield container
    finally:
        engine.remove(container)


def fetch(engine: Engine, container: Container, port: int) -> bytes | None:
    for host, published in engine.addresses(container, port)[:1]:
        connection = http.client.HTTPConnection(host, published, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/server")
            return connection.getresponse().read()
    return None


def test_a_started_container_answers_and_is_gone_afterwards(
    bench: Bench, engine: Engine, built: Built, free_port: int
) -> None:
    with started(engine, built, free_port) as container:
        wait_for(lambda: fetch(engine, container, free_port) == SERVER.encode() or not engine.state(container).running)
        assert engine.state(container) == (True, None)
        wait_for(lambda: b"response:200" in engine.logs(container))
        assert engine.logs(container).startswith(b"starting\n")
        assert bench.containers(run_of(engine)) == [container.name]
    wait_for(lambda: bench.containers(run_of(engine)) == [])
    assert engine.addresses(container, free_port) == ()
    assert not engine.state(container).running
    engine.remove(container)


def test_the_end_of_a_container_is_seen_with_its_code_and_log(engine: Engine, built: Built, free_port: int) -> None:
    with started(engine, built, free_port, FAIL="1") as container:
        wait_for(lambda: not engine.state(container).running)
        assert engine.state(container).exit_code == 3
        assert sorted(engine.logs(container).splitlines()[:2]) == [b"cannot go on", b"starting"]
        assert engine.addresses(container, free_port) == ()


def test_a_stopped_container_still_has_its_log(engine: Engine, built: Built, free_port: int) -> None:
    with started(engine, built, free_port) as container:
        wait_for(lambda: b"starting" in engine.logs(container))
        engine.stop(container)
        assert not engine.state(container).running
        assert b"starting" in engine.logs(container)


@pytest.fixture
def free_port() -> int:
    """A port of this machine's: with buildah a container listens on it itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Layouts that are loaded, and the end.


def test_a_layout_is_loaded_as_the_same_image_and_removed_with_all_else(
    bench: Bench, built: Built, context: Path, tmp_path: Path
) -> None:
    with bench.engine() as engine:
        run = run_of(engine)
        local = engine.load(built.layout)
        assert engine.run(local, ["cat", "/version"]).stdout == b"version 1.2.3\n"
        engine.start(local)
        kept = engine.run(local, ["true"], keep=True)
        assert len(bench.images(run)) == 2
        assert local != kept.local is not None
    assert bench.images(run) == []
    wait_for(lambda: bench.containers(run) == [])
    with pytest.raises(WorldError) as told:
        engine.run(local, ["true"])
    assert told.value.id == "engine-closed"


def test_an_image_of_another_machine_is_refused_by_its_name(engine: Engine, built: Built) -> None:
    with pytest.raises(InputError, match="the build has no image for sha256:0") as told:
        engine.load(built.layout, "sha256:" + "0" * 64)
    assert told.value.id == "bad-platform"


SIGNALLED = """
    import sys, time
    from pipelinegen.edge.engines import ENGINES
    from pipelinegen.edge.engines.base import Program
    from pipelinegen.edge.engines.port import Setup
    from pipelinegen.edge.process import Interrupted, raise_on_signals
    raise_on_signals()
    try:
        with ENGINES[sys.argv[1]](Setup()) as engine:
            container = engine.start(sys.argv[2], env={"PORT": sys.argv[3]})
            while b"starting" not in engine.logs(container):
                time.sleep(0.02)
            print(engine.run_id, flush=True)
            engine.run(sys.argv[2], ["sleep", "100"])
    except Interrupted as stop:
        raise SystemExit(stop.exit_code)
"""


def test_a_signal_leaves_no_container_and_no_file(bench: Bench, built: Built, tmp_path: Path, free_port: int) -> None:
    root = Path(__file__).resolve().parents[2]
    argv = [sys.executable, "-c", textwrap.dedent(SIGNALLED), bench.name, local_of(built), str(free_port)]
    environ = {**bench.environ, "PYTHONPATH": str(root), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, cwd=tmp_path) as ours:
        assert ours.stdout is not None
        run = ours.stdout.readline().decode().strip()
        assert run
        wait_for(lambda: len(bench.containers(run)) == 2)
        ours.send_signal(signal.SIGTERM)
        ours.communicate(timeout=60)
    assert ours.returncode == 128 + signal.SIGTERM
    wait_for(lambda: bench.containers(run) == [])
    assert not list(tmp_path.iterdir())
