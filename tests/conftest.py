"""How every run of the tests goes: by chance on a developer's machine, the same every time in CI."""

from __future__ import annotations

import os

from hypothesis import settings

# A shared machine may be slow, and a test that is slow is not wrong. What chance finds on a developer's machine becomes
# an @example; a submission must not fail for something that it did not touch.
settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")
