"""Buildah: builds without a daemon, pushes into an OCI layout, runs commands in working containers."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelinegen.edge.engines.annotate import annotate
from pipelinegen.edge.engines.archive import pick, write_archive
from pipelinegen.edge.engines.base import DETECT_SECONDS, LOAD_SECONDS, Program, check_same, refuse_lacking
from pipelinegen.edge.engines.docker import version_of
from pipelinegen.edge.engines.failures import engine_failure
from pipelinegen.edge.engines.leftovers import left_containers, marking
from pipelinegen.edge.engines.podman import STORAGE_VARIABLES, build_words, lacks, own_files, with_loaded
from pipelinegen.edge.engines.port import (
    NONE,
    RUN_SECONDS,
    BuildRequest,
    Built,
    Container,
    Detected,
    Ran,
    Setup,
    Tell,
    silent,
)
from pipelinegen.edge.engines.waiting import has_no_shell, new_mark, waiting, was_refused
from pipelinegen.edge.layout import Layout
from pipelinegen.edge.process import Completed
from pipelinegen.errors import WorldError

# The first with secrets from variables and with named contexts that are images.
MINIMUM = (1, 28)
# What it adds to the command's own standard error: by the chroot isolation, and by an OCI runtime.
_NOISE = re.compile(
    rb"(?:(?:subprocess|container) exited (?:with status [0-9]+|on [a-z /-]+)\n)*"
    rb"Error: (?:while running runtime: )?exit status [0-9]+\n\Z"
)
_KILLED = re.compile(
    rb"(?:subprocess|container) exited on ([a-z /-]+)\n(?:subprocess exited with status [0-9]+\n)*Error: [^\n]*\n\Z"
)
_NOT_STARTED = re.compile(
    rb"process failed to start with error: (.*?)process exited with error: exec: not started"
    rb"|(?:runc|crun)[^\n]*(?:unable to start container process|executable file)[^\n]*",
    re.DOTALL,
)
_SIGNALS = {
    b"hangup": 1,
    b"interrupt": 2,
    b"quit": 3,
    b"illegal instruction": 4,
    b"aborted": 6,
    b"killed": 9,
    b"segmentation fault": 11,
    b"broken pipe": 13,
    b"terminated": 15,
}


class Buildah(Program):
    """`buildah build`, `buildah push oci:`, `buildah from` and `run`."""

    name = "buildah"
    program = "buildah"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, STORAGE_VARIABLES)
        self._ports: dict[str, tuple[int, ...]] = {}
        self._without_shell: set[str] = set()

    def lacks(self, request: BuildRequest) -> str | None:
        return lacks(request)

    def build(self, request: BuildRequest, folder: Path, tell: Tell = silent) -> Built:
        refuse_lacking(self.lacks(request), self.name)
        secrets = self.begin_build(request, folder)
        request = with_loaded(request, self.load)
        name = self.new_image()
        with tempfile.TemporaryDirectory(prefix="pipelinegen-build-", dir=folder.parent) as place:
            iidfile = Path(place, "iid")
            mark = marking(self.run_id, self.programs.folder())
            words = [f"--iidfile={iidfile}", f"--tag={name}", mark, *build_words(request, secrets, tell)]
            image = self.built_id(iidfile, *self.run_build(["build", *words], request, secrets, tell))
        pushed = self.call("push", "--quiet", "--format=oci", name, f"oci:{folder}", timeout=LOAD_SECONDS)
        self.check(pushed, "write the image")
        layout = Layout(folder)
        check_same(self.name, layout, image)
        annotate(layout, request.annotations)
        return Built(layout, name)

    def load(self, layout: Layout, digest: str | None = None) -> str:
        image = pick(layout, digest)
        name = self.new_image()
        with tempfile.TemporaryDirectory(prefix="pipelinegen-load-", dir=layout.folder.parent) as folder:
            file = Path(folder, "image.tar")
            config = write_archive(layout, image, name, file)
            done = self.check(
                self.call("pull", "--quiet", f"oci-archive:{file}", timeout=LOAD_SECONDS), "load the image"
            )
        loaded = done.stdout.decode("ascii", "replace").strip().splitlines()[-1]
        if f"sha256:{loaded}" != config:
            raise WorldError(f"buildah loaded an image that is not the one of the build: {loaded}", id="image-differs")
        self.check(self.call("tag", loaded, name), "name the image")
        return name

    def run(
        self,
        local: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] = NONE,
        timeout: float = RUN_SECONDS,
        keep: bool = False,
    ) -> Ran:
        with self._working(local) as name:
            ran = self._run(local, [self.program, *_run_words(name, env)], argv, timeout)
            if keep:
                image = self.new_image()
                self.check(self.call("commit", "--quiet", name, image, timeout=LOAD_SECONDS), "keep what is left")
                return ran._replace(local=image)
        return ran

    def _run(self, local: str, words: Sequence[str], argv: Sequence[str], timeout: float) -> Ran:
        """Under a shell where output could be lost else; an image without one gets the command alone."""
        env = self.environment()
        if self.programs.environ.get("BUILDAH_ISOLATION") == "chroot" and local not in self._without_shell:
            mark = new_mark()
            command = [*words, *waiting(mark, argv)]
            done = self.programs.capture_marked(command, f"{mark}\n".encode(), env=env, timeout=timeout)
            if not has_no_shell(done.stderr):
                return _ran(self.name, done)
            self._without_shell.add(local)
        return _ran(self.name, self.programs.capture([*words, *argv], env=env, timeout=timeout))

    def start(self, local: str, *, ports: Sequence[int] = (), env: Mapping[str, str] = NONE) -> Container:
        container = Container(self._new_working(local), tuple(ports))
        try:
            words = [*_run_words(container.name, env, "--network=host"), *_main(self._config(container.name))]
            # Its commands share this machine's network: a port can be had once, and nobody else may answer there.
            _PORTS.take(ports)
            self._ports[container.name] = container.ports
            self._followers[container.name] = self.programs.follow([self.program, *words], env=self.environment())
        except WorldError:
            self.remove(container)
            raise
        return container

    def addresses(self, container: Container, port: int) -> tuple[tuple[str, int], ...]:
        return (("127.0.0.1", port),) if self.state(container).running else ()

    def stop(self, container: Container) -> None:
        follower = self._followers.get(container.name)
        if follower is not None:
            follower.terminate()

    def remove(self, container: Container) -> None:
        self.stop(container)
        self._followers.pop(container.name, None)
        _PORTS.give_back(self._ports.pop(container.name, ()))
        self._remove_working(container.name)

    def _look(self) -> Detected:
        done = self.call("version", "--json", timeout=DETECT_SECONDS)
        try:
            version = str(json.loads(done.stdout)["version"])
        except (ValueError, KeyError, TypeError):
            return Detected(self.name, None, False, _last_line(done) or "it does not say its version")
        if version_of(version) < MINIMUM:
            return Detected(self.name, version, False, f"buildah {version} is older than 1.28")
        # Its storage is what fails where it may not mount or map users.
        done = self.call("info", timeout=DETECT_SECONDS)
        if done.returncode != 0:
            return Detected(self.name, version, False, _last_line(done) or "its storage does not work")
        return Detected(self.name, version, True, f"buildah {version}")

    def _prepare(self) -> dict[str, str]:
        # A run that is ended leaves its bundle in TMPDIR.
        own = own_files(self.programs.folder(), self.programs.environ, self.setup)
        return {**own, "TMPDIR": str(self.programs.scratch())}

    def _sweep(self, containers: Sequence[str], images: Sequence[str]) -> None:
        for ports in self._ports.values():
            _PORTS.give_back(ports)
        self._ports.clear()
        info = self.clean("info") if self.has_built else None
        left = left_containers(info.stdout, self.run_id) if info else ()
        for name in (*containers, *left):
            self.clean_away("rm", name)
        if images:
            self.clean("rmi", *images)

    @contextlib.contextmanager
    def _working(self, local: str) -> Iterator[str]:
        name = self._new_working(local)
        try:
            yield name
        finally:
            self._remove_working(name)

    def _new_working(self, local: str) -> str:
        name = self.new_container()
        self.check(self.call("from", f"--name={name}", local, timeout=LOAD_SECONDS), "make a container")
        return name

    def _remove_working(self, name: str) -> None:
        with contextlib.suppress(WorldError):
            self.forget(name, self.call("rm", name))

    def _config(self, name: str) -> dict[str, Any]:
        done = self.check(self.call("inspect", "--type=container", name), "read the image")
        content: dict[str, Any] = json.loads(done.stdout)["OCIv1"]["config"]
        return content


class _Ports:
    """The ports of this machine that containers of this process listen on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: set[int] = set()

    def take(self, ports: Sequence[int]) -> None:
        """Wait until none of ours has them; refuse what somebody else listens on."""
        with self._changed:
            while self._taken & set(ports):
                self._changed.wait(1.0)
            for port in ports:
                if _answers(port):
                    raise WorldError(
                        f"port {port} of this machine is in use, and a container of buildah has no network of its own",
                        id="container-failed",
                        next="free the port, or build with docker or podman",
                    )
            self._taken |= set(ports)

    def give_back(self, ports: Sequence[int]) -> None:
        with self._changed:
            self._taken -= set(ports)
            self._changed.notify_all()


_PORTS = _Ports()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _run_words(name: str, env: Mapping[str, str], *more: str) -> list[str]:
    return ["run", *more, *(f"--env={key}={value}" for key, value in env.items()), name, "--"]


def _main(config: Mapping[str, Any]) -> list[str]:
    words = [str(word) for word in (*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ()))]
    if not words:
        raise WorldError("the image has neither an entrypoint nor a command to start", id="container-failed")
    return words


def _ran(engine: str, done: Completed) -> Ran:
    """What the command itself wrote and exited with, without what buildah says of it."""
    if done.returncode == 0:
        return Ran(*done)
    if _NOT_STARTED.search(done.stderr):
        raise engine_failure(engine, "start the container", done.stderr, done.returncode)
    killed = _KILLED.search(done.stderr)
    code = 128 + _SIGNALS.get(killed[1], 0) if killed else done.returncode
    stderr = _NOISE.sub(b"", done.stderr)
    if was_refused(code, stderr):
        raise engine_failure(engine, "start the container", stderr, code)
    return Ran(code, done.stdout, stderr)


def _last_line(done: Completed) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
