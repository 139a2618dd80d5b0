"""Whose tag it is, and whether it may be set: downgrades, owners, `--only-tag`."""

from __future__ import annotations

import pytest

from pipelinegen.manifests.finding import Selection
from tests.support.trees import bump

TAG = "ghcr.io/acme/api:2.0.0"
MARK = '# {"$imagepolicy": "flux-system:api"}'
UPDATER = "argocd-image-updater.argoproj.io"

# places that an automation owns: the file, the text, how many places it owns
OWNED = {
    "marker on a reference": ("a.yaml", f"image: ghcr.io/acme/api:1.0.0 {MARK}\n"),
    "marker on a quoted reference": ("a.yaml", f"image: 'ghcr.io/acme/api:1.0.0'   {MARK}\n"),
    "marker on a tag": ("v.yaml", f"repository: ghcr.io/acme/api\ntag: 1.0.0 {MARK}\n"),
    "marker on a digest": ("v.yaml", f"repository: ghcr.io/acme/api\ntag: 1.0.0\ndigest: '' {MARK}\n"),
    "marker on newTag": ("kustomization.yaml", f"images:\n- name: ghcr.io/acme/api\n  newTag: 1.0.0 {MARK}\n"),
    "marker on newName": (
        "kustomization.yaml",
        f"images:\n- name: api\n  newName: ghcr.io/acme/api {MARK}\n  newTag: 1.0.0\n",
    ),
    "marker in a template": ("t.yaml", f"a: {{{{ x }}}}\nimage: ghcr.io/acme/api:1.0.0 {MARK}\n"),
    "marker in a flow mapping": ("a.yaml", f"a: {{image: ghcr.io/acme/api:1.0.0}} {MARK}\n"),
    "marker in a nested document": (
        "a.yaml",
        f"helm:\n  values: |\n    image:\n      repository: ghcr.io/acme/api\n      tag: 1.0.0 {MARK}\n",
    ),
    "the updater's own file": (
        "apps/.argocd-source-shop.yaml",
        (
            "helm:\n  parameters:\n  - name: image.repository\n    value: ghcr.io/acme/api\n"
            "  - name: image.tag\n    value: 1.0.0\n"
        ),
    ),
    "an Application that the updater watches": (
        "app.yaml",
        (
            f"kind: Application\nmetadata:\n  annotations:\n    {UPDATER}/image-list: api=ghcr.io/acme/api:~1.0,nginx\n"
            "spec:\n  source:\n    helm:\n      valuesObject:\n        image:\n"
            "          repository: ghcr.io/acme/api\n          tag: 1.0.0\n"
        ),
    ),
    "an Application that the updater watches, by kustomize": (
        "app.yaml",
        (
            f"kind: Application\nmetadata:\n  annotations:\n    {UPDATER}/image-list: ghcr.io/acme/api\n"
            "spec:\n  source:\n    kustomize:\n      images:\n      - ghcr.io/acme/api:1.0.0\n"
        ),
    ),
    "an Application that the updater watches, values in a block": (
        "app.yaml",
        (
            f"kind: Application\nmetadata:\n  annotations:\n    {UPDATER}/image-list: ghcr.io/acme/api\n"
            "spec:\n  source:\n    helm:\n      values: |\n        image:\n"
            "          repository: ghcr.io/acme/api\n          tag: 1.0.0\n"
        ),
    ),
}


@pytest.mark.parametrize(("path", "text"), OWNED.values(), ids=OWNED)
def test_a_tag_that_an_automation_owns_is_left_to_it_unless_asked_for(path: str, text: str) -> None:
    bumped = bump({path: text}, TAG)
    assert bumped.text(path) == text
    assert any("owned by" in reason for reason in bumped.reasons)
    assert bumped.plan.images[0].occurrences == 1
    managed = bump({path: text}, TAG, selection=Selection(include_managed=True))
    assert managed.text(path) == text.replace("1.0.0", "2.0.0")


