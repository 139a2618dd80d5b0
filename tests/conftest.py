"""How every run of the tests goes: by chance on a developer's machine, the same every time in CI."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A shared machine may be slow, and a test that is slow is not wrong. What chance finds on a developer's machine becomes
# an @example; a submission must not fail for something that it did not touch.
SLOW = [HealthCheck.too_slow]
# Every run has a few of the examples; `pytest --hypothesis-profile nightly` has the many.
FEW, MANY = 40, 1000
settings.register_profile("developer", deadline=None, suppress_health_check=SLOW, max_examples=FEW)
settings.register_profile("ci", deadline=None, suppress_health_check=SLOW, max_examples=FEW, derandomize=True)
settings.register_profile("nightly", deadline=None, suppress_health_check=SLOW, max_examples=MANY)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def pytest_xdist_auto_num_workers() -> int | None:
    """`-n auto`: half as many more as there are processors; of the time of a test, a third is waiting for others."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + max(1, cores // 2)
