"""Make a manifest repository of any size, the same for the same arguments, and beside it the lines that a bump changes.

    python -m bench.generate --files 10000 --images 200 DIRECTORY

writes DIRECTORY/repository (one commit, checked out) and DIRECTORY/expected.json.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path
from typing import NamedTuple

from bench.background import background
from bench.decoys import DECOYS
from bench.draw import Draw
from bench.marks import ChangedLine, changed_lines
from bench.places import PLACES
from bench.places.target import Target
from bench.repository import write_repository
from bench.services import service_images, services

IMAGE = "ghcr.io/acme/api"
TAG = "2.0.0"


class Recipe(NamedTuple):
    """What a repository is made of; `places` fixes the number of files that name the image (else one in 500)."""

    files: int
    images: int = 0
    places: int | None = None
    seed: int = 1
    tag: str = TAG


class Repository(NamedTuple):
    """A repository that was made: where it is and what a bump must change in it."""

    folder: Path
    commit: str
    images: list[str]
    lines: list[ChangedLine]
    tag: str

    def references(self, images: list[str]) -> list[str]:
        return [f"{image}:{self.tag}" for image in images]


def generate(recipe: Recipe, directory: Path) -> Repository:
    """Write the repository and the file of the expected lines. Raises ValueError where the files do not hold it all."""
    if not re.fullmatch(r"[2-9]\.[0-9]+\.[0-9]+", recipe.tag):
        raise ValueError(
            f"--tag {recipe.tag}: the tags in the repository are 1.x.y, the new one must be of the form 2.x.y"
        )
    folder = directory / "repository"
    commit, lines = write_repository(folder, _files(recipe))
    made = Repository(folder, commit, [IMAGE, *service_images(recipe.images)], lines, recipe.tag)
    write_expected(made, directory / "expected.json")
    return made


def write_expected(made: Repository, path: Path) -> None:
    """One line of JSON for each changed line, so that a person can read it and grep can search it."""
    head = {"schema": "pipelinegen.bench-expected/1", "commit": made.commit, "tag": made.tag, "images": made.images}
    body = ",\n".join(json.dumps(line._asdict(), ensure_ascii=False) for line in made.lines)
    path.write_text(f'{json.dumps(head)[:-1]}, "lines": [\n{body}\n]}}\n', encoding="utf-8", newline="")


def read_expected(path: Path) -> list[ChangedLine]:
    return [ChangedLine(**line) for line in json.loads(path.read_text(encoding="utf-8"))["lines"]]


def _files(recipe: Recipe) -> Iterator[tuple[str, str]]:
    draw = Draw(recipe.seed)
    files = services(draw, recipe.images, recipe.tag)
    if len(files) > recipe.files * 0.7:
        raise ValueError(f"{recipe.images} images take {len(files)} files: ask for --files {2 * len(files)} or more")
    files |= _named(recipe, draw, room=int(recipe.files * 0.6) if not recipe.images else recipe.files // 5)
    yield from files.items()
    others = background(draw)
    for _ in range(recipe.files - len(files)):
        yield next(others)


def _named(recipe: Recipe, draw: Draw, room: int) -> dict[str, str]:
    """The files that name the image: every place once where they fit, more up to one file in 500, and the decoys."""
    wanted = max(recipe.files // 500, 1)
    files: dict[str, str] = {}
    naming = 0
    for number, place in zip(count(), cycle(PLACES.values())):
        more = place(Target(IMAGE, f"1.{draw.below(10)}.{draw.below(10)}", recipe.tag, number), draw)
        every_place = number >= len(PLACES) and naming >= wanted
        if len(files) + len(more) > room or (every_place if recipe.places is None else naming >= recipe.places):
            break
        files |= more
        naming += sum(bool(changed_lines(path, marked)) for path, marked in more.items())
    decoys = min(max(len(DECOYS), naming // 4), recipe.files // 50 + 1)
    for number, decoy in zip(range(decoys if recipe.places is None else recipe.places // 4), cycle(DECOYS.values())):
        files |= decoy(IMAGE, number, draw)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path, help="a directory to be made; it must not exist")
    parser.add_argument("--files", type=int, default=1000, help="how many files (default: %(default)s)")
    parser.add_argument("--images", type=int, default=0, help="further images, once in each of three environments")
    parser.add_argument("--places", type=int, help="files that name the image (default: one in 500, each place once)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tag", default=TAG, help="the tag that the expected lines hold (default: %(default)s)")
    given = parser.parse_args()
    if given.directory.exists():
        parser.error(f"{given.directory} exists: name a directory to be made")
    recipe = Recipe(given.files, given.images, given.places, given.seed, given.tag)
    try:
        made = generate(recipe, given.directory)
    except ValueError as problem:
        parser.error(str(problem))
    print(f"{made.folder}: {recipe.files} files, commit {made.commit}, {len(made.lines)} lines to change")


if __name__ == "__main__":
    main()
