"""Documents inside block scalars: Helm values, ConfigMaps and patches, changed where they stand in the file."""

from __future__ import annotations

import pytest

from pipelinegen.manifests.nested import MAX_NESTED
from tests.support.trees import bump

TAG = "ghcr.io/acme/api:2.0.0"
VALUES = "image:\n  repository: ghcr.io/acme/api\n  tag: 1.0.0 # c\n"


def block(head: str, text: str, mark: str = "|", indent: int = 2) -> str:
    """`head: |` and the text below it."""
    depth = len(head.splitlines()[-1]) - len(head.splitlines()[-1].lstrip(" -")) + indent
    lines = "".join(f"{' ' * depth}{line}\n" if line else "\n" for line in text.splitlines())
    return f"{head} {mark}\n{lines}"


HOLDERS = {
    "Argo CD helm.values": "kind: Application\nspec:\n  source:\n    helm:\n      values:",
    "Argo CD helm.values of several sources": "spec:\n  sources:\n  - helm:\n      values:",
    "ApplicationSet": "spec:\n  template:\n    spec:\n      source:\n        helm:\n          values:",
    "ConfigMap": "kind: ConfigMap\ndata:\n  values.yaml:",
    "ConfigMap, another name": "kind: ConfigMap\ndata:\n  values-prod.yml:",
    "ConfigMap, name behind a prefix": "kind: ConfigMap\ndata:\n  api.values.yaml:",
    "ConfigMap in a list": "kind: List\nitems:\n- kind: ConfigMap\n  data:\n    values.yaml:",
}


