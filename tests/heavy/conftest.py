"""A real Kubernetes API server for the tests of this folder, started once, with a service account for each test."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.heavy.cluster import Cluster

# `make heavy` builds it, and says where it is.
PROGRAM = "PIPELINEGEN_HEAVY_KUBE"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    program = os.environ.get(PROGRAM)
    if not program:
        pytest.fail(f'{PROGRAM} names no program: run "make heavy"')
    folder = tmp_path_factory.mktemp("kube")
    with open(folder / "log", "wb") as log, subprocess.Popen([program, folder], stdout=log, stderr=log) as running:
        try:
            yield _ready(folder, running)
        finally:
            running.kill()  # it would first wait a minute for its clients, and nothing of it is kept


def _ready(folder: Path, running: subprocess.Popen[bytes]) -> Cluster:
    end = time.monotonic() + 120
    while time.monotonic() < end and running.poll() is None:
        if (folder / "kubeconfig").exists():
            return Cluster(folder / "kubeconfig")
        time.sleep(0.1)
    pytest.fail(f"the API server does not start:\n{(folder / 'log').read_text(errors='replace')[-3000:]}")
