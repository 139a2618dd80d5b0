"""What is measured: each case is a work tree, its contenders and the floors that they are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import programs
from bench.check import Verdict
from bench.generate import IMAGE, TAG, Recipe, Repository, generate
from bench.marks import ChangedLine, change
from bench.measure import Contender, Launcher, Series, interleave, total
from bench.programs import Argv
from bench.repository import write_repository
from bench.worktree import WorkTree

PYTHON, GREP, GREP_MANY = "python -I -c pass", "git grep -lzF", "git grep -lzF, all images"
IMPORTS = 'python -I -c "import click, yaml"'
FLOOR, FLOOR_IMPORTS = f"{PYTHON} + {GREP}", f"{IMPORTS} + {GREP}"
ONE_FILE = f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop
resources:
  - ../../base   # shared by every environment

images:
  - name: {IMAGE}
    newTag: {change(IMAGE, "1.4.2", TAG)}
  - name: ghcr.io/acme/web
    newTag: "1.10"
configurations:
- names.yaml
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A finished case: `series` in the order of the report, the first one of which is what ratios refer to."""

    name: str
    title: str
    series: tuple[Series, ...]

    def find(self, name: str) -> Series | None:
        return next((one for one in self.series if one.name == name and one.samples and not one.failure), None)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run of the benchmark was asked for."""

    files: int
    images: int
    places: int | None
    seed: int
    runs: int
    python: str
    directory: Path
    options: tuple[str, ...] = ()


class Trees:
    """The repositories of a run, made when the first case asks for them."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._made: Repository | None = None

    def many(self) -> Repository:
        if self._made is None:
            asked = self._setting
            recipe = Recipe(asked.files, asked.images, asked.places, asked.seed)
            self._made = generate(recipe, asked.directory / "many")
        return self._made

    def one(self) -> Repository:
        folder = self._setting.directory / "one" / "repository"
        commit, lines = write_repository(folder, [("kustomization.yaml", ONE_FILE)])
        return Repository(folder, commit, [IMAGE], lines, TAG)


def version(setting: Setting, runner: Launcher, _trees: Trees) -> Case:
    """`--version`: the cost of starting."""
    here = setting.directory
    contenders = [
        Contender(PYTHON, programs.bare_python(setting.python), here),
        Contender("--version", programs.subject(setting.python, "--version"), here),
        *_optional("--version (console script)", programs.console_script(setting.python, "--version"), here),
    ]
    return Case("version", "`pipelinegen --version`", tuple(interleave(runner, contenders, setting.runs)))


def one_file(setting: Setting, runner: Launcher, trees: Trees) -> Case:
    """A kustomization of twelve lines whose path is given."""
    made = trees.one()
    tree, python, file = WorkTree(made.folder), setting.python, "kustomization.yaml"
    bump = ("bump", f"{IMAGE}:{TAG}", "--repo", str(made.folder), "--path", file, *setting.options)
    edit = tree.after(made.lines)
    contenders = [
        Contender(PYTHON, programs.bare_python(python), made.folder),
        Contender("bump --dry-run", programs.subject(python, *bump, "--dry-run"), made.folder, tree.after([])),
        Contender("bump", programs.subject(python, *bump), made.folder, edit),
        *_optional("bump (console script)", programs.console_script(python, *bump), made.folder, edit),
        Contender("sed -i", programs.sed(file, "1.4.2", TAG), made.folder, tree.after(made.lines)),
        *_optional("yq -i", programs.yq(file, IMAGE, TAG), made.folder, tree.after(made.lines)),
        *_optional("kustomize edit set image", programs.kustomize(IMAGE, TAG), made.folder, tree.after(made.lines)),
        *_optional(
            "ruamel.yaml script", programs.ruamel(python, file, IMAGE, TAG), made.folder, tree.after(made.lines)
        ),
    ]
    series = interleave(runner, contenders, setting.runs)
    return Case("one-file", "one file of 12 lines, path given", tuple(series))


def tree(setting: Setting, runner: Launcher, trees: Trees) -> Case:
    """One image in many files."""
    made = trees.many()
    work, python = WorkTree(made.folder), setting.python
    lines = _lines(made, [IMAGE])
    bump = ("bump", f"{IMAGE}:{TAG}", "--repo", str(made.folder), *setting.options)
    contenders = [
        Contender(PYTHON, programs.bare_python(python), made.folder),
        Contender(IMPORTS, programs.bare_python(python, "import click, yaml"), made.folder),
        Contender(GREP, programs.git_grep([IMAGE]), made.folder),
        Contender("bump --dry-run", programs.subject(python, *bump, "--dry-run"), made.folder, work.after([])),
        Contender("bump", programs.subject(python, *bump), made.folder, work.after(lines)),
        *_optional("bump (console script)", programs.console_script(python, *bump), made.folder, work.after(lines)),
        Contender("git grep + sed -i", programs.git_grep_sed(IMAGE, TAG), made.folder, work.after(lines)),
        *_optional("git grep + yq -i", programs.git_grep_yq(IMAGE, TAG), made.folder, work.after(lines)),
        *_optional("renovate, extract only", programs.renovate(), made.folder, work.after([])),
    ]
    series = interleave(runner, contenders, setting.runs)
    found = {one.name: one for one in series}
    floors = [total(FLOOR, [found[PYTHON], found[GREP]]), total(FLOOR_IMPORTS, [found[IMPORTS], found[GREP]])]
    return Case("tree", f"one image in {setting.files:,} files ({len(lines)} places)", (*floors, *series))


def images(setting: Setting, runner: Launcher, trees: Trees) -> Case:
    """Many images, three environments each, in one run, beside one image in the same tree."""
    made = trees.many()
    work, python = WorkTree(made.folder), setting.python
    others = made.images[1:]
    contenders = [
        Contender(PYTHON, programs.bare_python(python), made.folder),
        Contender(GREP, programs.git_grep([IMAGE]), made.folder),
        Contender(GREP_MANY, programs.git_grep(others), made.folder),
    ]
    for chosen in ([IMAGE], others[: max(1, len(others) // 4)], others):
        lines = _lines(made, chosen)
        name = "bump of one image" if chosen == [IMAGE] else f"bump of {len(chosen)} images"
        bump = ("bump", *made.references(chosen), "--repo", str(made.folder), *setting.options)
        dry = programs.subject(python, *bump, "--dry-run")
        contenders.append(Contender(f"{name} --dry-run", dry, made.folder, work.after([])))
        contenders.append(Contender(name, programs.subject(python, *bump), made.folder, work.after(lines)))
    series = interleave(runner, contenders, setting.runs)
    floor = total(FLOOR, series[:2])
    title = f"{len(others)} images × 3 environments in {setting.files:,} files"
    return Case("images", title, (floor, *series))


CASES: dict[str, Callable[[Setting, Launcher, Trees], Case]] = {
    "version": version,
    "one-file": one_file,
    "tree": tree,
    "images": images,
}


def _lines(made: Repository, chosen: list[str]) -> list[ChangedLine]:
    wanted = set(chosen)
    return [line for line in made.lines if line.image in wanted]


def _optional(
    name: str, argv: Argv | None, cwd: Path, after: Callable[[], Verdict] | None = None
) -> Iterator[Contender]:
    if argv is not None:
        yield Contender(name, argv, cwd, after)
