"""What every engine does: say whether it works here, build an image into an OCI layout, run containers of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pipelinegen.edge.layout import Layout
    from pipelinegen.edge.registry.authfile import Credential

Tell = Callable[[str], object]
NONE: Mapping[str, str] = MappingProxyType({})
RUN_SECONDS = 300.0


def silent(_: str) -> None:
    """Where nobody waits for lines."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One image to build, in buildx's words. `root` is the folder that relative paths in secrets, ssh, caches and
    contexts start at; `dockerfile` is `Dockerfile` in the context where it is None; `contexts` are named contexts with
    `target:` already replaced; `created` is what the image says of its time, and what makes a build repeatable."""

    name: str
    context: Path
    dockerfile: Path | None = None
    target: str | None = None
    platforms: tuple[str, ...] = ()
    build_args: Mapping[str, str] = field(default_factory=lambda: NONE)
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: NONE)
    annotations: Mapping[str, str] = field(default_factory=lambda: NONE)
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    attest: tuple[str, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=lambda: NONE)
    created: datetime | None = None
    root: Path = field(default_factory=Path.cwd)
    timeout: float | None = None
    no_cache: bool = False


class Detected(NamedTuple):
    """Whether an engine works here. `reason` is a sentence in both cases: what it is, or what is missing."""

    name: str
    version: str | None
    works: bool
    reason: str


class Built(NamedTuple):
    """What a build gave. `local` is the engine's own name of the image where it holds it already, for `run`; where it
    is None, `load` gives one."""

    layout: Layout
    local: str | None = None


class Ran(NamedTuple):
    """A command that ended in a container. `local` is the image of its file system afterwards, where that was asked."""

    returncode: int
    stdout: bytes
    stderr: bytes
    local: str | None = None


class Container(NamedTuple):
    """A container that was started; `ports` are those of its own that can be reached."""

    name: str
    ports: tuple[int, ...] = ()


class State(NamedTuple):
    """Whether a container runs, and else with what its main program has exited."""

    running: bool
    exit_code: int | None = None


class Setup(NamedTuple):
    """What all engines are made with. `logins`: what registries are shown for base images, by host, beside what the
    user's own container tools know; `environ`: where the caller's variables are read from (None: os.environ);
    `registries`: those that images go to, and bases of ours come from."""

    logins: Mapping[str, Credential] = MappingProxyType({})
    environ: Mapping[str, str] | None = None
    registries: tuple[str, ...] = ()


class Engine(Protocol):
    """One way to build and to run. Made without touching the world; a context manager that leaves no container, no
    temporary image, no program and no file behind. `build`, `run` and the rest may be called from several threads;
    `close` from any thread ends what runs there, and whatever is asked afterwards fails."""

    name: str

    def detect(self) -> Detected:
        """Whether it works here, in a second or two; never raises. What it finds is remembered."""

    def lacks(self, request: BuildRequest) -> str | None:
        """What of a request it cannot do, in a sentence that begins with what is asked; None: it can do all."""

    def build(self, request: BuildRequest, folder: Path, tell: Tell = silent) -> Built:
        """Build into an OCI layout at `folder`, which is made. `tell` gets the engine's lines as they are written.

        Raises Refused (build-failed) where the Dockerfile's own work fails, InputError where the request cannot be
        done by this engine, WorldError and NotPermitted for the rest.
        """

    def load(self, layout: Layout, digest: str | None = None) -> str:
        """Give the engine an image of a layout (by the digest of its manifest; else the one for this machine's
        platform), and return the engine's name of it. It is removed by `close`."""

    def run(
        self,
        local: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] = NONE,
        timeout: float = RUN_SECONDS,
        keep: bool = False,
    ) -> Ran:
        """Run a command in a new container, in place of the image's entrypoint and command; the container is removed.

        keep: also make an image of what the command left, for the next command. Raises WorldError (timeout) at the
        time-out, WorldError (container-failed) where the program cannot be started: it is not in the image, it cannot
        be executed, or no container can be made.
        """

    def start(self, local: str, *, ports: Sequence[int] = (), env: Mapping[str, str] = NONE) -> Container:
        """Start a container with the image's own entrypoint and command, and make its `ports` reachable from here."""

    def addresses(self, container: Container, port: int) -> tuple[tuple[str, int], ...]:
        """Where a port can be reached from here, the likeliest first (published on loopback, the container's own)."""

    def state(self, container: Container) -> State:
        """Whether it still runs."""

    def logs(self, container: Container) -> bytes:
        """What it has written so far, standard output and standard error together, the last MiB of it."""

    def stop(self, container: Container) -> None:
        """Stop it, gently first; its logs can still be read."""

    def remove(self, container: Container) -> None:
        """Remove it, running or not; no error where it is gone already."""

    def close(self) -> None:
        """End what runs, remove what was made."""

    def __enter__(self) -> Engine: ...

    def __exit__(self, *_: object) -> None: ...
