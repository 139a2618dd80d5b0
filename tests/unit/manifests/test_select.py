"""`--path` and the paths of environments: gitignore's patterns."""

from __future__ import annotations

import pytest

from pipelinegen.manifests.select import environment_of, matcher


@pytest.mark.parametrize(
    ("patterns", "path", "matches"),
    [
        pytest.param(["apps/api/values.yaml"], "apps/api/values.yaml", True, id="a file"),
        pytest.param(["./apps/api/values.yaml"], "apps/api/values.yaml", True, id="with ./ as a shell completes it"),
        pytest.param(["/apps/api/values.yaml"], "apps/api/values.yaml", True, id="anchored"),
        pytest.param(["apps/api/values.yaml"], "apps/api/values.yaml.bak", False, id="not a longer name"),
        pytest.param(["apps/api/values.yaml"], "x/apps/api/values.yaml", False, id="a slash anchors"),
        pytest.param(["overlays/staging"], "overlays/staging/kustomization.yaml", True, id="a folder"),
        pytest.param(["overlays/staging/"], "overlays/staging/a/b.yaml", True, id="a folder with its slash"),
        pytest.param(["overlays/staging"], "overlays/staging-eu/kustomization.yaml", False, id="not a longer folder"),
        pytest.param(["values.yaml"], "a/b/values.yaml", True, id="a name at any depth"),
        pytest.param(["apps/*/overlays/staging/**"], "apps/api/overlays/staging/x/y.yaml", True, id="a glob"),
        pytest.param(["apps/*/overlays/staging/**"], "apps/a/b/overlays/staging/y.yaml", False, id="* is one folder"),
        pytest.param(["**/*.yaml", "!vendor/**"], "vendor/a.yaml", False, id="a later pattern takes out"),
        pytest.param(["**/*.yaml", "!vendor/**"], "apps/a.yaml", True, id="and leaves the others"),
        pytest.param([":(glob)**.yaml"], "a.yaml", False, id="git's magic is no magic here"),
        pytest.param(["."], "a.yaml", False, id="a dot is no pattern"),
        pytest.param(["../x.yaml"], "x.yaml", False, id="nothing outside"),
    ],
)
def test_a_path_is_selected_by_gitignores_rules(patterns: list[str], path: str, matches: bool) -> None:
    assert matcher(patterns)(path) is matches


def test_the_first_environment_that_matches_has_the_path() -> None:
    find = environment_of({"staging": ["apps/*/staging/**"], "all": ["apps/**"]})
    assert [find(path) for path in ("apps/a/staging/x.yaml", "apps/a/base/x.yaml", "docs/x.yaml")] == [
        "staging",
        "all",
        None,
    ]
