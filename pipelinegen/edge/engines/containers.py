"""Containers by docker's command line, which podman's repeats: run, start, look at, remove, all under one label."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipelinegen.edge.engines.archive import pick, write_archive
from pipelinegen.edge.engines.base import LOAD_SECONDS, STOP_SECONDS, Program
from pipelinegen.edge.engines.failures import engine_failure
from pipelinegen.edge.engines.port import NONE, RUN_SECONDS, Container, Ran, Setup
from pipelinegen.edge.layout import Layout
from pipelinegen.errors import WorldError

LABEL = "pipelinegen.run"
_LOADED = re.compile(r"^Loaded image(?: ID)?(?:\(s\))?: (\S+)", re.MULTILINE)


class Containers(Program):
    """What docker, buildx and podman share; each adds how it is found and how it builds."""

    # How its command line begins to say that no container could be started.
    refusal: re.Pattern[bytes]
    rm_options: tuple[str, ...] = ("--force", "--volumes")
    rmi_options: tuple[str, ...] = ()

    def __init__(self, setup: Setup, allowed: Sequence[str]) -> None:
        super().__init__(setup, allowed)
        self._addresses: dict[tuple[str, int], tuple[tuple[str, int], ...]] = {}

    # Images.

    def load(self, layout: Layout, digest: str | None = None) -> str:
        image = pick(layout, digest)
        name = self.new_image()
        with tempfile.TemporaryDirectory(prefix="pipelinegen-load-", dir=layout.folder.parent) as folder:
            file = Path(folder, "image.tar")
            config = write_archive(layout, image, name, file)
            done = self.call("load", f"--input={file}", timeout=LOAD_SECONDS)
        self.check(done, "load the image")
        self._check_loaded(name, done.stdout.decode("utf-8", "replace"), {config, image.digest})
        return name

    def _check_loaded(self, name: str, said: str, digests: set[str]) -> None:
        """The engine has the image under our name, and it is the layout's: its id is the digest of its parts."""
        for loaded in _LOADED.findall(said):
            if loaded != name:
                self.call("tag", loaded, name)
        found = self.image_id(name)
        if found not in digests:
            raise WorldError(
                f"{self.name} loaded an image that is not the one of the build: {found or 'none'}", id="image-differs"
            )

    def image_id(self, local: str) -> str | None:
        """sha256:… of an image that the engine has; None where it has none of that name."""
        done = self.call("image", "inspect", "--format={{.Id}}", local)
        text = done.stdout.decode("ascii", "replace").strip()
        if done.returncode != 0 or not text:
            return None
        return text if text.startswith("sha256:") else f"sha256:{text}"

    # Containers.

    def run(
        self,
        local: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] = NONE,
        timeout: float = RUN_SECONDS,
        keep: bool = False,
    ) -> Ran:
        with self._named() as name:
            words = self._run_words(name, env, [] if keep else ["--rm"])
            command = [self.program, *words, "--entrypoint=", local, *argv]
            done = self.programs.capture(command, env=self.environment(), timeout=timeout)
            self._check_started(done.returncode, done.stderr)
            if keep:
                return Ran(*done, self._commit(name))
            self._containers.discard(name)
        return Ran(*done)

    def start(self, local: str, *, ports: Sequence[int] = (), env: Mapping[str, str] = NONE) -> Container:
        name = self.new_container()
        published = [f"--publish={self._publish(port)}" for port in ports]
        words = self._run_words(name, env, ["--rm", *published])
        # Not detached: what it writes comes to us as it is written, and its end is seen at once.
        follower = self.programs.follow([self.program, *words, local], env=self.environment())
        self._followers[name] = follower
        return Container(name, tuple(ports))

    def addresses(self, container: Container, port: int) -> tuple[tuple[str, int], ...]:
        if not self.state(container).running:
            return ()
        known = self._addresses.get((container.name, port), ())
        if not known:
            done = self.call("inspect", "--format={{json .NetworkSettings}}", container.name)
            known = _addresses(done.stdout, port, self._host()) if done.returncode == 0 else ()
            if known:
                self._addresses[container.name, port] = known
        return known

    def stop(self, container: Container) -> None:
        self.call("stop", f"--time={STOP_SECONDS}", container.name)
        follower = self._followers.get(container.name)
        if follower is not None:
            follower.wait(STOP_SECONDS)

    def remove(self, container: Container) -> None:
        follower = self._followers.pop(container.name, None)
        self._remove_container(container.name)
        if follower is not None:
            follower.terminate()

    @contextlib.contextmanager
    def _named(self) -> Iterator[str]:
        """The name of a container that is gone afterwards."""
        name = self.new_container()
        try:
            yield name
        finally:
            if name in self._containers:
                self._remove_container(name)

    def _remove_container(self, name: str) -> None:
        with contextlib.suppress(WorldError):
            self.forget(name, self.call("rm", *self.rm_options, name))

    def _run_words(self, name: str, env: Mapping[str, str], more: Sequence[str]) -> list[str]:
        variables = [f"--env={key}={value}" for key, value in env.items()]
        label = f"--label={LABEL}={self.run_id}"
        # Ended, its command line ends at once instead of asking the container; that is removed by its name.
        return ["run", f"--name={name}", label, "--pull=never", "--sig-proxy=false", *more, *variables]

    def _check_started(self, code: int, stderr: bytes) -> None:
        # These codes are the engine's own, unless the command in the container has exited with them.
        if code in (125, 126, 127) and self.refusal.search(stderr):
            raise engine_failure(self.name, "start the container", stderr, code)

    def _sweep(self, containers: Sequence[str], images: Sequence[str]) -> None:
        if containers:
            self.clean("rm", *self.rm_options, *containers)
            # One that was being made when its program was ended may be there only now.
            listed = self.clean("ps", "--all", "--quiet", f"--filter=label={LABEL}={self.run_id}")
            left = listed.stdout.decode("ascii", "replace").split() if listed else []
            if left:
                self.clean("rm", *self.rm_options, *left)
        if images:
            self.clean("rmi", *self.rmi_options, *images)

    def _commit(self, name: str) -> str:
        image = self.new_image()
        self.check(self.call("commit", name, image, timeout=LOAD_SECONDS), "keep what the command left")
        return image

    def _host(self) -> str | None:
        """The machine that the engine runs on, where that is not this one."""
        return None

    def _publish(self, port: int) -> str:
        # On another machine loopback would be that machine's own.
        return f"127.0.0.1::{port}" if self._host() is None else str(port)


def _addresses(settings: bytes, port: int, host: str | None) -> tuple[tuple[str, int], ...]:
    """From `inspect`: the published port first, then the container's own addresses (we may be in a container too)."""
    try:
        content = json.loads(settings)
    except ValueError:
        return ()
    found: list[tuple[str, int]] = []
    for binding in (content.get("Ports") or {}).get(f"{port}/tcp") or ():
        address = binding.get("HostIp") or "127.0.0.1"
        found.append((host or ("127.0.0.1" if address == "0.0.0.0" else address), int(binding["HostPort"])))  # noqa: S104
    if host is None:
        networks = (content.get("Networks") or {}).values()
        own = [content.get("IPAddress"), *(network.get("IPAddress") for network in networks)]
        found += [(str(address), port) for address in own if address]
    return tuple(dict.fromkeys(found))
