"""The model of kustomize's patches and targets, by the table that real kustomize is held to as well."""

from __future__ import annotations

import pytest

from pipelinegen.manifests.kustomize.effective import effective
from pipelinegen.manifests.kustomize.layout import Layout
from pipelinegen.manifests.kustomize.objects import Value
from pipelinegen.manifests.kustomize.selecting import Id, Unfollowed, names_image, selects, split_image
from tests.support.kustomize import Files
from tests.support.patch_cases import BASE, CASES, UNCHANGED, Case, files, json_patch

ROOT = "over/kustomization.yaml"


def images(case: Case) -> dict[str, str]:
    found = effective(Files(files(case)), ROOT).references
    return {reference.field.split("[")[1].split("]")[0]: reference.final for reference in found}


@pytest.mark.parametrize("name", CASES)
def test_what_a_patch_makes_of_a_deployment(name: str) -> None:
    case = CASES[name]
    # Where kustomize refuses the whole build, the rest is still worth knowing.
    assert images(case) == (UNCHANGED if case.images is None else case.images)
    assert list(images(case)) == list(UNCHANGED if case.images is None else case.images)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (json_patch("{op: remove, path: /spec/none}"), "the object has no none"),
        (json_patch("{op: test, path: /kind, value: x}"), "the test of /kind fails"),
        (json_patch("{op: add, path: spec, value: x}"), "spec is not a path of a JSON patch"),
        (json_patch("{op: remove}"), "an empty path is not a path of a JSON patch"),
        (json_patch("{op: copy, from: /spec, path: /spec/x}"), "a copy of more than a scalar is not followed"),
        (json_patch("{op: add, path: " + "/x" * 65 + ", value: y}"), "a path of more than 64 steps is not followed"),
        (json_patch("{op: remove, path: /kind}", target="{name: (a|b)+}"), "the pattern (a|b)+ is not followed"),
        (json_patch("{op: remove, path: /kind}", target="{labelSelector: a in (b)}"), "the selector a in (b) is not"),
        ("images: [{name: '(.*)/app', newTag: x}]\n", "the name (.*)/app is a pattern"),
        ("images: [{name: 'app:1', newTag: x}]\n", "the name app:1 has a tag"),
        ("patches: [{path: gone.yaml}, {path: ../base/object.yaml}, {patch: 'a: [b'}]\n", "not YAML"),
    ],
)
def test_what_is_not_followed_is_told(fields: str, reason: str) -> None:
    found = effective(Files(files(Case(fields, None))), ROOT)
    assert [problem for problem in found.problems if problem.reason.startswith(reason)], found.problems
    assert len(found.references) == 2


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(x)", "a{1,5}", ".*.*.*.*", "[^a]", "\\d", "(?i)x", "a**", "+a"],
)
def test_patterns_that_could_take_for_ever_are_not_tried(pattern: str) -> None:
    where = Id("apps", "v1", "Deployment", "a" * 60 + "!", "default")
    with pytest.raises(Unfollowed):
        selects({"name": word(pattern)}, where, where, {})


def word(text: str) -> Value:
    documents = Layout(Files({"x.yaml": f"'{text}'\n"})).documents("x.yaml")
    assert isinstance(documents, list)
    return documents[0]


@pytest.mark.parametrize(
    ("name", "reference", "matches"),
    [
        ("nginx", "nginx", True),
        ("nginx", "nginx:1.25", True),
        ("nginx", "nginx@sha256:abc", True),
        ("nginx", "nginx:1.25@sha256:abc", True),
        ("nginx", "nginx:{{tag}}", True),
        ("nginx", "nginx:$tag", False),
        ("nginx", "docker.io/nginx", False),
        ("nginx", "nginx/x", False),
        ("nginx", "nginx:1.25\n", False),
        ("localhost:5000/x", "localhost:5000/x:1", True),
        ("a.b/c", "aXb/c", True),
        ("a-b/c_d", "a-b/c_d:1", True),
    ],
)
def test_which_references_a_name_means(name: str, reference: str, matches: bool) -> None:
    assert names_image(name, reference) is matches


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("x", ("x", "", "")),
        ("x:1", ("x", "1", "")),
        ("x@sha256:a", ("x", "", "sha256:a")),
        ("x:1@sha256:a", ("x", "1", "sha256:a")),
        ("h:5000/x", ("h:5000/x", "", "")),
        ("h:5000/x:1@sha256:a", ("h:5000/x", "1", "sha256:a")),
        ("", ("", "", "")),
        (":", ("", "", "")),
        ("/x:1", ("/x", "1", "")),
    ],
)
def test_how_a_reference_is_divided(reference: str, parts: tuple[str, str, str]) -> None:
    assert split_image(reference) == parts


def test_a_base_that_is_only_read_is_never_changed() -> None:
    fields = json_patch("{op: add, path: /spec/template/spec/containers/-, value: {name: x, image: y}}")
    tree = Files({**files(Case(fields, None)), "two/kustomization.yaml": "resources: [../base, ../over]\n"})
    first = effective(tree, ROOT)
    found = effective(tree, "two/kustomization.yaml")
    assert [reference.final for reference in found.references] == ["app:1", "side:1", "app:1", "side:1", "y"]
    assert (effective(tree, ROOT), tree["base/object.yaml"]) == (first, BASE.encode())