NOT_OWNED = {
    "marker on the next line": f"image: ghcr.io/acme/api:1.0.0\nother: x {MARK}\n",
    "marker on the line before": f"other: x {MARK}\nimage: ghcr.io/acme/api:1.0.0\n",
    "marker behind the values": f"image:\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\nother: x {MARK}\n",
    "another comment": "image: ghcr.io/acme/api:1.0.0 # renovate: datasource=docker\n",
    "an Application with another image": (
        f"kind: Application\nmetadata:\n  annotations:\n    {UPDATER}/image-list: ghcr.io/acme/web\n"
        "spec:\n  source:\n    kustomize:\n      images:\n      - ghcr.io/acme/api:1.0.0\n"
    ),
}


@pytest.mark.parametrize("text", NOT_OWNED.values(), ids=NOT_OWNED)
def test_a_tag_that_nobody_owns_is_changed(text: str) -> None:
    assert bump(text, TAG).text() == text.replace("1.0.0", "2.0.0")


def test_the_constraint_of_the_image_updater_is_no_reference() -> None:
    text = (
        f"kind: Application\nmetadata:\n  annotations:\n    {UPDATER}/image-list: ghcr.io/acme/api:1.0.0\n"
        f"    {UPDATER}/api.helm.image-name: ghcr.io/acme/api:1.0.0\n"
    )
    bumped = bump(text, TAG, selection=Selection(include_managed=True))
    assert bumped.text() == text
    assert any("belongs to Argo CD Image Updater" in reason for reason in bumped.reasons)


# the present tag, the wanted one, whether that is refused
DOWNGRADES = {
    "lower": ("2.0.1", "2.0.0", True),
    "lower with v": ("v2.0.1", "v2.0.0", True),
    "lower, v only there": ("v2.0.1", "2.0.0", True),
    "pre-release of what is there": ("2.0.0", "2.0.0-rc.1", True),
    "lower pre-release": ("2.0.0-rc.10", "2.0.0-rc.9", True),
    "numbers, not letters": ("1.10.0", "1.9.0", True),
    "higher": ("2.0.0", "2.0.1", False),
    "the same": ("2.0.0", "2.0.0", False),
    "v added": ("2.0.0", "v2.0.0", False),
    "two numbers are no semver": ("1.10", "1.9", False),
    "a branch before": ("main", "1.0.0", False),
    "a branch after": ("2.0.0", "main", False),
    "no tag before": ("", "1.0.0", False),
}


@pytest.mark.parametrize(("present", "wanted", "refused"), DOWNGRADES.values(), ids=DOWNGRADES)
def test_a_lower_version_is_refused(present: str, wanted: str, refused: bool) -> None:
    text = f"repository: ghcr.io/acme/api\ntag: {present}\n"
    bumped = bump(text, f"ghcr.io/acme/api:{wanted}")
    assert bool(bumped.plan.downgrades) == refused
    assert (bumped.text() == text) == (refused or present == wanted)
    allowed = bump(text, f"ghcr.io/acme/api:{wanted}", selection=Selection(allow_downgrade=True))
    assert (not allowed.plan.downgrades, wanted in allowed.text()) == (True, True)


def test_a_downgrade_says_where_and_what() -> None:
    (skip,) = bump("a: 1\nimage: ghcr.io/acme/api:3.0.0\n", TAG).plan.downgrades
    assert (skip.file, skip.line, skip.column, skip.reason) == ("a.yaml", 2, 8, "3.0.0 is newer than 2.0.0")


@pytest.mark.parametrize(
    ("pattern", "tag", "changed"),
    [
        ("1.*", "1.0.0", True),
        ("1.*", "2.1.0-1.0", False),
        ("*-rc*", "1.0.0-rc.1", True),
        ("[0-9]*", "main", False),
        ("main", "main", True),
        ("MAIN", "main", False),
        ("?.?.?", "1.0.0", True),
        ("", "", True),
        ("*", "", True),
    ],
)
def test_only_tag_narrows_the_change_to_tags_that_match(pattern: str, tag: str, changed: bool) -> None:
    text = f"repository: ghcr.io/acme/api\ntag: '{tag}'\n"
    bumped = bump(text, "ghcr.io/acme/api:9.0.0", selection=Selection(only_tag=pattern))
    assert bumped.text() == (text.replace(f"'{tag}'", "'9.0.0'") if changed else text)
    assert bumped.plan.images[0].occurrences == 1
