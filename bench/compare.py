"""Precision and recall of `compare` on the labelled pipelines, and the time and memory of a thousand workflow files.

python -m bench.compare [--files 1000] [--check]
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.labelled import ANALYSES, cases

SECONDS, MEBIBYTES, LEAST = 10.0, 200.0, 0.95


def scores() -> Iterator[tuple[str, float, float, int]]:
    """For each analysis: precision, recall, and the number of labelled facts."""
    hit: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for case in cases():
        facts = case.facts()
        for analysis in ANALYSES:
            expected, found = case.expected(analysis), case.found(facts, analysis)
            hit[analysis] += len(expected & found)
            extra[analysis] += len(found - expected)
            missed[analysis] += len(expected - found)
    for analysis in ANALYSES:
        said, labelled = hit[analysis] + extra[analysis], hit[analysis] + missed[analysis]
        yield analysis, hit[analysis] / max(said, 1), hit[analysis] / max(labelled, 1), labelled


def write_workflows(folder: Path, count: int) -> int:
    """Workflows of a real size: those of the labelled set in turn, every fourth a generated one. Gives their bytes."""
    labelled = sorted(Path("tests/pipelines-labelled/github").glob("*/.github/workflows/*"))
    long = generated()
    texts = [text for path in labelled for text in (path.read_text(encoding="utf-8"),)]
    texts = [text for number, each in enumerate(texts) for text in ([each, long] if number % 3 == 2 else [each])]
    place = folder / ".github" / "workflows"
    place.mkdir(parents=True)
    size = 0
    for number in range(count):
        text = f"# {number}\n{texts[number % len(texts)]}"
        size += len(text)
        (place / f"w{number:05}.yml").write_text(text, encoding="utf-8")
    return size


def generated() -> str:
    """The pull pipeline of the example."""
    from pipelinegen.commands.generating.asked import GenerateOptions, asked_for
    from pipelinegen.config import load
    from pipelinegen.pipelines import grid

    config = load(Path("examples/pipelinegen.yaml"))
    asked = asked_for(GenerateOptions(style="pull", ci=("github",), out="."), config)
    files = grid.files_of(asked.application, asked.targets[0])
    return next(file.text for file in files if file.path.startswith(".github/workflows/"))


def measure(count: int) -> tuple[float, float, float, int]:
    """Seconds, those of the processor, MiB at most, and the bytes that were read."""
    from pipelinegen.commands.compare import CompareOptions, read_all
    from pipelinegen.pipelines.compared import document

    with tempfile.TemporaryDirectory() as name:
        size = write_workflows(Path(name), count)
        start, worked = time.perf_counter(), time.process_time()
        document(read_all(CompareOptions(directory=name), (".",)))
        seconds, worked = time.perf_counter() - start, time.process_time() - worked
    return seconds, worked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args()
    seconds, worked, mebibytes, size = measure(options.files)
    print(
        f"{options.files} workflow files ({size / 1024:.0f} KiB): {seconds:.2f} s, "
        f"{worked:.2f} s of the processor, {mebibytes:.0f} MiB at most"
    )
    # Of the processor: on a shared machine the clock tells of the neighbours, too.
    good = worked < SECONDS and mebibytes < MEBIBYTES
    print(f"{'analysis':<14}{'precision':>10}{'recall':>10}{'labels':>8}")
    for analysis, precision, recall, labels in scores():
        print(f"{analysis:<14}{precision:>10.3f}{recall:>10.3f}{labels:>8}")
        good = good and precision >= LEAST and recall >= LEAST
    print(f"{len(cases())} labelled pipelines")
    return 0 if good or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
