"""Tests of images that need a container, with real engines: commands, requests from outside, logs, host commands."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from pipelinegen.config import images as config
from pipelinegen.edge.engines.port import BuildRequest, Engine
from pipelinegen.edge.image_tests import run_tests
from pipelinegen.edge.image_tests.served import Probe, probe_container
from pipelinegen.edge.image_tests.spec import Case, TestReport
from pipelinegen.edge.layout import Layout
from tests.support.dockerd import busybox
from tests.support.engines import Bench, open_bench, run_of, wait_for

ADAPTER = TypeAdapter(config.Tests)
# docker publishes ports, buildah shares the machine's: the two ways in which a container is reached.
KINDS = ("docker-classic", "buildah")
DOCKERFILE = """\
FROM {base}
COPY serve /serve
RUN mkdir -p /www/cgi-bin && echo found > /www/page && printf '#!/bin/sh\\ncat /hits 2>/dev/null\\n' > /www/cgi-bin/x
ENV PORT={port} MODE={mode}
CMD ["sh", "/serve"]
"""
SERVE = """\
echo "mode $MODE"
case "$MODE" in
  slow) sleep 1;;
  dies) echo "no database" >&2; exit 9;;
  job) echo "work done"; exit 0;;
  silent) exec sleep 1000;;
esac
echo "listening on $PORT"
exec httpd -f -p "$PORT" -h /www
"""


class Subject:
    """Images of one engine that listen on a port of their own, built as they are needed."""

    def __init__(self, bench: Bench, engine: Engine, factory: pytest.TempPathFactory) -> None:
        self.bench = bench
        self.engine = engine
        self._factory = factory
        self._built: dict[str, tuple[Layout, str | None]] = {}
        self.port = free_port()

    def image(self, mode: str) -> tuple[Layout, str | None]:
        if mode not in self._built:
            folder = self._factory.mktemp(mode)
            dockerfile = DOCKERFILE.format(base=self.bench.base, port=self.port, mode=mode)
            (folder / "Dockerfile").write_text(dockerfile)
            (folder / "serve").write_text(SERVE)
            self._built[mode] = self.engine.build(BuildRequest(mode, folder, root=folder), folder / "layout")
        return self._built[mode]

    def run(self, mode: str, *, loaded: bool = True, **tests: Any) -> TestReport:
        layout, local = self.image(mode)
        parsed = ADAPTER.validate_json(json.dumps(tests))
        digest = layout.images()[0].digest
        report = run_tests(parsed, layout, digest, name=mode, engine=self.engine, local=local if loaded else None)
        wait_for(lambda: self.bench.containers(run_of(self.engine)) == [])
        return report

    def http(self, mode: str, **test: Any) -> Case:
        (case,) = self.run(mode, httpTests=[{"name": "t", "port": self.port, **test}]).cases
        return case


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=KINDS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with open_bench(request.param, tmp_path_factory) as bench, bench.engine() as engine:
        yield Subject(bench, engine, tmp_path_factory)


def test_everything_at_once_in_the_order_of_the_configuration(subject: Subject) -> None:
    commands = [
        {"name": f"c{n}", "command": "echo", "args": [str(n)], "expectedOutput": [f"^{n}\n$"]} for n in range(5)
    ]
    report = subject.run(
        "slow",
        commandTests=commands,
        fileExistenceTests=[{"name": "f", "path": "/serve"}],
        metadataTest={"cmd": ["sh", "/serve"]},
        httpTests=[
            {
                "name": "page",
                "path": "/page",
                "port": subject.port,
                "headers": {"content-length": "^6$"},
                "body": ["^found$"],
            },
            {"name": "gone", "path": "/gone", "port": subject.port, "status": 404},
        ],
        logTests=[{"name": "mode", "pattern": "^mode slow$"}, {"name": "up", "pattern": r"listening on \d+"}],
    )
    assert [(case.name, case.message) for case in report.cases] == [
        *((f"c{n}", "") for n in range(5)),
        *(("f", ""), ("metadata", ""), ("page", ""), ("gone", ""), ("mode", ""), ("up", "")),
    ]
    assert report.passed
    assert report.platform is not None
    assert "listening on" in report.cases[-1].output


def test_a_layout_that_the_engine_does_not_hold_is_loaded(subject: Subject) -> None:
    test = {"name": "c", "command": "cat", "args": ["/www/page"], "expectedOutput": ["found"]}
    assert subject.run("slow", loaded=False, commandTests=[test, {**test, "name": "again"}]).passed


def test_a_wrong_answer_fails_when_the_time_is_over_with_what_was_answered(subject: Subject) -> None:
    case = subject.http("slow", path="/gone", timeout="3s")
    assert not case.passed
    assert "/gone answers with the status 404, not 200" in case.message
    assert "the time of 3 s is over" in case.message
    assert "listening on" in case.output


def test_an_early_end_is_seen_long_before_the_time_is_over(subject: Subject) -> None:
    # Ten minutes: the test would not end if the time were waited for.
    case = subject.http("dies", timeout="10m")
    assert not case.passed
    assert case.message.startswith("the container has ended with the exit code 9")
    assert "no database" in case.output


def test_a_port_that_nobody_listens_on(subject: Subject) -> None:
    case = subject.http("silent", timeout="1s")
    assert not case.passed
    assert "the time of 1 s is over" in case.message


def test_a_log_that_lacks_the_line(subject: Subject) -> None:
    tests = [{"name": "up", "pattern": "listening", "timeout": "1s"}]
    (case,) = subject.run("silent", logTests=tests).cases
    assert not case.passed
    assert case.message.splitlines() == ["'listening' is not found in the log", "the time of 1 s is over"]


def test_a_line_of_a_job_that_has_ended_counts_and_one_that_will_not_come_is_not_waited_for(subject: Subject) -> None:
    tests = [{"name": "done", "pattern": "work done"}, {"name": "more", "pattern": "nope", "timeout": "10m"}]
    done, more = subject.run("job", logTests=tests).cases
    assert done.passed
    assert more.message.startswith("the container has ended with the exit code 0")


def test_an_image_that_cannot_start_fails_each_test_with_the_reason(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY Dockerfile /\nCMD ["/no-such-program"]\n')
    built = subject.engine.build(BuildRequest("x", tmp_path, root=tmp_path), tmp_path / "layout")
    content = {"httpTests": [{"name": "h", "port": 80}], "logTests": [{"name": "l", "pattern": "listening"}]}
    tests = ADAPTER.validate_json(json.dumps(content))
    digest = built.layout.images()[0].digest
    report = run_tests(tests, built.layout, digest, name="x", engine=subject.engine, local=built.local)
    assert [case.passed for case in report.cases] == [False, False]
    assert all("ended with the exit code" in case.message for case in report.cases)
    assert all("no-such-program" in case.output for case in report.cases)


def test_a_command_that_cannot_run_is_a_failure_with_the_reason(subject: Subject) -> None:
    (case,) = subject.run("slow", commandTests=[{"name": "c", "command": "no-such-program", "exitCode": 127}]).cases
    assert not case.passed
    assert case.message.startswith("it cannot run:")
    assert "no-such-program" in case.message


def test_an_image_without_a_shell_is_asked_from_outside(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "httpd").write_bytes(busybox().read_bytes())
    (tmp_path / "httpd").chmod(0o755)
    (tmp_path / "page").write_text("bare")
    port = free_port()
    command = json.dumps(["/httpd", "-f", "-p", str(port), "-h", "/"])
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nCOPY httpd page /\nCMD {command}\n")
    built = subject.engine.build(BuildRequest("x", tmp_path, root=tmp_path), tmp_path / "layout")
    assert built.local is not None
    container = subject.engine.start(built.local, ports=[port])
    try:
        probe = Probe("/page", port, headers={"Content-Length": "^4$"}, body=("^bare$",))
        assert probe_container(probe, subject.engine, container).problems == ()
        wrong = probe_container(Probe("/page", port, timeout=0.3, body=("full",)), subject.engine, container)
        assert wrong.problems[0] == "'full' is not found in the answer, which is 'bare'"
    finally:
        subject.engine.remove(container)


def test_a_command_of_an_image_without_a_shell(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "busybox").write_bytes(busybox().read_bytes())
    (tmp_path / "busybox").chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY busybox /\n")
    built = subject.engine.build(BuildRequest("x", tmp_path, root=tmp_path), tmp_path / "layout")
    assert built.local is not None
    ran = subject.engine.run(built.local, ["/busybox", "sh", "-c", "echo hi; echo err >&2; exit 5"])
    assert (ran.returncode, ran.stdout, ran.stderr) == (5, b"hi\n", b"err\n")


def test_a_host_command_runs_the_image_by_its_name(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    if subject.bench.name != "docker":
        pytest.skip("one engine's command line is enough")
    monkeypatch.setenv("DOCKER_HOST", subject.bench.environ["DOCKER_HOST"])
    script = 'docker run --rm --entrypoint=cat "$IMAGE" /www/page && test -e "$IMAGE_LAYOUT/index.json"'
    (case,) = subject.run("slow", hostTests=[{"name": "h", "command": "sh", "args": ["-c", script]}]).cases
    assert (case.passed, case.output) == (True, "found\n"), case.message


def test_a_port_that_somebody_else_has_is_no_answer_of_the_image(subject: Subject) -> None:
    if subject.bench.name != "buildah":
        pytest.skip("only with buildah a container has the machine's own ports")
    with HTTPServer(("127.0.0.1", subject.port), BaseHTTPRequestHandler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            case = subject.http("slow", path="/page")
        finally:
            other.shutdown()
            thread.join()
    assert not case.passed
    assert case.message.startswith(f"it cannot run: port {subject.port} of this machine is in use")


INTERRUPTED = """
    import json, sys
    from pathlib import Path
    from pydantic import TypeAdapter
    from pipelinegen.config.images import Tests
    from pipelinegen.edge.engines import ENGINES
    from pipelinegen.edge.engines.port import Setup
    from pipelinegen.edge.image_tests import run_tests
    from pipelinegen.edge.layout import Layout
    from pipelinegen.edge.process import Interrupted, raise_on_signals
    raise_on_signals()
    name, local, folder = sys.argv[1:]
    commands = [{"name": str(n), "command": "sleep", "args": ["1000"]} for n in range(5)]
    tests = TypeAdapter(Tests).validate_json(json.dumps({"commandTests": commands}))
    layout = Layout(Path(folder))
    try:
        with ENGINES[name](Setup()) as engine:
            print(engine.run_id, flush=True)
            run_tests(tests, layout, layout.images()[0].digest, name="x", engine=engine, local=local)
    except Interrupted as stop:
        raise SystemExit(stop.exit_code)
"""


def test_a_signal_ends_all_commands_at_once(subject: Subject) -> None:
    layout, local = subject.image("slow")
    root = str(Path(__file__).resolve().parents[2])
    argv = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), subject.bench.name, str(local), str(layout.folder)]
    environ = {**subject.bench.environ, "PYTHONPATH": root}
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ours:
        assert ours.stdout is not None
        run = ours.stdout.readline().decode().strip()
        assert run
        wait_for(lambda: len(subject.bench.containers(run)) >= 2)
        ours.send_signal(signal.SIGTERM)
        _, err = ours.communicate(timeout=60)
    assert (ours.returncode, err) == (128 + signal.SIGTERM, b"")
    wait_for(lambda: subject.bench.containers(run) == [])
