"""An independent witness: where zizmor sees a secret outside of an environment, or all of them handed on, so do we."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.labelled import Case, cases

ZIZMOR = shutil.which("zizmor", path=str(Path(sys.executable).parent)) or shutil.which("zizmor")
CASES = [case for case in cases() if case.name.startswith("github/")]
SEEN = {"secrets-outside-env", "overprovisioned-secrets", "secrets-inherit"}


def witnessed(case: Case) -> list[set[int]]:
    """For each secret that zizmor tells of, the lines that it names."""
    command = [str(ZIZMOR), "--offline", "--no-config", "--persona", "auditor", "--format", "json"]
    done = subprocess.run(
        [*command, str(case.folder / case.labels["file"])], capture_output=True, text=True, timeout=60, check=False
    )
    found = [each for each in json.loads(done.stdout) if each["ident"] in SEEN]
    return [{place["concrete"]["location"]["start_point"]["row"] + 1 for place in each["locations"]} for each in found]


@pytest.mark.skipif(ZIZMOR is None, reason="zizmor is not installed")
def test_what_zizmor_sees_is_seen_here() -> None:
    several = 0
    for case in CASES:
        facts = case.facts()
        ours = {
            place.line for each in facts.credentials for place in each.evidence if place.file == case.labels["file"]
        }
        ours |= {each.place.line for each in facts.unknown}
        findings = witnessed(case)
        several += len(findings)
        assert all(lines & ours for lines in findings), case.name
    assert several >= 8
