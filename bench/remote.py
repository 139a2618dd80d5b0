"""Measure a whole bump from nothing, over HTTP on loopback, beside the bare git commands that do the same.

    python -m bench.remote --files 1000 --files 10000

The server is git's own http-backend, with the repository packed as a forge has it. Each run starts with an empty
folder and ends when the server's branch has moved; then the branch is judged line by line and put back.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import programs
from bench.check import Verdict, after_bump, check_commit
from bench.generate import IMAGE, TAG, Recipe, Repository, generate
from bench.marks import ChangedLine
from bench.measure import Contender, Series, end_on_signals, interleave, launcher
from bench.programs import Argv
from bench.remote_report import BARE, BUMP, BUMP_PATH, CLONE, TREELESS, Measured, as_json, as_text
from bench.report import machine
from bench.repository import blobs, git
from bench.run import memory_folder
from tests.support.githttp import GitServer

KNOWN_PATH = "apps/acme/api-0/deployment.yaml"

_CLONE = """
git clone --quiet --depth 1 "$url" "$work/tree" && cd "$work/tree"
git grep -lzF -e "$image" | xargs -0 sed -i "s#$image:[A-Za-z0-9._-]*#$image:$tag#g"
git -c user.name=bench -c user.email=bench@example.com commit --quiet --all --message bump
git push --quiet origin HEAD:main
"""
_BARE = """
git init --quiet --bare "$work/bare" && cd "$work/bare"
git fetch --quiet --depth 1 --no-tags "$url" main
git grep --threads=1 -lzF -e "$image" FETCH_HEAD | tr '\\0' '\\n' | git cat-file --batch > /dev/null
git fast-import --quiet < "$stream"
git push --quiet "$url" bump:main
"""
# The server is asked for one tree after the other: git's own fetch on demand would pull every tree under the first.
_TREELESS = """
git init --quiet --bare "$work/bare" && cd "$work/bare"
git config core.repositoryFormatVersion 1 && git config extensions.partialClone origin
git config remote.origin.url "$url" && git config remote.origin.promisor true
get() { git -c fetch.negotiationAlgorithm=noop fetch --quiet --no-tags --filter=tree:0 "$@"; }
get --depth 1 origin main
id=$(git cat-file commit FETCH_HEAD | sed -n 's/^tree //p')
rest=$path
while get --no-write-fetch-head origin "$id" && [ -n "$rest" ]; do
  id=$(git ls-tree "$id" "${rest%%/*}" | cut -c 13- | cut -f 1)
  case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
done
git fast-import --quiet < "$stream"
git push --quiet origin bump:main
"""


def script(body: str, **words: str) -> Argv:
    """A shell script in a folder of its own, which is removed at the end, as a job in a pipeline would."""
    head = "".join(f"{name}=${number}; " for number, name in enumerate(words, start=1))
    text = f"set -e; {head}work=$(mktemp -d); trap 'rm -rf \"$work\"' EXIT\n{body}"
    return ("sh", "-c", text, "sh", *words.values())


@dataclass(slots=True)
class Served:
    """A repository behind the server, and what each contender's runs asked of it."""

    made: Repository
    bare: Path
    server: GitServer
    traffic: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.url(self.bare.name)

    def after(self, name: str, lines: Sequence[ChangedLine]) -> Callable[[], Verdict]:
        """Count the traffic of a run, judge the branch it left, put the branch back."""

        def judge_and_restore() -> Verdict:
            asked = [request for request in self.server.requests if request.path.startswith(f"/{self.bare.name}")]
            self.traffic.setdefault(name, []).append((len(asked), sum(request.sent for request in asked)))
            self.server.requests.clear()
            verdict = check_commit(self.bare, self.made.commit, "refs/heads/main", lines)
            git(self.bare, "update-ref", "refs/heads/main", self.made.commit)
            return verdict

        return judge_and_restore


def serve(made: Repository, root: Path, server: GitServer) -> Served:
    bare = root / f"{made.folder.parent.name}.git"
    git(root, "clone", "--quiet", "--bare", "--no-hardlinks", str(made.folder), str(bare))
    git(bare, "repack", "-a", "-d", "-q", "--write-bitmap-index")
    git(bare, "config", "uploadpack.allowFilter", "true")
    git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    shutil.rmtree(made.folder)
    return Served(made, bare, server)


