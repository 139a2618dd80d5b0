"""Measure `pipelinegen build` beside docker's own commands, in one run, in turn; root, dockerd and docker-registry.

    python -m bench.builds                   all of it
    python -m bench.builds unchanged --runs 20

Figures of one run may be compared with each other, and with nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.dockerd import busybox_image, docker_daemon
from tests.support.engines import buildkit_path
from tests.support.registry import Reply, Request, Server, every_third, flaky, start_registry
from tests.support.repos import git
from tests.support.shop import tags_in

ROOT = Path(__file__).parent.parent
# Our own process alone: what docker's programs and git cost is theirs.
_ENTRY = """\
import os, resource
from pipelinegen.__main__ import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open(os.environ["BENCH_CPU"], "w") as file:
        file.write(str(used.ru_utime + used.ru_stime))
"""
_CONFIG = """\
version: 1
project: bench
images:
"""
_IMAGE = """\
  {name}:
    repository: {host}/bench/{name}
    context: {name}
    tags: [type=sha, "type=ref,event=branch"]
    tests: {{{tests}}}
"""


@dataclass(frozen=True)
class Ran:
    seconds: float
    cpu: float
    requests: int


class Bench:
    """A repository with images, a registry behind a proxy that counts, and an engine's environment."""

    def __init__(self, folder: Path, proxy: Server, environ: Mapping[str, str]) -> None:
        self.folder = folder / "app"
        self.remote = folder / "remote"
        self.proxy = proxy
        self.environ = {**environ, "PYTHONPATH": str(ROOT), "BENCH_CPU": str(folder / "cpu")}
        self.folder.mkdir()
        self.remote.mkdir()
        git(self.remote, "init", "--quiet", "--bare", "--initial-branch=main")
        git(self.folder, "init", "--quiet", "--initial-branch=main")
        git(self.folder, "remote", "add", "origin", str(self.remote))

    def write(self, images: Mapping[str, str], tests: str) -> None:
        config = _CONFIG
        for name, dockerfile in images.items():
            config += _IMAGE.format(name=name, host=self.proxy.host, tests=tests.replace("NAME", name))
            place = self.folder / name
            place.mkdir()
            (place / "Dockerfile").write_text(dockerfile)
            (place / "data").write_text("0")
        (self.folder / "pipelinegen.yaml").write_text(config)
        self.commit()

    def change(self, name: str, text: str) -> None:
        (self.folder / name / "data").write_text(text)
        self.commit()

    def commit(self) -> None:
        git(self.folder, "add", "--all", ":!build-metadata.json")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", "Change")
        git(self.folder, "push", "--quiet", "origin", "main")

    def build(self, *arguments: str, expect: str) -> Ran:
        self.proxy.requests.clear()
        began = time.monotonic()
        command = [sys.executable, "-c", _ENTRY, "build", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
        if done.returncode:
            raise SystemExit(done.stderr)
        result = json.loads((self.folder / "build-metadata.json").read_text())["result"]
        if result != expect:
            raise SystemExit(f"{result}, not {expect}")
        return Ran(seconds, float(Path(self.environ["BENCH_CPU"]).read_text()), len(self.proxy.requests))

    def run(self, *commands: Sequence[str]) -> Ran:
        self.proxy.requests.clear()
        began = time.monotonic()
        for command in commands:
            subprocess.run(command, cwd=self.folder, env=self.environ, check=True, capture_output=True)
        return Ran(time.monotonic() - began, 0.0, len(self.proxy.requests))


@contextlib.contextmanager
def opened(environ: Mapping[str, str]) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="bench-builds-") as name:
        folder = Path(name)
        with start_registry(folder / "registry") as registry, flaky(registry.host, _as_it_is) as proxy:
            yield Bench(folder, proxy, environ)


def _as_it_is(_number: int, _request: Request) -> Reply | None:
    return None


