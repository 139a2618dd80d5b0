"""What engines that are programs share: detection, one environment, builds, and the removal of what was made."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TypeVar

from pipelinegen.edge.engines.arguments import BuildSecret, hidden, read_secrets
from pipelinegen.edge.engines.failures import build_failure, engine_failure
from pipelinegen.edge.engines.port import BuildRequest, Container, Detected, Setup, State, Tell
from pipelinegen.edge.engines.programs import Follower, Programs
from pipelinegen.edge.layout import Layout
from pipelinegen.edge.process import Completed, capture
from pipelinegen.errors import InputError, WorldError

DETECT_SECONDS = 20.0
STEP_SECONDS = 60.0
LOAD_SECONDS = 900.0
STOP_SECONDS = 5
CLEANING_SECONDS = 30.0
CLEANING_TRIES = 5
CLEANING_PAUSE = 0.2
KEPT_LINES = 200
_GONE = re.compile(rb"no such container|container not known|not known", re.IGNORECASE)

P = TypeVar("P", bound="Program")


class Program(ABC):
    """An engine that is a program on this machine."""

    name: str
    program: str

    def __init__(self, setup: Setup, allowed: Sequence[str]) -> None:
        self.setup = setup
        self.run_id = secrets.token_hex(6)
        self.programs = Programs(setup.environ, allowed)
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._detected: Detected | None = None
        self._prepared: dict[str, str] | None = None
        self._containers: set[str] = set()
        self._images: set[str] = set()
        self._followers: dict[str, Follower] = {}
        self.has_built = False

    def __enter__(self: P) -> P:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def detect(self) -> Detected:
        if self._detected is None:
            try:
                self._detected = self._look()
            except (WorldError, InputError) as error:
                reason = "not installed" if error.id == "program-missing" else error.what
                self._detected = Detected(self.name, None, False, reason)
        return self._detected

    @abstractmethod
    def _look(self) -> Detected:
        """What the engine says of itself."""

    @abstractmethod
    def _prepare(self) -> dict[str, str]:
        """The variables of the engine's own, made once; what they name lies in the private folder."""

    @abstractmethod
    def _sweep(self, containers: Sequence[str], images: Sequence[str]) -> None:
        """Remove what is left at the end, by `clean`."""

    def environment(self, *names: str, **values: str) -> dict[str, str]:
        """The whole environment of the engine's programs."""
        with self._lock:
            if self._prepared is None:
                self._prepared = self._prepare()
        return self.programs.environment(*names, **{**self._prepared, **values})

    def call(self, *words: str, timeout: float = STEP_SECONDS) -> Completed:
        """One short command of the engine."""
        return self.programs.capture([self.program, *words], env=self.environment(), timeout=timeout)

    def check(self, done: Completed, doing: str) -> Completed:
        """Raise where a command of the engine has failed."""
        if done.returncode != 0:
            raise engine_failure(self.name, doing, done.stderr or done.stdout, done.returncode)
        return done

    def new_image(self) -> str:
        """A name for an image of this run, removed by `close`; the tag is never pushed."""
        name = f"localhost/pipelinegen/{self.run_id}:{next(self._numbers)}"
        self._images.add(name)
        return name

    def new_container(self) -> str:
        name = f"pipelinegen-{self.run_id}-{next(self._numbers)}"
        self._containers.add(name)
        return name

    # Builds.

    def begin_build(self, request: BuildRequest, folder: Path) -> list[BuildSecret]:
        """What every build begins with: secrets that must be there, the place of the result."""
        found = read_secrets(request, self.programs.environ)
        folder.parent.mkdir(parents=True, exist_ok=True)
        return found

    def run_build(
        self, words: Sequence[str], request: BuildRequest, secrets: Sequence[BuildSecret], tell: Tell
    ) -> tuple[int, list[str]]:
        """Run a build in the request's root; its exit code and its last lines."""
        last: deque[str] = deque(maxlen=KEPT_LINES)

        def each(line: str) -> None:
            last.append(line)
            tell(line)

        # Secrets that come from variables are read by the engine itself, and stand in no command line.
        variables = [secret.variable for secret in secrets if secret.variable is not None]
        env = self.environment(*variables, *self.build_variables(request), **hidden(request.build_args))
        self.has_built = True
        code = self.programs.stream([self.program, *words], each, env=env, cwd=request.root, timeout=request.timeout)
        return code, list(last)

    def build_variables(self, request: BuildRequest) -> Sequence[str]:  # noqa: ARG002 - for those that have some
        """The names of further variables of the caller's that a build needs."""
        return ()

    def built_id(self, file: Path, code: int, lines: Sequence[str]) -> str:
        """What --iidfile says of a build that has ended."""
        text = file.read_text(encoding="ascii").strip() if file.exists() else ""
        if code != 0 or not text:
            raise build_failure(self.name, code, lines)
        return text if text.startswith("sha256:") else f"sha256:{text}"

    # Followed containers.

    def state(self, container: Container) -> State:
        follower = self._followers.get(container.name)
        code = follower.exit_code() if follower is not None else -1
        return State(code is None, code)

    def logs(self, container: Container) -> bytes:
        follower = self._followers.get(container.name)
        return follower.output() if follower is not None else b""

    # The end.

    def close(self) -> None:
        self.programs.end()
        try:
            containers, self._containers = sorted(self._containers), set()
            images, self._images = sorted(self._images), set()
            if self._prepared is not None:
                self._sweep(containers, images)
        finally:
            self.programs.remove_folders()

    def forget(self, name: str, removal: Completed) -> None:
        """Note that a container is gone; one that could not be removed yet is removed at the end."""
        if removal.returncode == 0 or _GONE.search(removal.stderr):
            self._containers.discard(name)

    def clean_away(self, *words: str) -> None:
        """A removal after the end; what was killed a moment ago may hold on for another."""
        for _ in range(CLEANING_TRIES):
            done = self.clean(*words)
            if done is None or done.returncode == 0 or _GONE.search(done.stderr):
                return
            time.sleep(CLEANING_PAUSE)

    def clean(self, *words: str) -> Completed | None:
        """A command after the end, when nothing of ours runs; it may fail, for what it removes may be gone."""
        env = self.programs.environment(**(self._prepared or {}))
        with contextlib.suppress(WorldError):
            return capture([self.program, *words], env=env, timeout=CLEANING_SECONDS)
        return None


def check_same(engine: str, layout: Layout, image: str) -> None:
    """What is in the layout is what the engine built: its id is the digest of the configuration, or of the manifest."""
    root = layout.root().digest
    known = {root, *(each.digest for each in layout.images())}
    known |= {str(layout.manifest(each.digest)["config"]["digest"]) for each in layout.images()}
    if image not in known:
        raise WorldError(
            f"{engine} built {image} and gave out another image, {root}", id="image-differs", next="build again"
        )


def refuse_lacking(lacking: str | None, engine: str) -> None:
    """Stop before anything is built where the engine cannot do what is asked."""
    if lacking is not None:
        raise InputError(
            f"the engine {engine} cannot do {lacking}",
            id="engine-lacks",
            next="use buildx with a builder of its own: docker buildx create --use, then --engine buildx",
        )