def contenders(served: Served, python: str, folder: Path, size: str) -> list[Contender]:
    lines = [line for line in served.made.lines if line.image == IMAGE]
    known = [line for line in lines if line.file == KNOWN_PATH]
    url = served.url
    words = {"url": url, "image": IMAGE, "tag": TAG}
    every, one = _stream(served, lines, folder / f"{size}-every"), _stream(served, known, folder / f"{size}-one")
    bump = ("bump", f"{IMAGE}:{TAG}", "--repo", url, "--deliver", "push", "--forge", "none", "--no-verify-image")
    wanted: list[tuple[str, Argv, list[ChangedLine]]] = [
        (CLONE, script(_CLONE, **words), lines),
        (BARE, script(_BARE, **words, stream=every), lines),
        (BUMP, programs.subject(python, *bump), lines),
        (TREELESS, script(_TREELESS, url=url, path=KNOWN_PATH, stream=one), known),
        (BUMP_PATH, programs.subject(python, *bump, "--path", KNOWN_PATH), known),
    ]
    return [Contender(f"{size} {name}", argv, folder, served.after(name, expected)) for name, argv, expected in wanted]


def _stream(served: Served, lines: Sequence[ChangedLine], path: Path) -> str:
    """What fast-import is fed: the right commit, so that the bare commands are measured without any thinking."""
    files = sorted({line.file for line in lines})
    before = blobs(served.bare, served.made.commit, files)
    with path.open("wb") as out:
        out.write(b"commit refs/heads/bump\ncommitter Bench <bench@example.com> 1700000001 +0000\ndata 4\nbump\n")
        out.write(f"from {served.made.commit}\n".encode())
        for file in files:
            content = after_bump(before[file], sorted(line for line in lines if line.file == file))
            out.write(f"M 100644 inline {file}\ndata {len(content)}\n".encode() + content + b"\n")
    return str(path)


def measure(sizes: Sequence[int], runs: int, seed: int, python: str, folder: Path) -> list[Measured]:
    """Every contender at every size, in turn, in one run."""
    root, work = folder / "server", folder / "work"
    root.mkdir()
    work.mkdir()
    with GitServer(root) as server, launcher(programs.measured_environment() | {"TMPDIR": str(work)}) as runner:
        trees = {size: serve(generate(Recipe(size, seed=seed), folder / str(size)), root, server) for size in sizes}
        running = [one for size, served in trees.items() for one in contenders(served, python, work, f"{size}")]
        series = interleave(runner, running, runs)
    return [_measured(one, trees) for one in series]


def _measured(series: Series, trees: dict[int, Served]) -> Measured:
    size, _, name = series.name.partition(" ")
    # The first round warms the caches and is not measured.
    traffic = trees[int(size)].traffic.get(name, [])[1:] or [(0, 0)]
    series.name = name
    requests, received = (median(column) for column in zip(*traffic, strict=True))
    return Measured(int(size), series, int(requests), int(received))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.remote", description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--files", type=int, action="append", help="size of the repository (repeatable; default: 1000 and 10000)")
    add("--runs", type=int, default=5, help="measured rounds (default: %(default)s)")
    add("--seed", type=int, default=1)
    add("--python", default=sys.executable, help="the Python that has pipelinegen installed (default: this one)")
    add("--directory", type=Path, help="where everything is made (default: memory, else the temporary folder)")
    add("--json", action="store_true")
    add("--markdown", action="store_true")
    end_on_signals()
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.directory or memory_folder()) as name:
        folder = Path(os.path.realpath(name))
        facts = machine(folder, given.python)
        found = measure(given.files or [1_000, 10_000], given.runs, given.seed, given.python, folder)
    if given.json:
        print(json.dumps(as_json(found, facts), indent=2, ensure_ascii=False))
    else:
        print(as_text(found, facts, markdown=given.markdown))


if __name__ == "__main__":
    main()
