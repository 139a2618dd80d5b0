"""Say where the time of one dry run goes: what is imported, and what is computed.

    python -m bench.profile --files 10000 --top 30

Read it for the order of things; the profiler makes every call dearer than it is, so ratios come from bench.run.
"""

from __future__ import annotations

import argparse
import io
import pstats
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from bench import programs
from bench.generate import Recipe, generate
from bench.report import table
from bench.run import memory_folder

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")


class Imported(NamedTuple):
    """A module that was imported: microseconds by itself and with what it imported."""

    own: int
    total: int
    depth: int
    name: str


def import_times(argv: tuple[str, ...], folder: Path) -> list[Imported]:
    python, *rest = argv
    ran = _run((python, "-X", "importtime", *rest), folder)
    return [
        Imported(int(found[1]), int(found[2]), len(found[3]) // 2, found[4]) for found in _IMPORT.finditer(ran.stderr)
    ]


def call_profile(argv: tuple[str, ...], folder: Path, top: int) -> str:
    """The functions of a run, by their own time and then by time with what they call."""
    python, *rest = argv
    with tempfile.TemporaryDirectory(prefix="bench-") as out:
        file = Path(out) / "profile"
        _run((python, "-I", "-m", "cProfile", "-o", str(file), *rest[rest.index("-m") :]), folder)
        text = io.StringIO()
        stats = pstats.Stats(str(file), stream=text).strip_dirs()
        stats.sort_stats("tottime").print_stats(top)
        stats.sort_stats("cumulative").print_stats(top)
    return re.sub(r"(?m)^\s*(Random listing order was used|.* /\S+)\n", "", text.getvalue())


def _run(argv: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = programs.measured_environment()
    ran = subprocess.run(argv, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    if ran.returncode:
        said = "\n".join(line for line in ran.stderr.splitlines() if not line.startswith("import time:"))
        raise SystemExit(f"the run that was to be profiled ended with {ran.returncode}:\n{said}")
    return ran


def imports_report(modules: list[Imported], top: int) -> str:
    slowest = sorted(modules, key=lambda module: -module.own)[:top]
    widest = sorted((one for one in modules if one.depth <= 1), key=lambda module: -module.total)[:top]
    rows = [
        (left.name, f"{left.own / 1000:.1f}", right.name, f"{right.total / 1000:.1f}")
        for left, right in zip(slowest, widest, strict=False)
    ]
    total = sum(module.own for module in modules)
    head = ("module by itself", "ms", "with what it imports", "ms")
    return (
        f"{len(modules)} modules, {total / 1000:.1f} ms under -X importtime\n\n{table([head, *rows], markdown=False)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--files", type=int, default=10_000, help="size of the manifest repository (default: %(default)s)")
    add("--images", type=int, default=0, help="bump so many images, three environments each, instead of one")
    add("--top", type=int, default=25, help="how many lines (default: %(default)s)")
    add("--python", default=sys.executable, help="the Python that has pipelinegen installed (default: this one)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=memory_folder()) as name:
        made = generate(Recipe(given.files, given.images), Path(name) / "made")
        images = made.images[1:] if given.images else made.images
        bump = ("bump", *made.references(images), "--repo", str(made.folder), "--dry-run")
        argv = programs.subject(given.python, *bump)
        print(imports_report(import_times(argv, made.folder), given.top))
        print(call_profile(argv, made.folder, given.top))


if __name__ == "__main__":
    main()
