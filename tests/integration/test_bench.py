"""The benchmark: same trees everywhere, a judge that tells right from wrong, runners that run. No time is tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.check import after_bump, check_commit, check_expected
from bench.generate import IMAGE, Recipe, Repository, generate
from bench.marks import ChangedLine, change, changed_lines, insert_line, text_before
from bench.places import PLACES
from bench.repository import git

ROOT = Path(__file__).parents[2]
# Figures of different days can be compared only if the trees are the same: a new id here is a new benchmark.
RECORDED = {
    Recipe(10): "4e4d617192db5c236f1227d68cd1d8b36acc72a1",
    Recipe(300, seed=2): "73163e15578317bd99d7009ecc41558755d45d1c",
    Recipe(400, images=8): "810616856862b61c4624262663e613aa0044f680",
}


def bench(module: str, *arguments: str, **variables: str) -> str:
    argv = [sys.executable, "-m", f"bench.{module}", *arguments]
    ran = subprocess.run(argv, cwd=ROOT, env=os.environ | variables, check=True, capture_output=True, text=True)
    return ran.stdout


@pytest.fixture
def made(tmp_path: Path) -> Repository:
    return generate(Recipe(120), tmp_path / "made")


def bump(repository: Repository, lines: Sequence[ChangedLine]) -> None:
    """What a perfect bump does, by the expected lines themselves."""
    for path in {line.file for line in lines}:
        file = repository.folder / path
        file.write_bytes(after_bump(file.read_bytes(), [line for line in lines if line.file == path]))


@pytest.mark.parametrize("recipe", RECORDED, ids=lambda recipe: f"{recipe.files}-files")
def test_same_arguments_give_the_recorded_commit(recipe: Recipe, tmp_path: Path) -> None:
    assert generate(recipe, tmp_path / "made").commit == RECORDED[recipe]


def test_commit_depends_neither_on_hash_seed_nor_on_locale_nor_on_the_clock_zone(tmp_path: Path) -> None:
    told = [
        bench("generate", "--files", "60", str(tmp_path / zone), PYTHONHASHSEED=seed, LC_ALL=locale, TZ=zone)
        for seed, locale, zone in (("1", "C", "UTC"), ("2", "tr_TR.UTF-8", "Asia"))
    ]
    first, second = ((tmp_path / zone / "expected.json").read_bytes() for zone in ("UTC", "Asia"))
    assert told[0].split("commit ")[1] == told[1].split("commit ")[1]
    assert first == second


def test_another_seed_gives_another_tree(tmp_path: Path) -> None:
    one, two = (generate(Recipe(10, seed=seed), tmp_path / str(seed)) for seed in (1, 2))
    assert one.commit != two.commit


@pytest.mark.parametrize("files", [10, 100, 1000])
def test_tree_has_the_number_of_files_that_was_asked_for(files: int, tmp_path: Path) -> None:
    folder = generate(Recipe(files), tmp_path / "made").folder
    assert len(git(folder, "ls-files").splitlines()) == files
    assert git(folder, "status", "--porcelain") == b""


def test_every_place_occurs_and_holds_lines_to_change(made: Repository) -> None:
    assert len(made.lines) >= len(PLACES)
    assert all("2.0.0" in line.after and line.image == IMAGE for line in made.lines)


def test_every_further_image_occurs_once_in_each_of_three_environments(tmp_path: Path) -> None:
    made = generate(Recipe(300, images=8), tmp_path / "made")
    for image in made.images[1:]:
        assert len([line for line in made.lines if line.image == image]) == 3, image


def test_too_few_files_for_the_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ask for --files"):
        generate(Recipe(10, images=8), tmp_path / "made")


MARKED = {
    "a change": (f"a\nb: {change('i', '1', '2')} # c\n", "a\nb: 1 # c\n", [(2, "b: 1 # c", "b: 2 # c")]),
    "an insertion": (f"a{insert_line('i', 'b')}\nc", "a\nc", [(2, None, "b")]),
    "a change after an insertion": (
        f"a{insert_line('i', 'b')}\nc{change('i', '1', '2')}",
        "a\nc1",
        [(2, None, "b"), (3, "c1", "c2")],
    ),
    "CR LF": (f"a\r\n{change('i', '1', '2')}\r\n", "a\r\n1\r\n", [(2, "1\r", "2\r")]),
    "nothing": ("a\nb\n", "a\nb\n", []),
}


@pytest.mark.parametrize(("marked", "before", "lines"), MARKED.values(), ids=MARKED)
def test_marks_tell_the_lines_that_change(marked: str, before: str, lines: list[tuple[object, ...]]) -> None:
    found = changed_lines("f", marked)
    assert text_before(marked) == before
    assert [(line.line, line.before, line.after) for line in found] == lines


def test_expected_lines_applied_are_exact(made: Repository) -> None:
    bump(made, made.lines)
    verdict = check_expected(made.folder, made.lines)
    assert verdict.exact
    assert verdict.right == verdict.expected == len(made.lines)


def test_untouched_tree_misses_every_line(made: Repository) -> None:
    verdict = check_expected(made.folder, made.lines)
    assert (verdict.right, len(verdict.missing), verdict.extra) == (0, len(made.lines), ())


def test_each_single_lost_line_is_seen(made: Repository) -> None:
    for lost in made.lines:
        bump(made, [line for line in made.lines if line.file == lost.file and line != lost])
        mine = [line for line in made.lines if line.file == lost.file]
        assert check_expected(made.folder, mine).missing == (f"{lost.file}:{lost.line}",)
        git(made.folder, "checkout", "--quiet", "--", lost.file)


DAMAGE = {
    "decoy bumped": ("apps/acme/decoy-0/deployment.yaml", b":1.4.2", b":2.0.0", ":27"),
    "line ending": ("apps/acme/overlay-1/base/service.yaml", b"v1\n", b"v1\r\n", ":1"),
    "blank line lost": ("apps/acme/api-0/deployment.yaml", b"kind: Deployment\n", b"", ":2"),
    "indentation": ("charts/acme-2/values.yaml", b"  pullPolicy", b"    pullPolicy", ":4"),
    "final newline": ("charts/acme-2/values.yaml", b"Always\n", b"Always", ":5"),
}


@pytest.mark.parametrize(("file", "was", "is_now", "line"), DAMAGE.values(), ids=DAMAGE)
def test_damage_beside_the_right_lines_is_seen(
    made: Repository, file: str, was: bytes, is_now: bytes, line: str
) -> None:
    bump(made, made.lines)
    path = made.folder / file
    assert was in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(was, is_now, 1))
    verdict = check_expected(made.folder, made.lines)
    assert (verdict.missing, verdict.extra) == ((), (f"{file}{line}",))


@pytest.mark.parametrize("harm", ["deleted", "made", "mode", "link"])
def test_what_is_not_a_line_is_seen(made: Repository, harm: str) -> None:
    file = made.folder / "apps/acme/overlay-1/base/service.yaml"
    match harm:
        case "deleted":
            file.unlink()
        case "made":
            (made.folder / ".left-over.tmp").write_text("x")
        case "mode":
            file.chmod(0o755)
        case "link":
            file.symlink_to(file.rename(made.folder.parent / "elsewhere"))
    bump(made, made.lines)
    assert check_expected(made.folder, made.lines).extra


def test_commit_is_judged_without_a_work_tree(made: Repository) -> None:
    bump(made, made.lines)
    git(made.folder, "-c", "user.name=b", "-c", "user.email=b@example.com", "commit", "--quiet", "-am", "bump")
    assert check_commit(made.folder, made.commit, "HEAD", made.lines).exact
    assert len(check_commit(made.folder, made.commit, "HEAD", made.lines[1:]).extra) == 1
    assert not check_commit(made.folder, made.commit, made.commit, made.lines).right


def test_expected_lines_of_another_tree_are_refused(made: Repository, tmp_path: Path) -> None:
    other = generate(Recipe(120, seed=5), tmp_path / "other")
    with pytest.raises(ValueError, match="not the one that the expected lines are for"):
        check_expected(made.folder, other.lines)


def test_command_of_the_check_exits_1_until_the_tree_is_right(tmp_path: Path) -> None:
    made = generate(Recipe(10), tmp_path / "made")
    argv = [sys.executable, "-m", "bench.check", str(tmp_path / "made")]
    before = subprocess.run(argv, cwd=ROOT, check=False, capture_output=True, text=True)
    bump(made, made.lines)
    after = subprocess.run(argv, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (before.returncode, after.returncode) == (1, 0)
    assert "missing apps/" in before.stdout


def test_run_at_the_smallest_size_measures_every_case_without_damage() -> None:
    report = json.loads(bench("run", "--files", "100", "--runs", "1", "--json"))
    series = {f"{case['name']}: {one['name']}": one for case in report["cases"] for one in case["series"]}
    ours = {name: one for name, one in series.items() if ": bump" in name or ": --version" in name}
    assert {case["name"] for case in report["cases"]} == {"version", "one-file", "tree", "images"}
    assert len(ours) >= 11
    for name, one in ours.items():
        assert "failure" not in one, name
        assert one["cpu"]["ratio"] > 0, name
        if one["damage"]:
            assert (one["damage"]["missing"], one["damage"]["extra"]) == ([], []), name
    assert {target["id"] for target in report["targets"]} >= {"T1 cpu", "issue 3, one file", "T10"}


def test_sed_is_seen_to_damage_what_bump_does_not() -> None:
    report = json.loads(bench("run", "--files", "100", "--runs", "1", "--only", "tree", "--json"))
    sed = next(one for one in report["cases"][0]["series"] if one["name"] == "git grep + sed -i")
    assert sed["damage"]["missing"]
    assert sed["damage"]["extra"]


def test_remote_run_at_the_smallest_size_lands_every_way_but_the_text_replacement() -> None:
    report = json.loads(bench("remote", "--files", "10", "--runs", "1", "--json"))
    exact = {one["name"]: one["exact"] for one in report["measured"]}
    assert exact.pop("clone, git grep + sed, commit, push") is False
    assert set(exact) >= {"bump", "bump --path", "bare fetch, git grep HEAD, fast-import, push"}
    assert all(exact.values()), exact
    assert all(one["requests"] >= 5 for one in report["measured"])
