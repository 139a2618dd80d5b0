"""Signals and faults at single system calls, injected by strace: a bump is done whole or not at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import Checkout

TAG = "ghcr.io/acme/api:1.10.0"
FILES = {f"{name}/a.yaml": "image: ghcr.io/acme/api:1.9.3\n" for name in "abcd"}
BEFORE = {path: text.encode() for path, text in FILES.items()}
AFTER = {path: text.replace("1.9.3", "1.10.0").encode() for path, text in FILES.items()}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "m", FILES)


def injected(checkout: Checkout, call: str, effect: str, at: int) -> int:
    """The exit code of a bump that meets a fault or signal at the `at`-th call."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed; it injects the faults")
    trace = f"--trace={call}"
    argv = [strace, "--follow-forks", "--quiet=all", trace, f"--inject={call}:{effect}:when={at}", "--output=/dev/null"]
    done = subprocess.run(
        [*argv, sys.executable, "-m", "pipelinegen", "bump", TAG],
        cwd=checkout.folder,
        env=checkout.environment(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    if b"PTRACE" in done.stderr or b"ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.returncode


@pytest.mark.parametrize(
    ("call", "effect", "at", "code", "after"),
    [
        ("fsync", "signal=SIGTERM", 1, 143, BEFORE),
        ("fsync", "signal=SIGINT", 3, 130, BEFORE),
        ("rename", "signal=SIGTERM", 1, 143, AFTER),
        ("rename", "signal=SIGINT", 4, 130, AFTER),
        ("fsync", "error=EIO", 2, 3, BEFORE),
        ("rename", "error=EROFS", 1, 3, BEFORE),
        ("rename", "error=EIO", 3, 3, BEFORE),
        ("link,linkat", "error=EPERM", 2, 0, AFTER),
        ("fchmod", "error=EPERM", 4, 3, BEFORE),
    ],
)
def test_a_signal_or_fault_leaves_all_files_changed_or_none(
    checkout: Checkout, call: str, effect: str, at: int, code: int, after: dict[str, bytes]
) -> None:
    assert injected(checkout, call, effect, at) == code
    assert checkout.files() == after
    assert checkout.bump(TAG).code == 0
    assert checkout.files() == AFTER


@pytest.mark.parametrize(("call", "at"), [("fsync", 1), ("fsync", 4), ("rename", 1), ("rename", 3)])
def test_the_next_run_finishes_what_a_kill_cut_off(checkout: Checkout, call: str, at: int) -> None:
    injected(checkout, call, "signal=SIGKILL", at)
    assert {checkout.files()[path] for path in FILES} <= {*BEFORE.values(), *AFTER.values()}
    assert checkout.bump(TAG).code == 0
    assert {path: checkout.files()[path] for path in FILES} == AFTER
