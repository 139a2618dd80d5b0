"""How every run of the tests goes: by chance on a developer's machine, the same every time in CI."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A shared machine may be slow, and a test that is slow is not wrong. What chance finds on a developer's machine becomes
# an @example; a submission must not fail for something that it did not touch.
SLOW = [HealthCheck.too_slow]
settings.register_profile("developer", deadline=None, suppress_health_check=SLOW)
settings.register_profile("ci", deadline=None, suppress_health_check=SLOW, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")
