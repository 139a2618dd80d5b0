"""The folders of tests/cases: repositories before and after a bump, found by walking."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.commands.asked import BumpOptions, candidate, requests_of, selection_of
from pipelinegen.commands.judge import judge
from pipelinegen.commands.planned import plan_of
from pipelinegen.config import load
from pipelinegen.errors import PipelinegenError
from pipelinegen.manifests.plan import Plan, plan_from
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.splice import apply
from pipelinegen.quick import bump_options
from tests.support.trees import Memory

CASES = Path(__file__).parents[2] / "cases"


def found() -> Iterator[Path]:
    yield from sorted(args.parent for args in CASES.rglob("args"))


def files(folder: Path) -> dict[str, bytes | str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def asked(case: Path) -> BumpOptions:
    """The options of the case's command line, read as the command reads them."""
    values = bump_options(["bump", *shlex.split((case / "args").read_text())], {})
    if values is None:
        raise ValueError(f"{case}/args needs click")
    return BumpOptions(**{name: value for name, value in values.items() if name in BumpOptions._fields})


def bumped(case: Path, tree: Memory) -> tuple[Plan, dict[str, bytes]]:
    """The plan and the changed files; raises what the command would tell."""
    options = asked(case)
    path = case / "pipelinegen.yaml"
    config = load(path) if path.exists() else None
    selection = selection_of(options, config)
    wanted = candidate(selection)
    sources = Sources(Memory({path: data for path, data in tree.files.items() if wanted(path)}))
    plan = plan_of(sources, requests_of(options, config), options, selection)
    judge(plan, sources.tree, options, selection)
    assert plan_from(plan.data()) == plan
    return plan, apply(plan, sources)


@pytest.mark.parametrize("case", list(found()), ids=lambda case: case.relative_to(CASES).as_posix())
def test_a_bump_makes_the_files_after_of_those_before(case: Path) -> None:
    before, after = Memory(files(case / "before")), files(case / "after")
    refuses = case / "refuses"
    if refuses.exists():
        with pytest.raises(PipelinegenError) as caught:
            bumped(case, before)
        assert caught.value.id == refuses.read_text().strip()
        return
    plan, changed = bumped(case, before)
    assert {path: data.decode() for path, data in changed.items()} == {
        path: data.decode() for path, data in after.items() if isinstance(data, bytes)
    }
    again, nothing = bumped(case, Memory({**before.files, **changed}))
    assert (again.edits, nothing) == ((), {})
    reasons = case / "reasons"
    if reasons.exists():
        said = [f"{skip.file}:{skip.line}:{skip.column}: {skip.reason}" for skip in plan.skipped]
        assert sorted(said) == sorted(reasons.read_text().splitlines())


def test_the_cases_are_there() -> None:
    kinds = {case.relative_to(CASES).parts[0] for case in found()}
    assert {"kubernetes", "kustomize", "helm-values", "argocd", "flux", "compose", "json", "unchanged"} <= kinds
    assert all((case / "after").exists() != (case.parent.name == "unchanged") for case in found())
