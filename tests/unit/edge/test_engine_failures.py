"""What engines say when they fail. The lines are those that Docker 20.10 and 28, BuildKit, podman and buildah wrote."""

from __future__ import annotations

import pytest

from pipelinegen.edge.engines.failures import build_failure, engine_failure
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, Refused, WorldError

BUILDS = [
    (
        'ERROR: failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1',
        Refused,
        "build-failed",
    ),
    ("The command '/bin/sh -c exit 3' returned a non-zero code: 3", Refused, "build-failed"),
    ("executor failed running [/bin/sh -c false]: exit code: 1", Refused, "build-failed"),
    ('Error: building at STEP "RUN false": while running runtime: exit status 1', Refused, "build-failed"),
    # The output of a step, on the line that tells of it: no matter of the engine's.
    ("The command '/bin/sh -c curl x || echo connection refused' returned a non-zero code: 7", Refused, "build-failed"),
    ('ERROR: failed to solve: failed to compute cache key: "/x": not found', Refused, "build-failed"),
    ('ERROR: failed to build: failed to solve: target stage "nope" could not be found', InputError, "bad-dockerfile"),
    ("failed to reach build target nope in Dockerfile", InputError, "bad-dockerfile"),
    (
        "ERROR: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
        InputError,
        "bad-dockerfile",
    ),
    (
        "Error response from daemon: dockerfile parse error line 2: unknown instruction: FRO",
        InputError,
        "bad-dockerfile",
    ),
    (
        "unable to evaluate symlinks in Dockerfile path: lstat /x: no such file or directory",
        InputError,
        "bad-dockerfile",
    ),
    (
        (
            "ERROR: failed to solve: docker.io/library/x: failed to resolve source metadata for docker.io/x: "
            "docker.io/x: not found"
        ),
        InputError,
        "bad-image",
    ),
    (
        (
            "Error: creating build container: initializing source docker://ghcr.io/a/b:1: reading manifest 1 in "
            "ghcr.io/a/b: manifest unknown"
        ),
        InputError,
        "bad-image",
    ),
    ("exec /bin/sh: exec format error", InputError, "bad-platform"),
    (
        (
            "pull access denied for acme/x, repository does not exist or may require 'docker login': denied: requested "
            "access to the resource is denied"
        ),
        NotPermitted,
        "scope-missing",
    ),
    (
        (
            "ERROR: failed to solve: x: failed to resolve source metadata for docker.io/library/x:latest: pull access "
            "denied, repository does not exist or may require authorization: server message: insufficient_scope: "
            "authorization failed"
        ),
        NotPermitted,
        "scope-missing",
    ),
    (
        "toomanyrequests: You have reached your pull rate limit.",
        WorldError,
        "rate-limited",
    ),
    (
        (
            "Error response from daemon: Get https://registry-1.docker.io/v2/: dial tcp: lookup registry-1.docker.io: "
            "no such host"
        ),
        WorldError,
        "net",
    ),
    ("ERROR: failed to solve: failed to do request: Head https://x/v2/: EOF", WorldError, "net"),
    ("write /var/lib/docker/tmp/x: no space left on device", WorldError, "disk"),
    (
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        WorldError,
        "engine-missing",
    ),
    (
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        NotPermitted,
        "engine-permission",
    ),
]


@pytest.mark.parametrize(("line", "kind", "id"), BUILDS, ids=[line[:60] for line, _, _ in BUILDS])
def test_the_last_words_of_a_build(line: str, kind: type[PipelinegenError], id: str) -> None:
    error = build_failure("docker", 1, ["#5 0.123 unauthorized: 401, connection refused", "", line])
    assert (type(error), error.id) == (kind, id)
    assert line in error.details
    assert "docker" in error.what


def test_the_verdict_is_found_above_what_follows_it() -> None:
    lines = ["ERROR: failed to solve: failed to do request: dial tcp 1.2.3.4:443: i/o timeout", "View build details: x"]
    assert build_failure("buildx", 1, lines).id == "net"


def test_only_the_end_of_a_long_log_is_shown() -> None:
    error = build_failure("docker", 1, [f"line {number}" for number in range(100)])
    assert error.details == tuple(f"line {number}" for number in range(90, 100))


def test_a_build_that_a_signal_ended_says_so() -> None:
    assert "ended by signal 9" in build_failure("docker", -9, []).what


def test_a_container_that_does_not_start_is_worth_another_try_or_a_right() -> None:
    said = b"docker: Error response from daemon: no such thing.\nSee 'docker run --help'.\n"
    error = engine_failure("docker", "start the container", said, 125)
    assert (type(error), error.id, error.what) == (
        WorldError,
        "container-failed",
        "docker cannot start the container (exit code 125)",
    )
    denied = engine_failure("docker", "load the image", b"permission denied while trying to connect to the daemon", 1)
    assert isinstance(denied, NotPermitted)