def unchanged(runs: int) -> dict[str, Any]:
    """An image that is there: what a pipeline pays that has nothing to do."""
    with opened({"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PIPELINEGEN_ENGINE": "oci"}) as bench:
        bench.write({"one": "FROM scratch\nCOPY data /\n"}, "fileExistenceTests: [{name: there, path: /data}]")
        bench.build(expect="built")
        return _shown([bench.build(expect="unchanged") for _ in range(runs)])


def twenty(runs: int) -> dict[str, Any]:
    """Twenty images of which one has changed, beside a build of that one alone."""
    with _docker() as (environ, base), opened(environ) as bench:
        text = f"FROM {base}\nCOPY data /\nRUN sleep 1\n"
        bench.write({f"i{number}": text for number in range(20)}, _TESTS)
        bench.build(expect="built")
        alone, all_of_them = [], []
        for number in range(runs):
            bench.change("i7", f"a{number}")
            alone.append(bench.build("i7", expect="built"))
            bench.change("i7", f"b{number}")
            all_of_them.append(bench.build(expect="built"))
        return {"that one alone": _shown(alone), "all twenty": _shown(all_of_them)}


def bare(runs: int) -> dict[str, Any]:
    """Beside `docker build && docker run && docker push` of the same image under the same two tags, in turn."""
    with _docker() as (environ, base), opened(environ) as bench:
        bench.write({"one": f"FROM {base}\nCOPY data /\nRUN cat /data\n"}, _TESTS)
        name = f"{bench.proxy.host}/plain/one"
        ours, theirs = [], []
        for number in range(runs):
            bench.change("one", f"a{number}")
            ours.append(bench.build(expect="built"))
            bench.change("one", f"b{number}")
            tags = (f"{name}:{number}", f"{name}:main")
            theirs.append(
                bench.run(
                    ["docker", "build", "-q", *(f"--tag={tag}" for tag in tags), "one"],
                    ["docker", "run", "--rm", tags[0], "cat", "/data"],
                    *(["docker", "push", "-q", tag] for tag in tags),
                )
            )
        return {"docker build, run, push": _shown(theirs), "pipelinegen build": _shown(ours)}


def failing(runs: int) -> dict[str, Any]:
    """Pushes through a proxy that fails every third request, right in the end; beside skopeo's."""
    from pipelinegen.edge.engines.oci import Oci
    from pipelinegen.edge.engines.port import BuildRequest, Setup
    from pipelinegen.edge.http import Clock
    from pipelinegen.edge.registry import Registry
    from pipelinegen.edge.registry.upload import push
    from pipelinegen.images.reference import parse

    right = {"pipelinegen": 0, "skopeo": 0}
    with tempfile.TemporaryDirectory(prefix="bench-builds-") as name:
        folder = Path(name)
        with start_registry(folder / "registry") as registry, flaky(registry.host, every_third) as proxy:
            for number in range(runs):
                context = folder / f"context{number}"
                context.mkdir()
                (context / "data").write_bytes(os.urandom(20_000))
                (context / "Dockerfile").write_text("FROM scratch\nCOPY data /\n")
                with Oci(Setup(environ={})) as engine:
                    layout = engine.build(BuildRequest("x", context, root=context), folder / f"layout{number}").layout
                target = parse(f"{proxy.host}/ours/{number}")
                with Registry((), environ={"HOME": name}, clock=Clock(sleep=lambda _: None)) as client:
                    push(client, target, layout, ["1.0.0", "latest"])
                copy = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{layout.folder}"]
                subprocess.run(
                    [*copy, f"docker://{proxy.host}/theirs/{number}:1.0.0"], capture_output=True, check=False
                )
                digest = layout.root().digest
                held = tags_in(registry.host, f"ours/{number}")
                right["pipelinegen"] += held == {"1.0.0": digest, "latest": digest}
                right["skopeo"] += tags_in(registry.host, f"theirs/{number}") == {"1.0.0": digest}
    return {who: f"{count} of {runs}" for who, count in right.items()}


