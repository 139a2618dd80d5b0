"""Measure the GitHub Action of this repository, its cache warm, beside a step of clone, sed, commit and push.

    python -m bench.action --runs 5

Each is a job that act runs on this machine, in turn, against git over HTTP on loopback; the branch is put back after
each. What act itself takes is measured by two jobs more: one that only checks out, and one with an action of the same
form whose steps do nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.report import machine
from tests.support.forges.service import CANARIES
from tests.support.runner import ACTIONS, Ran, Runner
from tests.support.world import World, world

ROOT = Path(__file__).parent.parent
SHIPPED = ("action.yml", "requirements.lock", ".github/action", "pipelinegen", "templates")
IMAGE, PLACE = "ghcr.io/acme/api", "apps/api/base/deployment.yaml"
# How this machine reaches the package index, for the first run.
_INDEX = ("PIP_CERT", "PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY")
_JOB = """\
on: push
permissions: {{}}
jobs:
  deliver:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1  # v7.0.1
        with: {{persist-credentials: false}}
{steps}"""
_SED = """\
      - shell: bash
        env:
          URL: ${{ vars.URL_WITH_TOKEN }}
        run: |
          work=$(mktemp -d) && git clone --quiet --depth 1 "$URL" "$work" && cd "$work"
          files=$(git grep -lF -e ghcr.io/acme/api:)
          sed -i 's#ghcr.io/acme/api:[A-Za-z0-9._-]*#ghcr.io/acme/api:1.1.0#' $files
          git -c user.name=b -c user.email=b@example.com commit --quiet --all --message bump
          git push --quiet origin HEAD:main && rm -rf "$work"
"""
_ACTION = """\
      - uses: ./
        with:
          references: ghcr.io/acme/api:1.1.0
          repo: ${{ vars.REPO }}
          token: ${{ secrets.MANIFESTS_TOKEN }}
          path: apps/*/base/
          deliver: push
          forge: none
          verify-image: "false"
"""
# As many steps, and as many programs of node, as the action has.
_EMPTY = """\
name: empty
description: Nothing
runs:
  using: composite
  steps:
    - {shell: bash, run: "true"}
    - uses: actions/cache@COMMIT
    - {shell: bash, run: "true"}
"""
_EMPTY_NODE = """\
name: empty
description: Nothing
runs: {using: node20, main: nothing.js}
"""
CHECKOUT, SED, EMPTY, OURS = "the checkout alone", "clone, sed, push", "an empty action", "the action"
JOBS = {CHECKOUT: "", SED: _SED, EMPTY: "      - uses: ./\n", OURS: _ACTION}


class Sample(NamedTuple):
    wall: float
    cpu: float


def measure(run: Callable[[], Ran]) -> Sample:
    """One job, with all its processes. Ends the program where the job fails."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = run()
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.code:
        sys.exit(ran.log)
    return Sample(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[World, dict[str, Runner]]]:
    """The manifest repository, and for each job a checkout whose workflow has it."""
    with world("github", folder / "world") as scene:
        yield scene, {name: _runner(folder / name.replace(" ", "-"), scene, name) for name in JOBS}


def _runner(folder: Path, scene: World, job: str) -> Runner:
    made = Runner(folder)
    for name in SHIPPED:
        place = made.repository / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place)
    pinned = re.findall(r"uses: (actions/[\w-]+)\S*@([0-9a-f]{40})", (ROOT / "action.yml").read_text(encoding="utf-8"))
    commits = dict(pinned)
    empty = {"action.yml": _EMPTY.replace("COMMIT", commits["actions/cache"])} if job == EMPTY else {}
    made.commit({".github/workflows/deliver.yml": _JOB.format(steps=JOBS[job]), **empty})
    token = CANARIES["github"]
    made.secrets["MANIFESTS_TOKEN"] = token
    made.variables |= {"REPO": scene.url, "URL_WITH_TOKEN": _with_token(scene.url, token)}
    made.environment["CACHE_OF_TEST"] = str(folder.parent / "cache")
    made.environment |= {name: os.environ[name] for name in _INDEX if name in os.environ}
    (folder.parent / "cache").mkdir(exist_ok=True)
    for action, commit in pinned:
        made.actions[f"{action}@{commit}"] = ACTIONS / ("cache" if action == "actions/cache" else "setup")
    if job == EMPTY:
        made.actions[f"actions/cache@{commits['actions/cache']}"] = _nothing(folder / "nothing")
    return made


def _nothing(folder: Path) -> Path:
    folder.mkdir()
    (folder / "action.yml").write_text(_EMPTY_NODE, encoding="utf-8")
    (folder / "nothing.js").touch()
    return folder


def _with_token(url: str, token: str) -> str:
    from urllib.parse import quote

    return url.replace("://", f"://x-access-token:{quote(token, safe='')}@", 1)


def samples(scene: World, runners: dict[str, Runner], runs: int) -> dict[str, list[Sample]]:
    """The jobs in turn, after a round that fills the cache; what each did is judged, then put back."""
    tip = scene.repository.tip("main")
    if tip is None:
        sys.exit("the repository has no branch main")
    found: dict[str, list[Sample]] = {name: [] for name in runners}
    for turn in range(runs + 1):
        for name, runner in runners.items():
            sample = measure(lambda runner=runner: runner.run("push"))  # type: ignore[misc]  # mypy cannot infer a default
            changed = f"{IMAGE}:1.1.0" in scene.repository.read("main", PLACE)
            if changed != (name in (SED, OURS)):
                sys.exit(f"{name}: {PLACE} is {'changed' if changed else 'as before'}")
            scene.repository.git("update-ref", "refs/heads/main", tip)
            found[name] += [sample] if turn else []
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder)) as (scene, runners):
        found = samples(scene, runners, runs)
        facts = machine(Path(folder), sys.executable)
    print(f"{facts.system}, {facts.cores} cores with a load of {facts.load[0]}, {facts.python}, {facts.git}")
    for name, each in found.items():
        wall, cpu = median(one.wall for one in each), median(one.cpu for one in each)
        least = min(one.wall for one in each)
        print(f"{name:18} {wall:6.2f} s wall (least {least:.2f}), {cpu:5.2f} s CPU, medians of {runs}")
    for goal, metric in ((3, "wall"), (1, "cpu")):
        took = {name: [float(getattr(one, metric)) for one in each] for name, each in found.items()}
        more = median(ours - sed for ours, sed in zip(took[OURS], took[SED], strict=True))
        acts = median(empty - checkout for empty, checkout in zip(took[EMPTY], took[CHECKOUT], strict=True))
        print(
            f"more than sed       {more:5.2f} s {metric}; goal {goal}: {'met' if more < goal else 'missed'}"
            f" (an empty action over none: {acts:.2f} s)"
        )


if __name__ == "__main__":
    main()
