"""Every engine does what the port says, with the real programs; those that are not installed are skipped by name."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.engines.base import Program
from pipelinegen.edge.engines.port import BuildRequest, Built, Container, Engine
from pipelinegen.edge.filesystem import ImageFiles
from pipelinegen.edge.layout import Layout
from pipelinegen.errors import InputError, Refused, WorldError
from tests.support.engines import KINDS, Bench, open_bench

CREATED = datetime(2024, 1, 1, tzinfo=timezone.utc)
DOCKERFILE = """\
FROM {base}
# Workers of one run share a daemon, and so its cache.
ENV WORKER={worker}
ARG VERSION
RUN echo "version $VERSION" > /version && echo working
COPY server /srv/server
ENV GREETING=hello
WORKDIR /srv
USER 1000:1000
EXPOSE 8080
CMD ["sh", "/srv/server"]
"""
SERVER = """\
echo starting
test -z "$FAIL" || { echo "cannot go on" >&2; exit 3; }
httpd -f -v -p "${PORT:-8080}" -h /srv &
trap "kill $!; exit 0" TERM
wait $!
"""


@pytest.fixture(scope="module", params=KINDS)
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
    folder = tmp_path_factory.mktemp("context")
    (folder / "Dockerfile").write_text(
        DOCKERFILE.format(base=bench.base, worker=os.environ.get("PYTEST_XDIST_WORKER", ""))
    )
    (folder / "server").write_text(SERVER)
    return folder


def request_for(context: Path, **values: Any) -> BuildRequest:
    wanted = {"build_args": {"VERSION": "1.2.3"}, "labels": {"team": "a b"}, "created": CREATED, **values}
    return BuildRequest("api", context, root=context, **wanted)


@pytest.fixture(scope="module")
def built(engine: Engine, context: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built") / "layout"
    return engine.build(request_for(context, annotations={"note": "x"}), folder)


def local_of(built: Built) -> str:
    assert built.local is not None
    return built.local


def run_of(engine: Engine) -> str:
    """What stands in the names of all that an engine makes."""
    assert isinstance(engine, Program)
    return engine.run_id


def wait_for(done: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


def config_of(layout: Layout) -> dict[str, Any]:
    return layout.config(layout.images()[0].digest)


# Builds.


def test_the_layout_holds_the_image_that_the_engine_has(bench: Bench, built: Built) -> None:
    layout = built.layout
    (image,) = layout.images()
    assert layout.root().digest == image.digest
    assert image.platform is not None
    assert image.platform.startswith("linux/")
    manifest = layout.manifest(image.digest)
    assert manifest["annotations"]["note"] == "x"
    words = ["inspect", "--type=image"] if bench.name == "buildah" else ["image", "inspect"]
    seen = json.loads(bench.program(*words, local_of(built)))
    identity = seen["FromImageID"] if bench.name == "buildah" else seen[0]["Id"]
    assert manifest["config"]["digest"].endswith(identity.removeprefix("sha256:"))


def test_the_layout_says_and_holds_what_the_dockerfile_asks(built: Built) -> None:
    inner = config_of(built.layout)["config"]
    assert inner["Labels"]["team"] == "a b"
    assert "GREETING=hello" in inner["Env"]
    assert (inner["WorkingDir"], inner["User"], inner["Cmd"]) == ("/srv", "1000:1000", ["sh", "/srv/server"])
    files = ImageFiles(built.layout, built.layout.images()[0].digest)
    assert files.read("/version") == b"version 1.2.3\n"
    assert files.read("/srv/server").decode() == SERVER


def test_the_same_again_is_the_same_image(engine: Engine, built: Built, context: Path, tmp_path: Path) -> None:
    again = engine.build(request_for(context, annotations={"note": "x"}), tmp_path / "layout")
    assert again.layout.root().digest == built.layout.root().digest


def test_lines_are_told_as_the_engine_writes_them(engine: Engine, context: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    request = request_for(context, build_args={"VERSION": "2", "API_TOKEN": "hunter22"})
    engine.build(request, tmp_path / "layout", lines.append)
    assert any("working" in line for line in lines)
    assert [line for line in lines if "API_TOKEN looks like a secret" in line]
    assert not [line for line in lines if "hunter22" in line]


@pytest.mark.parametrize(
    ("dockerfile", "kind", "id", "told"),
    [
        ("FROM {base}\nRUN echo why; exit 7\n", Refused, "build-failed", "why"),
        ("FROM {base}\nCOPY gone /\n", Refused, "build-failed", "gone"),
        ("FROM {base}\nNONSENSE\n", InputError, "bad-dockerfile", "NONSENSE"),
    ],
    ids=["a step fails", "a file is missing", "an unknown instruction"],
)
def test_a_build_that_fails_says_whose_fault_it_is(
    bench: Bench,
    engine: Engine,
    tmp_path: Path,
    dockerfile: str,
    kind: type[Exception],
    id: str,
    told: str,
) -> None:
    (tmp_path / "Dockerfile").write_text(dockerfile.format(base=bench.base))
    with pytest.raises(kind) as raised:
        engine.build(BuildRequest("api", tmp_path, root=tmp_path), tmp_path / "layout")
    assert getattr(raised.value, "id", "") == id
    assert any(told in line for line in getattr(raised.value, "details", ()))
    assert sorted(os.listdir(tmp_path)) == ["Dockerfile"]


def test_secrets_are_seen_by_the_step_alone(bench: Bench, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("canary-file")
    (tmp_path / "Dockerfile").write_text(
        f"FROM {bench.base}\n"
        "RUN --mount=type=secret,id=npm --mount=type=secret,id=key "
        "cat /run/secrets/npm /run/secrets/key | md5sum > /sum && ! env | grep c[a]nary\n"
    )
    request = BuildRequest("api", tmp_path, secrets=("id=npm,env=NPM_SECRET", "id=key,src=key"), root=tmp_path)
    if bench.kind == "docker-classic":
        with pytest.raises(InputError, match="build secrets") as told:
            engine.build(request, tmp_path / "layout")
        assert told.value.id == "engine-lacks"
        return
    lines: list[str] = []
    layout = engine.build(request, tmp_path / "layout", lines.append).layout
    files = ImageFiles(layout, layout.images()[0].digest)
    assert files.read("/sum").split()[0] == b"7d24dde04b7ca80d84ce44c472c30d85"  # md5sum of both, one after the other
    assert not [entry.path for entry in files.walk("/") if entry.kind == "file" and b"canary" in files.read(entry.path)]
    assert "canary" not in json.dumps(config_of(layout)) + "\n".join(lines)


def test_another_image_of_ours_is_a_named_context(bench: Bench, engine: Engine, built: Built, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base\nRUN cat /version > /tmp/copied\n")
    digest = built.layout.images()[0].digest
    contexts = {"base": f"oci-layout://{built.layout.folder}@{digest}"}
    request = BuildRequest("web", tmp_path, contexts=contexts, root=tmp_path)
    if engine.lacks(request):
        with pytest.raises(InputError, match="named contexts"):
            engine.build(request, tmp_path / "layout")
        return
    layout = engine.build(request, tmp_path / "layout").layout
    assert ImageFiles(layout, layout.images()[0].digest).read("/tmp/copied") == b"version 1.2.3\n"


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
    import socket

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


def test_closing_ends_a_build_in_another_thread(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {bench.base}\nRUN echo begun && sleep 100\n")
    raised: list[WorldError] = []
    begun = threading.Event()

    def work() -> None:
        def each(line: str) -> None:
            if "begun" in line and "echo" not in line:
                begun.set()

        try:
            closing.build(BuildRequest("api", tmp_path, root=tmp_path), tmp_path / "layout", each)
        except WorldError as error:
            raised.append(error)

    with bench.engine() as closing:
        thread = threading.Thread(target=work)
        thread.start()
        assert begun.wait(60)
    thread.join(60)
    assert [error.id for error in raised] == ["engine-closed"]
    assert os.listdir(tmp_path) == ["Dockerfile"]


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