@pytest.mark.parametrize("head", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("mark", ["|", "|-", "|+", "| # comment", "|4", "|2-"])
def test_values_in_a_block_change(head: str, mark: str) -> None:
    indent = int(mark[1]) if mark[1:2].isdigit() else 3
    before = block(head, VALUES, mark, indent)
    bumped = bump(before, TAG)
    assert bumped.text() == before.replace("1.0.0", "2.0.0")
    assert [edit.kind for edit in bumped.plan.edits] == ["helm-values"]


PATCHES = {
    "strategic merge": ("patches:\n- patch:", "kind: Pod\nspec:\n  containers:\n  - image: ghcr.io/acme/api:1.0.0\n"),
    "JSON 6902": ("patches:\n- patch:", "- op: replace\n  path: /spec/image\n  value: ghcr.io/acme/api:1.0.0\n"),
    "JSON 6902 as JSON": ("patches:\n- patch:", '[{"op": "add", "path": "/x", "value": "ghcr.io/acme/api:1.0.0"}]\n'),
    "old key": ("patchesJson6902:\n- patch:", "- op: replace\n  path: /image\n  value: ghcr.io/acme/api:1.0.0\n"),
    "list of texts": ("patchesStrategicMerge:\n-", "kind: Pod\nspec:\n  image: ghcr.io/acme/api:1.0.0\n"),
    "Flux": (
        "kind: Kustomization\nspec:\n  patches:\n  - target: {kind: Pod}\n    patch:",
        "kind: Pod\nspec:\n  image: ghcr.io/acme/api:1.0.0\n",
    ),
    "two documents": ("patches:\n- patch:", "kind: A\n---\nkind: B\nspec: {image: 'ghcr.io/acme/api:1.0.0'}\n"),
}


@pytest.mark.parametrize(("head", "text"), PATCHES.values(), ids=PATCHES)
def test_a_patch_in_a_block_changes(head: str, text: str) -> None:
    before = block(head, text, "|-")
    assert bump({"kustomization.yaml": before}, TAG).text("kustomization.yaml") == before.replace("1.0.0", "2.0.0")


LAYOUTS = {
    "blank lines": "\n\nimage:\n\n  repository: ghcr.io/acme/api\n\n  tag: 1.0.0\n\n",
    "comments first": "# a\n#  b\nimage:\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\n",
    "document marker": "---\nimage:\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\n",
    "more indentation": "    image:\n      repository: ghcr.io/acme/api\n      tag: 1.0.0\n",
    "other scripts": "# \u65e5 \U0001f680\n\u30ad: \u5024\nrepository: ghcr.io/acme/api\ntag: 1.0.0 # \u00e9\n",
    "flow": "{image: {repository: ghcr.io/acme/api, tag: 1.0.0}}\n",
    "quotes": "repository: 'ghcr.io/acme/api'\ntag: \"1.0.0\"\n",
    "empty tag at the end": "repository: ghcr.io/acme/api\ntag: # 1.0.0\n",
    "anchors of their own": "x: &v 1.0.0\na: {repository: ghcr.io/acme/api, tag: *v}\n",
    "a block in the block": "motd: |\n  a\n\n  b\nrepository: ghcr.io/acme/api\ntag: 1.0.0\n",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_layout_of_a_block_is_kept(layout: str, end: str) -> None:
    mark = "|6" if layout.startswith("    ") else "|"
    before = block("kind: ConfigMap\ndata:\n  values.yaml:", layout, mark, 6) + "  x: 1\n"
    before = before.replace("\n", end)
    wanted = (
        before.replace("tag: # 1.0.0", "tag: 2.0.0 # 1.0.0") if "tag: #" in layout else before.replace("1.0.0", "2.0.0")
    )
    assert bump(before, TAG).text() == wanted


def test_a_block_at_the_end_of_a_file_without_a_line_break() -> None:
    before = block("kind: ConfigMap\ndata:\n  values.yaml:", "repository: ghcr.io/acme/api\ntag:").rstrip("\n")
    assert bump(before, TAG).text() == f"{before} 2.0.0"


def test_lines_and_columns_are_those_of_the_file() -> None:
    before = block(
        "kind: ConfigMap\ndata:\n  values.yaml:", "a: \u65e5\nrepository: ghcr.io/acme/api\ntag: 1.0.0\n", "|", 3
    )
    assert bump(before, TAG).changes == [("a.yaml", 6, 11, "1.0.0", "2.0.0")]


def test_blocks_in_blocks_are_opened() -> None:
    values = block("helm:\n  values:", VALUES)
    config = block("kind: ConfigMap\ndata:\n  values.yaml:", values)
    before = block("patches:\n- patch:", config)
    assert bump({"kustomization.yaml": before}, TAG).text("kustomization.yaml") == before.replace("1.0.0", "2.0.0")


def test_there_is_an_end_to_blocks_in_blocks() -> None:
    # Each level is parsed again for the one around it: without an end the time grows with the square of the size.
    text = VALUES
    for depth in range(1, 150):
        text = block("helm:\n  values:", text, "|", 1)
        if depth == MAX_NESTED:
            assert bump(text, TAG).text() == text.replace("1.0.0", "2.0.0")
    bumped = bump(text, TAG)
    assert (bumped.text(), bumped.plan.images[0].occurrences) == (text, 0)
    assert bumped.warnings[0].endswith("(documents in documents, more than 8 deep)")


LEFT_ALONE = {
    "another key of a ConfigMap": "kind: ConfigMap\ndata:\n  config.yaml:",
    "values.yaml of a Secret": "kind: Secret\nstringData:\n  values.yaml:",
    "values of something else": "chart:\n  values:",
    "a patch of something else": "overrides:\n- patch:",
    "a text": "description:",
}


@pytest.mark.parametrize("head", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_other_blocks_are_text(head: str) -> None:
    before = block(head, VALUES)
    assert bump(before, TAG).text() == before


def test_a_folded_block_is_text() -> None:
    before = block("helm:\n  values:", VALUES, ">")
    assert bump(before, TAG).text() == before


BROKEN = {
    "a template": ("image:\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\n{{- end }}\n", 7, 1),
    "not YAML": ("image: [ghcr.io/acme/api:1.0.0\n", 4, 1),
    "too deep": (f"a: {'[' * 65}{']' * 65}\nimage: ghcr.io/acme/api:1.0.0\n", 3, 71),
}


@pytest.mark.parametrize(("text", "line", "column"), BROKEN.values(), ids=BROKEN)
def test_a_block_that_cannot_be_parsed_is_left_alone_and_the_rest_is_changed(text: str, line: int, column: int) -> None:
    before = block("helm:\n  values:", text)
    bumped = bump(f"{before}image: ghcr.io/acme/api:1.0.0\n", TAG)
    assert bumped.text() == f"{before}image: {TAG}\n"
    (warning,) = bumped.warnings
    assert warning.startswith(f"a.yaml:{line}:{column}: a nested document that cannot be parsed (")


def test_a_block_that_cannot_be_parsed_and_names_nothing_is_no_news() -> None:
    before = block("helm:\n  values:", "{{ x }}\n")
    bumped = bump(f"{before}image: ghcr.io/acme/api:1.0.0\n", TAG)
    assert (bumped.text(), bumped.warnings) == (f"{before}image: {TAG}\n", [])
