"""What is computed of overlays and added to them is what real kustomize makes of it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipelinegen.images.reference import normalise
from pipelinegen.manifests.environments import EditedReference, needs_overlay_entry, void_edits
from pipelinegen.manifests.kustomize.effective import effective, repository_of
from pipelinegen.manifests.kustomize.selecting import split_image
from pipelinegen.manifests.overlays import insert, overlay_entry
from tests.support.kustomize import Files, images, kustomize, require_kubectl
from tests.support.kustomize_trees import NAMES, repositories
from tests.support.patch_cases import CASES
from tests.support.patch_cases import files as files_of


def build(files: Files, root: str) -> dict[str, str] | None:
    """What real kustomize makes of it; None where it refuses the whole."""
    with tempfile.TemporaryDirectory() as folder:
        files.write(Path(folder))
        made = kustomize(Path(folder), root)
    return None if isinstance(made, str) else images(made)


# Each example is two processes of kustomize.
EXAMPLES = settings(max_examples=settings().max_examples // 8, deadline=None, suppress_health_check=list(HealthCheck))


@EXAMPLES
@given(repositories())
def test_the_references_are_those_of_kustomize(files: Files) -> None:
    require_kubectl()
    root = files.pop("root").decode()
    made = build(files, root)
    found = effective(files, f"{root}/kustomization.yaml")
    # Where kustomize refuses a patch there is nothing to compare; the model goes on without the patch.
    assume(made is not None)
    computed = {f"{reference.object}: {reference.field}": reference.final for reference in found.references}
    assert computed == made, found.problems
    for name in NAMES:
        of_name = [
            reference
            for reference in effective(files, f"{root}/kustomization.yaml", name).references
            if reference.transformable
        ]
        everywhere = [
            reference
            for reference in found.references
            if any(repository_of(layer.text) == normalise(name) for layer in reference.layers)
        ]
        assert of_name == everywhere


@EXAMPLES
@given(repositories(), st.data())
def test_an_edit_is_void_exactly_where_kustomize_shows_no_change(files: Files, data: st.DataObject) -> None:
    require_kubectl()
    root = files.pop("root").decode()
    resource = data.draw(st.sampled_from(sorted(path for path in files if path.startswith("base/") and "-" in path)))
    name = data.draw(st.sampled_from(NAMES))
    repository = normalise(name)
    edited = Files(files)
    edited[resource] = re.sub(
        rb"image: (\S+)",
        lambda match: (
            b"image: " + split_image(match[1].decode())[0].encode() + b":9.9.9"
            if repository_of(match[1].decode()) == repository
            else match[0]
        ),
        files[resource],
    )
    before, after = build(files, root), build(edited, root)
    assume(before is not None and after is not None)
    unchanged = {field for field, image in (before or {}).items() if (after or {})[field] == image}
    path = f"{root}/kustomization.yaml"
    expected = {
        (field, reference.decider.at)
        for reference in effective(files, path, name).references
        if reference.transformable
        and any(
            layer.at.file == resource and layer.versioned and repository_of(layer.text) == repository
            for layer in reference.layers
        )
        and (field := f"{reference.object}: {reference.field}") in unchanged
    }
    found = void_edits(files, [EditedReference(resource, name, "9.9.9")], [path])
    shown = [void for void in found if void.field.endswith(".image")]
    assert {void.decider.at for void in shown} == {at for _, at in expected}
    assert {(f"{void.object}: {void.field}", void.decider.at) for void in shown} <= expected


@EXAMPLES
@given(repositories(), st.sampled_from(NAMES))
def test_an_entry_in_the_overlay_changes_the_wanted_images_and_no_others(files: Files, name: str) -> None:
    require_kubectl()
    root = files.pop("root").decode()
    path = f"{root}/kustomization.yaml"
    repository = normalise(name) or name
    hits = [file for file in files.paths() if name.rpartition("/")[2].encode() in files[file]]
    needs = needs_overlay_entry(files, name, hits, [path], lambda file: file == path)
    assume(needs.entries)
    before = build(files, root)
    assume(before is not None)
    for need in needs.entries:
        insertion = overlay_entry(files, path, need.written_name, "9.9.9", None, str)
        files[path] = insert(files[path], insertion)
    after = build(files, root)
    added = {need.written_name for need in needs.entries}
    expected = {}
    for field, image in (before or {}).items():
        written = split_image(image)[0]
        expected[field] = f"{written}:9.9.9" if written in added else image
    assert after == expected
    assert all(normalise(written) == repository for written in added)
    assert all(void.kustomization != path for void in void_edits(files, [EditedReference(path, name, "9.9.9")], [path]))


def test_the_issue_s_example_from_end_to_end() -> None:
    require_kubectl()
    files = Files(
        {
            "base/kustomization.yaml": (
                "resources: [deployment.yaml]\nimages:\n- name: api\n  newName: ghcr.io/acme/api\n"
            ),
            "base/deployment.yaml": (
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n"
                "spec: {template: {spec: {containers: [{name: api, image: 'api:1.0.0'}]}}}\n"
            ),
            "overlays/staging/kustomization.yaml": "resources: [../../base]\nnamePrefix: staging-\n",
            "overlays/production/kustomization.yaml": "resources:\n  - ../../base # shared\nnamePrefix: live-",
        }
    )
    production = "overlays/production/kustomization.yaml"
    staging = build(files, "overlays/staging")
    hits = ["base/kustomization.yaml", "base/deployment.yaml"]
    (need,) = needs_overlay_entry(
        files, "ghcr.io/acme/api", hits, [production], lambda path: path == production
    ).entries
    assert (need.written_name, need.shared_with) == ("ghcr.io/acme/api", ("overlays/staging/kustomization.yaml",))
    files[production] = insert(
        files[production], overlay_entry(files, production, need.written_name, "1.10", None, lambda text: f'"{text}"')
    )
    assert files[production].decode() == (
        "resources:\n  - ../../base # shared\nnamePrefix: live-\n"
        'images:\n  - name: ghcr.io/acme/api\n    newTag: "1.10"'
    )
    field = "spec.template.spec.containers[api].image"
    assert build(files, "overlays/production") == {f"Deployment live-api: {field}": "ghcr.io/acme/api:1.10"}
    assert build(files, "overlays/staging") == staging == {f"Deployment staging-api: {field}": "ghcr.io/acme/api:1.0.0"}


@pytest.mark.parametrize("name", CASES)
def test_the_table_of_patches_is_what_kustomize_does(name: str, tmp_path: Path) -> None:
    require_kubectl()
    Files(files_of(CASES[name])).write(tmp_path)
    made = kustomize(tmp_path, "over")
    found = None if isinstance(made, str) else images(made)
    shown = None if found is None else {field.split("[")[1].split("]")[0]: image for field, image in found.items()}
    assert shown == CASES[name].images, made
