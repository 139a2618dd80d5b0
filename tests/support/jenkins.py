"""The judge and the executor of Jenkinsfiles: real Groovy of Jenkins' version, in one Java for all tests of a process.

problems = judge().check(text)
run = judge().run(text, world)
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "tests" / "jenkins"
CACHE = ROOT / ".cache" / "jenkins"
_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss4m", "-Dfile.encoding=UTF-8")
# Groovy 2.4 looks into Java's own classes by reflection.
_OPEN = tuple(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.lang", "java.util", "java.io"))


@dataclass
class Run:
    """What became of a run of a Jenkinsfile. stages: name → done, failed, skipped..."""

    result: str
    log: list[str]
    stages: dict[str, str]
    shells: list[dict[str, Any]]
    properties: dict[str, Any]
    reports: list[dict[str, Any]]
    archived: list[str]
    stashes: dict[str, list[str]]
    slept: list[float]

    @property
    def text(self) -> str:
        return "\n".join(self.log)

    def done(self) -> list[str]:
        return [name for name, state in self.stages.items() if state == "done"]


@dataclass
class World:
    """What a run meets: the repository, Jenkins' variables, who started it with which answers, what the store holds."""

    folder: Path
    url: str = ""
    ref: str = "refs/heads/main"
    env: Mapping[str, str] = field(default_factory=lambda: {"BRANCH_NAME": "main"})
    cause: str = "jenkins.branch.BranchEventCause"
    params: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        jenkins = {"JENKINS_URL": "http://127.0.0.1/", "BUILD_URL": "http://127.0.0.1/job/shop/1/", "CI": "true"}
        return {
            "folder": str(self.folder),
            "scm": {"url": self.url, "ref": self.ref},
            "env": {**jenkins, **self.env},
            "cause": self.cause,
            "params": dict(self.params),
            "credentials": dict(self.credentials),
            "answers": dict(self.answers),
        }


BY_HAND = "hudson.model.Cause$UserIdCause"
BY_TIMER = "hudson.triggers.TimerTrigger$TimerTriggerCause"


class Judge:
    """A Java that answers, one document a line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()

    def check(self, *texts: str) -> list[list[str]]:
        """For each Jenkinsfile, what is wrong with it."""
        return cast("list[list[str]]", self._ask({"ask": "check", "texts": texts}))

    def read(self, literals: Iterable[str]) -> list[str | None]:
        """The text that each expression of Groovy is; None where it is no text."""
        answers = cast("list[list[int] | None]", self._ask({"ask": "read", "literals": list(literals)}))
        return [None if units is None else _text(units) for units in answers]

    def run(self, text: str, world: World) -> Run:
        world.folder.mkdir(parents=True, exist_ok=True)
        return Run(**cast("dict[str, Any]", self._ask({"ask": "run", "text": text, "world": world.document()})))

    def _ask(self, question: Mapping[str, object]) -> object:
        # A run that never ends ends the test, not the tests.
        watch = threading.Timer(300, self._process.kill)
        watch.start()
        with self._lock:
            stdin, stdout = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
            stdin.write(json.dumps(question).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
        watch.cancel()
        answer = json.loads(line or b'{"broken": "the judge has ended"}')
        if isinstance(answer, dict) and "broken" in answer:
            raise AssertionError(answer["broken"])
        return answer

    def close(self) -> None:
        cast("IO[bytes]", self._process.stdin).close()
        self._process.wait(timeout=20)
        cast("IO[bytes]", self._process.stdout).close()


@cache
def judge() -> Judge:
    """The judge of this process. Skips the test where Java or the jars are absent."""
    jars = [CACHE / "jars" / line.split()[1] for line in (SOURCES / "jars.sha256").read_text().splitlines()]
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    if not all(jar.is_file() for jar in jars):
        pytest.skip("the jars are not there; .ci/groovy brings them")
    classpath = os.pathsep.join(map(str, [_compiled(jars), *jars]))
    process = subprocess.Popen(
        ["java", *_FLAGS, *_OPEN, "-cp", classpath, "Judge"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**_plain_environment(), "LC_ALL": "C.UTF-8"},
    )
    found = Judge(process)
    atexit.register(found.close)
    return found


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "JAVA_HOME")}


def _compiled(jars: Sequence[Path]) -> Path:
    """The classes, made once for the same sources; a process that makes them at the same time does no harm."""
    sources = sorted(SOURCES.glob("*.groovy"))
    key = hashlib.sha256(b"".join(path.read_bytes() for path in [*sources, SOURCES / "jars.sha256"])).hexdigest()
    folder = CACHE / f"classes-{key[:16]}"
    if folder.is_dir():
        return folder
    with tempfile.TemporaryDirectory(dir=CACHE) as made:
        command = ["java", *_FLAGS, *_OPEN, "-cp", os.pathsep.join(map(str, jars))]
        command += ["org.codehaus.groovy.tools.FileSystemCompiler", "--encoding", "UTF-8", "-d", f"{made}/classes"]
        Path(made, "classes").mkdir()
        subprocess.run([*command, *map(str, sources)], check=True, env=_plain_environment())
        try:
            os.rename(f"{made}/classes", folder)
        except OSError:
            if not folder.is_dir():
                raise
    return folder


def _text(units: Sequence[int]) -> str:
    return b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be", "surrogatepass")
