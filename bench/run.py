"""Measure `pipelinegen bump` beside its floors and peers, in one run, in turn, and say the ratios.

    python -m bench.run --files 10000
    python -m bench.run --files 1000 --runs 5 --only tree --json

Every run that writes is judged line by line and put back before the next one, outside the measured time. Figures of
one run may be compared with each other, and with nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from bench.cases import CASES, Setting, Trees
from bench.measure import end_on_signals, launcher
from bench.programs import measured_environment
from bench.report import as_json, as_table, machine
from bench.targets import outcomes

MEMORY = Path("/dev/shm")


def main() -> None:
    end_on_signals()
    given = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.directory or memory_folder()) as folder:
        setting = Setting(
            files=given.files,
            images=_images(given.files) if given.images is None else given.images,
            places=given.places,
            seed=given.seed,
            runs=given.runs,
            python=given.python,
            directory=Path(folder),
            options=tuple(given.option),
        )
        facts = machine(setting.directory, setting.python)
        trees = Trees(setting)
        with launcher(measured_environment()) as runner:
            cases = [CASES[name](setting, runner, trees) for name in given.only or CASES]
    judged = outcomes(cases, setting.files)
    if given.json:
        asked = {slot: getattr(setting, slot) for slot in ("files", "images", "places", "seed", "runs", "options")}
        print(json.dumps(as_json(cases, judged, facts, asked), indent=2, ensure_ascii=False))
    else:
        print(as_table(cases, judged, facts, markdown=given.markdown))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--files", type=int, default=10_000, help="size of the manifest repository (default: %(default)s)")
    add("--images", type=int, help="images of the case of many images (default: 200, fewer where the tree is small)")
    add("--places", type=int, help="files that name the one image (default: one in 500, each place at least once)")
    add("--seed", type=int, default=1)
    add("--runs", type=int, default=9, help="measured rounds (default: %(default)s)")
    add("--only", action="append", choices=tuple(CASES), help="only this case (repeatable)")
    add("--python", default=sys.executable, help="the Python that has pipelinegen installed (default: this one)")
    add("--option", action="append", default=[], help="a further option for every `pipelinegen bump` (repeatable)")
    add("--directory", type=Path, help="where the trees are made (default: memory, else the temporary folder)")
    add("--json", action="store_true", help="all samples, as one JSON document")
    add("--markdown", action="store_true", help="tables in Markdown")
    return parser


def memory_folder() -> Path | None:
    """A file system in memory, where there is one: a disk makes wall times differ by 2 to 7 times between runs."""
    return MEMORY if os.access(MEMORY, os.W_OK) else None


def _images(files: int) -> int:
    """200 images take about 650 files."""
    return 200 if files >= 2_000 else files // 20


if __name__ == "__main__":
    main()
