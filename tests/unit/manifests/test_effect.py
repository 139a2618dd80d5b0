"""Two renderings compared by object and field."""

from __future__ import annotations

import pytest

from pipelinegen.manifests.effect import compare
from pipelinegen.manifests.source import Refused
from pipelinegen.manifests.spans import Unparsable


def told(old: str, new: str) -> list[str]:
    return [str(change) for change in compare("here", old.encode(), new.encode())]


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: api, namespace: shop}\n"


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("spec: {image: 'a:1'}", "spec: {image: 'a:2'}", ["spec.image: a:1 -> a:2"]),
        ("spec: {a: 1}", "spec: {a: 1, b: 2}", ["spec.b: (none) -> 2"]),
        ("spec: {a: 1, b: {c: [2, x]}}", "spec: {a: 1}", ["spec.b: {c: [2, x]} -> (none)"]),
        ("spec: [{name: a, v: 1}, {name: b}]", "spec: [{name: b}, {name: a, v: 2}]", ["spec[a].v: 1 -> 2"]),
        ("spec: [{name: a}]", "spec: [{name: a}, {name: b, v: 1}]", ["spec[b]: (none) -> {name: b, v: 1}"]),
        ("spec: [{name: a, v: 1}, {v: 2}]", "spec: [{name: a, v: 1}, {v: 3}]", ["spec[1].v: 2 -> 3"]),
        ("spec: [{name: a, v: 1}, {name: a}]", "spec: [{name: a, v: 2}, {name: a}]", ["spec[0].v: 1 -> 2"]),
        ("spec: [a, b]", "spec: [a, c, d]", ["spec[1]: b -> c", "spec[2]: (none) -> d"]),
        ("spec: {a: {b: 1}}", "spec: {a: [1]}", ["spec.a: {b: 1} -> [1]"]),
        ("spec: {a: 1}", "spec: {a: null}", ["spec.a: 1 -> (none)"]),
        ('spec: {a: "x\\n  y"}', "spec: {a: z}", ["spec.a: x y -> z"]),
        ("spec: &a {b: 1}\nc: *a", "spec: &a {b: 2}\nc: *a", ["spec.b: 1 -> 2", "c.b: 1 -> 2"]),
        (f"spec: {'x' * 300}", "spec: y", [f"spec: {'x' * 199}… -> y"]),
    ],
)
def test_fields_that_differ(old: str, new: str, changes: list[str]) -> None:
    assert told(f"{POD}{old}\n", f"{POD}{new}\n") == [f"Pod shop/api {change}" for change in changes]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param(POD, POD, id="the same"),
        pytest.param(POD, f"---\n# Source: x\n{POD}---\n", id="another separator"),
        pytest.param(f"{POD}---\nkind: X\n", f"kind: X\n---\n{POD}", id="another order"),
        pytest.param(f"{POD}a: 'b'\n", f"{POD}a: b # comment\n", id="another style"),
        pytest.param("# only a comment\n", "---\n\n---\n", id="no objects"),
        pytest.param("[a]\n", "words\n", id="no objects but lists and words"),
    ],
)
def test_what_is_no_difference(old: str, new: str) -> None:
    assert told(old, new) == []


def test_objects_are_told_apart_by_group_kind_namespace_and_name() -> None:
    variants = [
        POD,
        POD.replace("shop", "edge"),
        POD.replace("name: api", "name: web"),
        POD.replace("kind: Pod", "kind: Job"),
        POD.replace("apiVersion: v1", "apiVersion: v2"),
        "kind: Namespace\nmetadata: {name: shop}\n",
    ]
    joined = "---\n".join(variants)
    assert told(joined, joined.replace("namespace: edge", "namespace: core")) == [
        "Pod edge/api: removed",
        "Pod core/api: added",
    ]
    assert told(joined, joined + "---\nkind: Namespace\nmetadata: {name: new}\n") == ["Namespace new: added"]


def test_secrets_are_not_shown() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: %s}\n"
    assert told(secret % "aHVudGVy", secret % "c3dvcmQ=") == ["Secret s data.a: *** -> ***"]
    assert told(secret % "aHVudGVy", secret.replace("data: {a: %s}\n", "")) == ["Secret s data: *** -> (none)"]


def test_what_cannot_be_read() -> None:
    with pytest.raises(Refused):
        told(POD, "a: [\n")
    with pytest.raises(Refused):
        told(POD, "a: {{ b\n")
    with pytest.raises(Unparsable):
        told(POD, "a: *b\n")
