"""Patches and what they make of one Deployment: a table for the model and for real kustomize."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """fields: of an overlay over `BASE`.  images: container to image afterwards; None where kustomize refuses."""

    fields: str
    images: dict[str, str] | None
    base: str = ""


BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, labels: {tier: front, app: api}, annotations: {owner: shop}}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'app:1'}
      - {name: side, image: 'side:1'}
"""
# Not known to kustomize: its lists are replaced as a whole.
ROLLOUT = BASE.replace("apps/v1", "argoproj.io/v1alpha1").replace("Deployment", "Rollout")
UNCHANGED = {"app": "app:1", "side": "side:1"}


def merge(containers: str, kind: str = "apps/v1, kind: Deployment", more: str = "") -> str:
    """A strategic merge patch of the containers, on one line."""
    return (
        f"patches: [{{patch: '{{apiVersion: {kind}, metadata: {{name: api}}, "
        f"spec: {{template: {{spec: {{containers: {containers}}}}}}}}}'{more}}}]\n"
    )


def json_patch(*operations: str, target: str = "{kind: Deployment}") -> str:
    return f"patches:\n- target: {target}\n  patch: |\n" + "".join(f"    - {operation}\n" for operation in operations)


AT = "/spec/template/spec/containers"

CASES = {
    # Strategic merge patches.
    "one container": Case(merge("[{name: side, image: x}]"), {"side": "x", "app": "app:1"}),
    "a container without an image": Case(merge("[{name: side, tty: true}]"), {"side": "side:1", "app": "app:1"}),
    "a new container": Case(merge("[{name: new, image: x}]"), {"new": "x", **UNCHANGED}),
    "no containers": Case(merge("[]"), UNCHANGED),
    "delete a container": Case(merge("[{name: side, $patch: delete}]"), {"app": "app:1"}),
    "delete one that is not there": Case(merge("[{name: new, $patch: delete}]"), UNCHANGED),
    "replace a container": Case(merge("[{name: side, image: x, $patch: replace}]"), {"side": "side:1", "app": "app:1"}),
    "replace the list": Case(merge("[{$patch: replace}, {name: new, image: x}]"), {"new": "x"}),
    "delete the list": Case(merge("[{$patch: delete}]"), {}),
    "null for the list": Case(merge("null"), {}),
    "null for an image": Case(merge("[{name: side, image: null}]"), {"app": "app:1"}),
    "a scalar for the list": Case(merge("text"), None),
    "delete the object": Case(
        "patches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, $patch: delete}'}]\n", {}
    ),
    "replace the spec": Case(
        "patches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, "
        "spec: {$patch: replace, template: {spec: {containers: [{name: new, image: x}]}}}}'}]\n",
        {"new": "x"},
    ),
    "an unknown kind": Case(
        merge("[{name: side, image: x}]", "argoproj.io/v1alpha1, kind: Rollout"), {"side": "x"}, ROLLOUT
    ),
    "another name": Case(merge("[{name: app, image: x}]").replace("name: api", "name: web"), None),
    "another version": Case(merge("[{name: app, image: x}]", "apps/v2, kind: Deployment"), None),
    "by a target, under another name": Case(
        merge("[{name: app, image: x}]", more=", target: {kind: Deployment}").replace("name: api", "name: any"),
        {"app": "x", "side": "side:1"},
    ),
    # JSON patches.
    "replace an image": Case(
        json_patch(f"{{op: replace, path: {AT}/1/image, value: x}}"), {"app": "app:1", "side": "x"}
    ),
    "replace by add": Case(json_patch(f"{{op: add, path: {AT}/0/image, value: x}}"), {"app": "x", "side": "side:1"}),
    "insert in front": Case(
        json_patch(f"{{op: add, path: {AT}/0, value: {{name: new, image: x}}}}"), {"new": "x", **UNCHANGED}
    ),
    "append": Case(json_patch(f"{{op: add, path: {AT}/-, value: {{name: new, image: x}}}}"), {**UNCHANGED, "new": "x"}),
    "append by number": Case(
        json_patch(f"{{op: add, path: {AT}/2, value: {{name: new, image: x}}}}"), {**UNCHANGED, "new": "x"}
    ),
    "remove": Case(json_patch(f"{{op: remove, path: {AT}/0}}"), {"side": "side:1"}),
    "move": Case(json_patch(f"{{op: move, from: {AT}/0/image, path: {AT}/1/image}}"), {"side": "app:1"}),
    "copy": Case(
        json_patch(f"{{op: copy, from: {AT}/0/image, path: {AT}/1/image}}"), {"app": "app:1", "side": "app:1"}
    ),
    "a test that holds": Case(
        json_patch("{op: test, path: /metadata/name, value: api}", f"{{op: replace, path: {AT}/0/image, value: x}}"),
        {"app": "x", "side": "side:1"},
    ),
    "a test that fails": Case(json_patch("{op: test, path: /metadata/name, value: web}"), None),
    "beyond the list": Case(json_patch(f"{{op: replace, path: {AT}/2/image, value: x}}"), None),
    "a parent that is missing": Case(json_patch("{op: add, path: /spec/none/image, value: x}"), None),
    "remove what is missing": Case(json_patch("{op: remove, path: /spec/none}"), None),
    "replace what is missing": Case(json_patch("{op: replace, path: /metadata/none, value: x}"), UNCHANGED),
    "an escaped path": Case(json_patch("{op: replace, path: /metadata/labels/a~1b~0c, value: x}"), UNCHANGED),
    "an unknown operation": Case(json_patch(f"{{op: merge, path: {AT}/0/image, value: x}}"), None),
    # Targets.
    "a pattern": Case(json_patch(f"{{op: remove, path: {AT}/0}}", target="{name: a.*}"), {"side": "side:1"}),
    "an anchored pattern": Case(json_patch(f"{{op: remove, path: {AT}/0}}", target="{name: ap}"), UNCHANGED),
    "alternatives": Case(json_patch(f"{{op: remove, path: {AT}/0}}", target="{name: web|api}"), {"side": "side:1"}),
    "a label": Case(
        json_patch(f"{{op: remove, path: {AT}/0}}", target="{labelSelector: tier=front}"), {"side": "side:1"}
    ),
    "labels": Case(
        json_patch(f"{{op: remove, path: {AT}/0}}", target="{labelSelector: 'tier==front, app!=web, !gone, app'}"),
        {"side": "side:1"},
    ),
    "another label": Case(
        json_patch(f"{{op: remove, path: {AT}/0}}", target="{labelSelector: tier!=front}"), UNCHANGED
    ),
    "a label that is missing": Case(
        json_patch(f"{{op: remove, path: {AT}/0}}", target="{labelSelector: gone}"), UNCHANGED
    ),
    "an annotation": Case(
        json_patch(f"{{op: remove, path: {AT}/0}}", target="{annotationSelector: owner=shop}"), {"side": "side:1"}
    ),
    "a group": Case(
        json_patch(f"{{op: remove, path: {AT}/0}}", target="{group: apps, version: v1}"), {"side": "side:1"}
    ),
    "another namespace": Case(json_patch(f"{{op: remove, path: {AT}/0}}", target="{namespace: x}"), UNCHANGED),
    "the default namespace": Case(
        json_patch(f"{{op: remove, path: {AT}/0}}", target="{namespace: default}"), {"side": "side:1"}
    ),
    # Names given on the way.
    "the name before the prefix": Case(
        "namePrefix: p-\n" + merge("[{name: app, image: x}]"), {"app": "x", "side": "side:1"}
    ),
    "a patchesJson6902 after the prefix": Case(
        f"namePrefix: p-\npatchesJson6902: [{{target: {{name: p-api}}, patch: '- {{op: remove, path: {AT}/0}}'}}]\n",
        {"side": "side:1"},
    ),
    # `images:`.
    "a tag": Case("images: [{name: app, newTag: x}]\n", {"app": "app:x", "side": "side:1"}),
    "the whole name only": Case("images: [{name: ap, newTag: x}]\n", UNCHANGED),
    "one entry after the other": Case(
        "images: [{name: app, newName: side}, {name: side, newTag: x}]\n", {"app": "side:x", "side": "side:x"}
    ),
    "a suffix, twice": Case("images: [{name: app, tagSuffix: -x}]\n", {"app": "app:1-x-x", "side": "side:1"}),
    "a suffix beside a tag": Case(
        "images: [{name: app, newTag: z, tagSuffix: -x}]\n", {"app": "app:z", "side": "side:1"}
    ),
    "a dot is any character": Case("images: [{name: a.p, newTag: x}]\n", {"app": "app:x", "side": "side:1"}),
    "after the patches": Case(
        merge("[{name: app, image: side}]") + "images: [{name: side, newTag: x}]\n",
        {"app": "side:x", "side": "side:x"},
    ),
    "local objects are left out": Case(
        "", {}, BASE.replace("owner: shop", "config.kubernetes.io/local-config: 'true'")
    ),
    "a list of objects": Case(
        "images: [{name: app, newTag: x}]\n",
        {"app": "app:x", "side": "side:1"},
        "kind: List\napiVersion: v1\nitems:\n- " + BASE.replace("\n", "\n  "),
    ),
}


def files(case: Case) -> dict[str, str]:
    return {
        "base/kustomization.yaml": "resources: [object.yaml]\n",
        "base/object.yaml": case.base or BASE,
        "over/kustomization.yaml": "resources: [../base]\n" + case.fields,
    }