def judge(runs: int) -> dict[str, Any]:
    """The same test file, by us and by container-structure-test, in turn, on an image that docker has."""
    from pydantic import TypeAdapter

    from pipelinegen.config.images import Tests
    from pipelinegen.edge.engines.docker import Docker
    from pipelinegen.edge.engines.port import BuildRequest, Setup
    from pipelinegen.edge.image_tests import run_tests

    content = {
        "schemaVersion": "2.0.0",
        "commandTests": [{"name": f"c{n}", "command": "echo", "args": [str(n)]} for n in range(6)],
        "fileExistenceTests": [{"name": f"e{n}", "path": "/data"} for n in range(3)],
        "fileContentTests": [{"name": f"f{n}", "path": "/data", "expectedContents": ["0"]} for n in range(3)],
        "metadataTest": {"cmd": ["sh"]},
    }
    tests = TypeAdapter(Tests).validate_json(json.dumps(content))
    ours, theirs = [], []
    with _docker() as (environ, base), tempfile.TemporaryDirectory(prefix="bench-builds-") as name:
        folder = Path(name)
        (folder / "data").write_text("0")
        (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY data /\n")
        (folder / "tests.yaml").write_text(json.dumps(content))
        with Docker(Setup(environ=environ)) as engine:
            built = engine.build(BuildRequest("x", folder, root=folder), folder / "layout")
            digest = built.layout.images()[0].digest
            program = str(Path(sys.prefix, "bin", "container-structure-test"))
            command = [program, "test", "--image", str(built.local), f"--config={folder / 'tests.yaml'}"]
            for _ in range(runs):
                began = time.monotonic()
                report = run_tests(tests, built.layout, digest, name="x", engine=engine, local=built.local)
                ours.append(time.monotonic() - began)
                began = time.monotonic()
                subprocess.run(command, env=environ, check=True, capture_output=True)
                theirs.append(time.monotonic() - began)
                if not report.passed:
                    raise SystemExit("a test has failed")
    return {"container-structure-test (s)": _middle(theirs), "pipelinegen (s)": _middle(ours)}


_TESTS = "commandTests: [{name: data, command: cat, args: [/data]}]"
CASES: Mapping[str, tuple[Callable[[int], dict[str, Any]], int]] = {
    "unchanged": (unchanged, 20),
    "bare": (bare, 8),
    "twenty": (twenty, 3),
    "failing": (failing, 50),
    "judge": (judge, 5),
}


class _Factory:
    """What `docker_daemon` wants of pytest: a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def getbasetemp(self) -> Path:
        return self._folder


@contextlib.contextmanager
def _docker() -> Iterator[tuple[dict[str, str], str]]:
    """A daemon that builds by BuildKit, and a base image that it has."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-docker-") as folder,
        docker_daemon(_Factory(Path(folder))) as daemon,  # type: ignore[arg-type]
    ):
        local = "localhost/bench/busybox:1"
        daemon.docker("tag", busybox_image(daemon), local)
        environ = daemon.environ(DOCKER_BUILDKIT="1", PATH=buildkit_path())
        yield {**environ, "PIPELINEGEN_ENGINE": "docker"}, local


def _shown(ran: Sequence[Ran]) -> dict[str, Any]:
    return {
        "wall (s)": _middle([each.seconds for each in ran]),
        "own CPU (s)": _middle([each.cpu for each in ran]),
        "requests": statistics.median_low([each.requests for each in ran]),
    }


def _middle(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.builds", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("case", nargs="*", choices=[[], *CASES], help="which (default: all)")
    parser.add_argument("--runs", type=int, help="how often each is measured")
    given = parser.parse_args()
    for needed in ("docker-registry", "git"):
        if shutil.which(needed) is None:
            raise SystemExit(f"{needed} is not installed")
    for name in given.case or CASES:
        case, runs = CASES[name]
        runs = given.runs or runs
        print(json.dumps({name: {"runs": runs, **case(runs)}}, indent=2), flush=True)
    print(f"load average: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
