"""Commands on this machine that look at the image: scanners, linters, a test of the user's own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from pipelinegen.config.images import HostCommand
from pipelinegen.edge.image_tests.spec import Case, Found, judge, last
from pipelinegen.edge.image_tests.subject import Subject
from pipelinegen.edge.process import NETWORK_VARIABLES, capture, environment

# How a command reaches the engine that has the image; nothing of the forge's or of ours.
_ENGINE_VARIABLES = (
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
    *("CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "BUILDAH_ISOLATION"),
)
OUTPUT_LIMIT = 16 * 1024 * 1024


def host_cases(
    tests: Sequence[HostCommand], subject: Subject, reference: str | None, cwd: str | None
) -> Iterator[Case]:
    image = subject.variables(reference) if tests else {}
    for test in tests:
        yield judge(test.name, "host", partial(_run, test, image, cwd))


def _run(test: HostCommand, image: Mapping[str, str], cwd: str | None) -> Found:
    variables = environment(*NETWORK_VARIABLES, *_ENGINE_VARIABLES, **image)
    command = [test.command, *test.args]
    if cwd is not None and "/" in test.command and not os.path.isabs(test.command):
        command[0] = os.path.join(cwd, test.command)
    done = capture(command, cwd=cwd, env=variables, timeout=test.timeout.total_seconds(), limit=OUTPUT_LIMIT)
    problems = [] if done.returncode == 0 else [f"it exited with {done.returncode}"]
    return Found(problems, last(done.stdout + done.stderr))
